"""All entries below a folder, as the few combinations of owners and modes there are.

Where a folder comes from one layer alone, which is nearly always so, everything below it does too: level by level its
nodes are neighbors in the columns of that layer, and no names are compared.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial

from scanner.domain.files import Node, NodeKind, PermissionClass, Tree
from scanner.domain.problems import LimitExceeded
from scanner.filesystem.layer_columns import FOLDER, HARD_LINK, NOTHING, SYMLINK, Flag
from scanner.filesystem.layer_index import LayerIndex
from scanner.filesystem.rootfs import Place, Places
from scanner.filesystem.walker import KINDS, Walker, text_path

MOST_ENTRIES = 200_000
MOST_CLASSES = 2_000
_EXAMPLES = 3
_EMPTIES = int(Flag.OPAQUE | Flag.EXPLICIT)
_SILENT = (NOTHING, SYMLINK)

_Permissions = tuple[int, int, int, int]
"""Kind, mode, uid and gid."""


def tree_below(walker: Walker, path: bytes, *, entries: int = MOST_ENTRIES, classes: int = MOST_CLASSES) -> Tree:
    """Count what is below a folder, hidden entries left out; incomplete where a bound is reached.

    :param path: of a folder that stands there, links resolved.
    :param entries: how many are looked at, at most, symlinks among them; classes likewise.
    """
    return _Count(walker, path, entries, classes).tree()


@dataclass(slots=True)
class _Class:
    """A class in the making, with the paths of some examples."""

    count: int = 0
    examples: list[bytes] = field(default_factory=list)


class _Full(Exception):
    """The bounds are reached."""


@dataclass(frozen=True, slots=True)
class _Folder:
    """A folder to look into; ``above`` numbers the folders to be searched on the way into it, itself included."""

    path: bytes
    places: Places
    above: int


class _Count:
    def __init__(self, walker: Walker, path: bytes, entries: int, classes: int) -> None:
        self._walker = walker
        self._layers = walker.rootfs.layers
        self._path = path
        self._entries_left = entries
        self._most_classes = classes
        self._classes: dict[tuple[int, _Permissions], _Class] = {}
        self._above: dict[tuple[_Permissions, ...], int] = {}
        self._chains: list[tuple[_Permissions, ...]] = []
        self._deeper: dict[tuple[int, _Permissions], int] = {}
        self._emptying: dict[int, bool] = {}
        self._complete = True

    def tree(self) -> Tree:
        root = self._permissions(self._walker.source(self._path))
        pending = [_Folder(self._path, self._walker.standing(self._path), self._number((root,)))]
        try:
            while pending:
                folder = pending.pop()
                if len(folder.places) == 1 and not self._empties(folder.places[0][0]):
                    self._one_layer(folder)
                else:
                    pending += self._merged(folder)
        except (_Full, LimitExceeded):
            self._complete = False
        classes = [self._finished(above, permissions) for above, permissions in self._classes]
        classes.sort(key=lambda one: (-one.count, one.examples))
        return Tree(text_path(self._path), tuple(classes), sum(one.count for one in classes), self._complete)

    def _finished(self, above: int, permissions: _Permissions) -> PermissionClass:
        made = self._classes[above, permissions]
        folders = tuple(_node(one) for one in self._chains[above])
        examples = tuple(map(text_path, made.examples))
        return PermissionClass(_node(permissions), folders, made.count, examples)

    def _number(self, chain: tuple[_Permissions, ...]) -> int:
        known = self._above.get(chain)
        if known is None:
            known = self._above[chain] = len(self._chains)
            self._chains.append(chain)
        return known

    def _into(self, above: int, folder: _Permissions) -> int:
        """The number of a chain with one more folder; one that is in it already changes nothing."""
        known = self._deeper.get((above, folder))
        if known is None:
            chain = self._chains[above]
            known = self._deeper[above, folder] = above if folder in chain else self._number((*chain, folder))
        return known

    def _permissions(self, place: Place) -> _Permissions:
        columns, node = self._layers[place[0]].columns, place[1]
        return columns.kind[node], columns.mode[node], columns.uid[node], columns.gid[node]

    def _class(self, above: int, permissions: _Permissions) -> _Class:
        known = self._classes.get((above, permissions))
        if known is None:
            if len(self._classes) >= self._most_classes:
                raise _Full
            known = self._classes[above, permissions] = _Class()
        return known

    def _spend(self, entries: int) -> None:
        self._entries_left -= entries
        if self._entries_left < 0:
            raise _Full

    def _count(self, above: int, permissions: _Permissions, path: Callable[[], bytes]) -> None:
        if permissions[0] in _SILENT:
            return
        made = self._class(above, permissions)
        made.count += 1
        if len(made.examples) < _EXAMPLES:
            made.examples.append(path())

    def _merged(self, folder: _Folder) -> Iterator[_Folder]:
        """Count the entries of a folder that several layers show through, and give the folders among them."""
        for name in sorted(self._names(folder.places)):
            path = folder.path + b"/" + name if folder.path else name
            places = self._walker.standing(path)
            if not places:
                continue
            permissions = self._permissions(self._walker.source(path))
            self._count(folder.above, permissions, partial(bytes, path))
            if permissions[0] == FOLDER:
                yield _Folder(path, places, self._into(folder.above, permissions))

    def _empties(self, position: int) -> bool:
        """Whether a layer has emptied folders without entries, whose attributes then are those of another layer."""
        known = self._emptying.get(position)
        if known is None:
            flags = set(self._layers[position].columns.flags.tobytes())
            known = self._emptying[position] = any(one & _EMPTIES == Flag.OPAQUE for one in flags)
        return known

    def _names(self, places: Places) -> set[bytes]:
        names: set[bytes] = set()
        for position, node in places:
            layer = self._layers[position]
            children = layer.children(node)
            self._spend(len(children))
            names.update(map(layer.name, children))
        return names

    def _one_layer(self, folder: _Folder) -> None:
        position, node = folder.places[0]
        layer = self._layers[position]
        level, above_of = range(node, node + 1), {node: folder.above}
        while level:
            level = range(layer.children(level[0]).start, layer.children(level[-1]).stop)
            self._spend(len(level))
            above_of = self._level(position, layer, level, above_of)

    def _level(self, position: int, layer: LayerIndex, level: range, above_of: dict[int, int]) -> dict[int, int]:
        """Count one level; return the folders in it with the number of their chain."""
        columns, span = layer.columns, slice(level.start, level.stop)
        rows = zip(columns.kind[span], columns.mode[span], columns.uid[span], columns.gid[span], strict=True)
        above = map(above_of.__getitem__, columns.parent[span])
        known, folders = self._classes, {}
        for node, permissions, parent in zip(level, rows, above, strict=True):
            made = known.get((parent, permissions))
            if made is not None and len(made.examples) == _EXAMPLES:
                made.count += 1
            elif permissions[0] == HARD_LINK:
                target = self._walker.rootfs.target((position, node), set())
                self._count(parent, self._permissions(target), partial(layer.path, node))
            else:
                self._count(parent, permissions, partial(layer.path, node))
            if permissions[0] == FOLDER:
                folders[node] = self._into(parent, permissions)
        return folders


def _node(permissions: _Permissions) -> Node:
    kind, mode, uid, gid = permissions
    return Node(KINDS.get(kind, NodeKind.FILE), mode, uid, gid)
