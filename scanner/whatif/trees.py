"""How many files and folders the declared identity can use and another cannot."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from scanner.domain.files import EntryPoint, FileFacts, Node, NodeKind, Program, Tree, Walk
from scanner.domain.permissions import Access, Process, allows, reaches
from scanner.whatif.answer import ClassLoss, TreeLoss

_MOST_CLASSES = 10
_ASKED = (
    (NodeKind.FILE, Access.READ),
    (NodeKind.FILE, Access.WRITE),
    (NodeKind.FOLDER, Access.WRITE),
    (NodeKind.FILE, Access.EXECUTE),
)
"""What may be lost. A folder that cannot be listed or searched is seen in the files below it."""


def tree_losses(files: FileFacts, trees: Sequence[Tree], now: Process, before: Process) -> Iterator[TreeLoss | str]:
    """Losses of some of the image's trees; a sentence in place of one whose folders on the way are not known."""
    nodes = _known_folders(files)
    for tree in trees:
        way = [nodes.get(path) for path in _above(tree.path)]
        known = [node for node in way if node is not None]
        if len(known) != len(way):
            yield f"The folders above {tree.path} were not looked at."
            continue
        yield from _losses(tree, known, now, before)


def _losses(tree: Tree, way: list[Node], now: Process, before: Process) -> Iterator[TreeLoss]:
    open_now, open_before = _passes(way, now), _passes(way, before)
    for kind, access in _ASKED:
        lost = [
            ClassLoss(entries.node, entries.count, entries.examples)
            for entries in tree.classes
            if entries.node.kind is kind
            and (open_before and reaches(entries, before, access | _search(kind, access)))
            and not (open_now and reaches(entries, now, access | _search(kind, access)))
        ]
        if lost:
            lost.sort(key=lambda found: -found.count)
            total = sum(found.count for found in lost)
            yield TreeLoss(tree.path, kind, access, total, tuple(lost[:_MOST_CLASSES]), tree.complete)


def _search(kind: NodeKind, access: Access) -> Access:
    return Access.EXECUTE if kind is NodeKind.FOLDER and access is Access.WRITE else Access(0)


def _passes(way: list[Node], process: Process) -> bool:
    return all(allows(node, process, Access.EXECUTE) for node in way)


def _above(path: str) -> list[str]:
    """The folders above a path, from the root; ``/`` has none."""
    parts = path.strip("/").split("/")
    return [] if parts == [""] else ["/" + "/".join(parts[:count]) for count in range(len(parts))]


def _known_folders(files: FileFacts) -> Mapping[str, Node]:
    known: dict[str, Node] = {}
    for walk in (*files.walks.values(), *_program_walks(files.entry_point)):
        places = walk.through if walk.place is None else (*walk.through, walk.place)
        known.update({place.path: place.node for place in places})
    return known


def _program_walks(entry_point: EntryPoint | None) -> Iterator[Walk]:
    for candidate in entry_point.candidates if entry_point is not None else ():
        program: Program | None = candidate
        while program is not None:
            yield program.walk
            program = program.interpreter
