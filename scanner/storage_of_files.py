"""``FileFacts`` as a JSON document and back. Each node, place and walk is written once and named by its number.

::

    nodes   [kind, mode, uid, gid]
    places  [path, node, layer]
    walks   [path, state, resolved, [places passed], place]
"""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections.abc import Callable
from typing import Any, Generic, TypeVar

from scanner.domain.files import (
    EntryPoint,
    FileFacts,
    Node,
    NodeKind,
    PermissionClass,
    Place,
    PrivilegedFile,
    Program,
    ProgramForm,
    SudoersFile,
    Tree,
    Walk,
    WalkState,
)

_Document = dict[str, Any]  # JSON object: its values are checked by the constructors below
_Row = list[Any]


_T = TypeVar("_T")


class _Numbered(Generic[_T]):
    """Rows of a table, equal things once."""

    def __init__(self, row: Callable[[_T], _Row]) -> None:
        self.rows: list[_Row] = []
        self._row = row
        self._numbers: dict[_T, int] = {}

    def number(self, thing: _T) -> int:
        found = self._numbers.get(thing)
        if found is None:
            row = self._row(thing)  # first, since it may add rows of its own
            found = self._numbers[thing] = len(self.rows)
            self.rows.append(row)
        return found


class _Writer:
    def __init__(self) -> None:
        self.nodes = _Numbered[Node](lambda node: [node.kind, node.mode, node.uid, node.gid])
        self.places = _Numbered[Place](lambda place: [place.path, self.nodes.number(place.node), place.layer])
        self.walks = _Numbered[Walk](self._walk)

    def place(self, place: Place | None) -> int | None:
        return None if place is None else self.places.number(place)

    def _walk(self, walk: Walk) -> _Row:
        through = [self.places.number(place) for place in walk.through]
        return [walk.path, walk.state, walk.resolved, through, self.place(walk.place)]

    def tree(self, tree: Tree) -> _Row:
        return [tree.path, tree.entries, tree.complete, [self._class(one) for one in tree.classes]]

    def _class(self, one: PermissionClass) -> _Row:
        above = [self.nodes.number(node) for node in one.above]
        return [self.nodes.number(one.node), above, one.count, one.examples]

    def program(self, program: Program | None) -> _Row | None:
        if program is None:
            return None
        return [self.walks.number(program.walk), program.form, program.needs, self.program(program.interpreter)]

    def entry_point(self, found: EntryPoint | None) -> _Row | None:
        if found is None:
            return None
        return [found.argv, found.searched, [self.program(candidate) for candidate in found.candidates]]


def files_document(files: FileFacts | None) -> _Document | None:
    """What ``files_from`` reads."""
    if files is None:
        return None
    writer = _Writer()
    document = {
        "asked": [[path, writer.walks.number(walk)] for path, walk in files.walks.items()],
        "trees": [writer.tree(tree) for tree in files.trees],
        "entry_point": writer.entry_point(files.entry_point),
        "privileged": [[writer.place(one.place), _text(one.capability)] for one in files.privileged],
        "privileged_total": files.privileged_total,
        "world_writable": [writer.place(place) for place in files.world_writable],
        "world_writable_total": files.world_writable_total,
        "sudoers": [[writer.place(one.place), _text(one.content)] for one in files.sudoers],
        "highest": [writer.place(files.highest_uid), writer.place(files.highest_gid)],
        "tools": files.tools,
    }
    return document | {"nodes": writer.nodes.rows, "places": writer.places.rows, "walks": writer.walks.rows}


_KINDS = {kind.value: kind for kind in NodeKind}
_STATES = {state.value: state for state in WalkState}
_FORMS = {form.value: form for form in ProgramForm}


class _Reader:
    def __init__(self, document: _Document) -> None:
        nodes = [Node(_KINDS[kind], mode, uid, gid) for kind, mode, uid, gid in document["nodes"]]
        places = [Place(path, nodes[node], layer) for path, node, layer in document["places"]]
        self.nodes, self.places = nodes, places
        self.walks = [
            Walk(
                path,
                _STATES[state],
                resolved,
                tuple([places[number] for number in through]),
                None if place is None else places[place],
            )
            for path, state, resolved, through, place in document["walks"]
        ]

    def place(self, number: int | None) -> Place | None:
        return None if number is None else self.places[number]

    def tree(self, row: _Row) -> Tree:
        path, entries, complete, classes = row
        return Tree(path, tuple([self._class(one) for one in classes]), entries, complete)

    def _class(self, row: _Row) -> PermissionClass:
        node, above, count, examples = row
        nodes = self.nodes
        return PermissionClass(nodes[node], tuple([nodes[number] for number in above]), count, tuple(examples))

    def program(self, row: _Row) -> Program:
        walk, form, needs, interpreter = row
        return Program(
            self.walks[walk], _FORMS[form], needs, None if interpreter is None else self.program(interpreter)
        )

    def entry_point(self, row: _Row | None) -> EntryPoint | None:
        if row is None:
            return None
        argv, searched, candidates = row
        return EntryPoint(tuple(argv), tuple(searched), tuple([self.program(candidate) for candidate in candidates]))


def files_from(document: _Document | None) -> FileFacts | None:
    """What ``files_document`` wrote.

    :raises ValueError: or ``KeyError``, ``IndexError``, ``TypeError`` for anything else.
    """
    if document is None:
        return None
    reader = _Reader(document)
    places = reader.places
    highest_uid, highest_gid = document["highest"]
    return FileFacts(
        walks={path: reader.walks[number] for path, number in document["asked"]},
        trees=tuple(reader.tree(row) for row in document["trees"]),
        entry_point=reader.entry_point(document["entry_point"]),
        privileged=tuple(PrivilegedFile(places[at], b64decode(raw)) for at, raw in document["privileged"]),
        privileged_total=document["privileged_total"],
        world_writable=tuple(places[number] for number in document["world_writable"]),
        world_writable_total=document["world_writable_total"],
        sudoers=tuple(
            SudoersFile(places[at], None if raw is None else b64decode(raw)) for at, raw in document["sudoers"]
        ),
        highest_uid=reader.place(highest_uid),
        highest_gid=reader.place(highest_gid),
        tools=tuple(document["tools"]),
    )


def _text(raw: bytes | None) -> str | None:
    return None if raw is None else b64encode(raw).decode("ascii")
