"""What is worth naming of a whole tree: who may become somebody else, and what everybody may write.

Each layer lists its candidates while it is indexed (``LayerIndex.listed``). Here only those are looked at, and of them
only what the finished tree shows: most setuid files that one layer removes stand in another.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from scanner.domain.files import Node, NodeKind, Place, PrivilegedFile, SudoersFile
from scanner.filesystem.kept_contents import SUDOERS_FOLDERS
from scanner.filesystem.layer_builder import TOOLS
from scanner.filesystem.layer_columns import FIFO, FILE, FOLDER, HARD_LINK, ROOT, SYMLINK
from scanner.filesystem.layer_index import LayerIndex
from scanner.filesystem.rootfs import Place as NodeOfLayer
from scanner.filesystem.rootfs import RootFs
from scanner.filesystem.walker import KINDS, Walker, bytes_path, text_path

_MOST_CANDIDATES = 50_000
_MOST_PRIVILEGED = 1_000
_MOST_WRITABLE = 200
_MOST_SUDOERS = 200
_SETID, _EXECUTABLE, _EVERYBODY_WRITES = 0o6000, 0o111, 0o002
_STICKY = 0o1002  # as /tmp: everybody may write, nobody may replace what is another's
_WRITABLE = (FILE, FOLDER, FIFO)
_BIN = frozenset((b"bin", b"sbin", b"usr/bin", b"usr/sbin", b"usr/local/bin", b"usr/local/sbin", b"command", b""))


@dataclass(frozen=True, slots=True)
class Inventory:
    """Parts of ``FileFacts``, by path."""

    privileged: tuple[PrivilegedFile, ...]
    privileged_total: int
    world_writable: tuple[Place, ...]
    world_writable_total: int
    tools: tuple[str, ...]


def inventory(walker: Walker) -> Inventory:
    """Look at what layers have listed.

    Of each kind so many candidates are looked at; what is over that is counted unseen, so a total is never too small.
    """
    special, special_unseen = _visible(walker, _is_special)
    writable, writable_unseen = _visible(walker, _is_writable)
    privileged = [path for path in special if _is_privileged(walker, path)]
    open_to_all = [path for path in writable if _everybody_writes(walker, path)]
    return Inventory(
        tuple(PrivilegedFile(walker.place(path), _capability(walker, path)) for path in privileged[:_MOST_PRIVILEGED]),
        len(privileged) + special_unseen,
        tuple(map(walker.place, open_to_all[:_MOST_WRITABLE])),
        len(open_to_all) + writable_unseen,
        tuple(text_path(path) for path in special if _is_tool(walker, path)),
    )


def _visible(walker: Walker, wanted: Callable[[LayerIndex, int], bool]) -> tuple[list[bytes], int]:
    """Paths of listed nodes whose attributes the finished tree shows, and how many were not looked at."""
    found: set[bytes] = set()
    seen = unseen = 0
    for position, layer in enumerate(walker.rootfs.layers):
        for node in layer.listed:
            if not wanted(layer, node):
                continue
            if seen >= _MOST_CANDIDATES:
                unseen += 1
                continue
            seen += 1
            path = layer.path(node)
            if _shows(walker, path, (position, node)):
                found.add(path)
    return sorted(found), unseen


def _is_special(layer: LayerIndex, node: int) -> bool:
    columns = layer.columns
    kind = columns.kind[node]
    if kind == FILE and (columns.mode[node] & _SETID or columns.capability_at[node]):
        return True
    return kind == HARD_LINK or (kind in (FILE, SYMLINK) and layer.name(node) in TOOLS)


def _is_writable(layer: LayerIndex, node: int) -> bool:
    kind = layer.columns.kind[node]
    return kind == HARD_LINK or (kind in _WRITABLE and bool(layer.columns.mode[node] & _EVERYBODY_WRITES))


def _is_privileged(walker: Walker, path: bytes) -> bool:
    node = walker.place(path).node
    if node.kind is not NodeKind.FILE or not node.mode & _EXECUTABLE:
        return False
    return bool(node.mode & _SETID or _capability(walker, path))


def _shows(walker: Walker, path: bytes, place: NodeOfLayer) -> bool:
    places = walker.standing(path)
    if not places:
        return False
    shown = walker.source(path)
    # A hard link into a lower layer stands here as what it leads to.
    linked = walker.rootfs.kind(place) == HARD_LINK
    return shown == place or (linked and shown == walker.rootfs.target(place, set()))


def _capability(walker: Walker, path: bytes) -> bytes:
    position, node = walker.source(path)
    return walker.rootfs.layers[position].capability(node) or b""


def _everybody_writes(walker: Walker, path: bytes) -> bool:
    node = walker.place(path).node
    if node.kind not in (NodeKind.FILE, NodeKind.FOLDER, NodeKind.FIFO) or not node.mode & _EVERYBODY_WRITES:
        return False
    return not any(walker.place(at).node.mode & _STICKY == _STICKY for at in _upwards(path))


def _upwards(path: bytes) -> Iterator[bytes]:
    yield path
    while path:
        path = path.rpartition(b"/")[0]
        yield path


def _is_tool(walker: Walker, path: bytes) -> bool:
    above, _, name = path.rpartition(b"/")
    if name not in TOOLS or above not in _BIN:
        return False
    place = walker.walk(text_path(path)).place
    return place is not None and place.node.kind is NodeKind.FILE and bool(place.node.mode & _EXECUTABLE)


def sudoers(walker: Walker) -> tuple[SudoersFile, ...]:
    """The files sudo reads, where its packages put them, links followed; those of ``sudoers.d`` by name.

    A folder with more files than are kept is among them itself, without content: it may hold anything.
    """
    return tuple(dict.fromkeys(_sudoers_files(walker)))


def _sudoers_files(walker: Walker) -> Iterator[SudoersFile]:
    for folder in SUDOERS_FOLDERS:
        yield from _sudoers_file(walker, folder + b"/sudoers")
        included = walker.walk(text_path(folder + b"/sudoers.d"))
        if included.place is not None and included.place.node.kind is NodeKind.FOLDER:
            inside = bytes_path(included.resolved)
            names = walker.names(inside)
            for name in names[:_MOST_SUDOERS]:
                yield from _sudoers_file(walker, inside + b"/" + name)
            if len(names) > _MOST_SUDOERS:
                yield SudoersFile(included.place, None)


def _sudoers_file(walker: Walker, path: bytes) -> Iterator[SudoersFile]:
    walk = walker.walk(text_path(path))
    if walk.place is not None and walk.place.node.kind is NodeKind.FILE:
        position, node = walker.source(bytes_path(walk.resolved))
        yield SudoersFile(walk.place, walker.rootfs.layers[position].content(node))


def highest_owners(rootfs: RootFs) -> tuple[Place | None, Place | None]:
    """One place with the largest uid of all layers, and one with the largest gid.

    What a higher layer hides counts too: whoever unpacks the lower one has to give it that owner.
    """
    return _highest(rootfs, "uid"), _highest(rootfs, "gid")


def _highest(rootfs: RootFs, owner: str) -> Place | None:
    best: tuple[int, int, int] | None = None
    for position, layer in enumerate(rootfs.layers):
        owners = getattr(layer.columns, owner)
        node = max(layer.listed, key=owners.__getitem__, default=ROOT)
        if best is None or owners[node] > best[0]:
            best = owners[node], position, node
    return None if best is None else _at(rootfs, *best[1:])


def _at(rootfs: RootFs, position: int, node: int) -> Place:
    layer, columns = rootfs.layers[position], rootfs.layers[position].columns
    kind = KINDS.get(columns.kind[node], NodeKind.FILE)  # else a hard link into a lower layer
    found = Node(kind, columns.mode[node], columns.uid[node], columns.gid[node])
    return Place(text_path(layer.path(node)), found, position)
