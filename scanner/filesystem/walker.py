"""Paths walked as a process in the container walks them: what it finds, and every folder it has to search on the way.

Where ``RootFs.resolve`` says what *runtimes* make of a path, this says what the *kernel* makes of it. Everything a walk
has looked at is remembered, because the paths asked for in one image share most of their folders.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from scanner.domain.accounts import decode, encode
from scanner.domain.files import Node, NodeKind, Place, Walk, WalkState, absolute
from scanner.filesystem.layer_columns import DEVICE, FIFO, FILE, FOLDER, SYMLINK, Flag
from scanner.filesystem.rootfs import Place as NodeOfLayer
from scanner.filesystem.rootfs import Places, RootFs

KINDS = {
    FILE: NodeKind.FILE,
    FOLDER: NodeKind.FOLDER,
    SYMLINK: NodeKind.SYMLINK,
    DEVICE: NodeKind.DEVICE,
    FIFO: NodeKind.FIFO,
}
_EXPLICIT = int(Flag.EXPLICIT)
_HIDES = int(Flag.OPAQUE | Flag.WHITEOUT)
_BARE_ROOT = Place("/", Node(NodeKind.FOLDER, 0o755, 0, 0))  # of an image without layers


def text_path(path: bytes) -> str:
    """A path inside the root as facts state it: absolute, every byte kept; the form of ``AccountFile.resolved``."""
    return "/" + decode(path)


def bytes_path(path: str) -> bytes:
    """The inverse of ``text_path``."""
    return encode(path[1:])


@dataclass(slots=True)
class _Way:
    """Where a walk is: ``here`` is a folder's path, ``ahead`` the components still to go, the next one last."""

    ahead: list[bytes]
    here: bytes = b""
    hops: int = 0
    searched: dict[bytes, None] = field(default_factory=dict)


class Walker:
    """Walks of one tree. Paths are bytes relative to the root, as in ``LayerIndex``, unless they are ``str``.

    What all of them cost together is bounded by ``path_steps``.
    """

    def __init__(self, rootfs: RootFs) -> None:
        self.rootfs = rootfs
        self._standing: dict[bytes, Places] = {b"": rootfs.root(set())}
        self._places: dict[bytes, Place] = {}

    def walk(self, path: str) -> Walk:
        """Follow a path to its end, links included; it begins at the root, and is cleaned first.

        :raises LimitExceeded: ``path_steps``.
        """
        asked = absolute(path)
        way = _Way(encode(asked).split(b"/")[::-1])
        state, end = self._go(way)
        through = tuple(self.place(folder) for folder in way.searched)
        place = self.place(end) if state is WalkState.FOUND else None
        return Walk(asked, state, text_path(end), through, place)

    def standing(self, path: bytes) -> Places:
        """What stands at a path none of whose folders is a link: as ``lstat``."""
        known = self._standing.get(path)
        if known is None:
            above, _, name = path.rpartition(b"/")
            inside = self.standing(above)
            self.rootfs.steps.spend(1 + len(inside))
            known = self._standing[path] = self.rootfs.child(inside, name, set())
        return known

    def source(self, path: bytes) -> NodeOfLayer:
        """The node that lends its attributes to what stands at a path: of a folder, the newest with an entry."""
        return self._source(path, self.standing(path))

    def _source(self, path: bytes, places: Places) -> NodeOfLayer:
        layers = self.rootfs.layers
        for place in places:
            if layers[place[0]].columns.flags[place[1]] & _EXPLICIT:
                return place
        # A folder nobody has an entry for was made, with the default attributes, by the layer that came first.
        position, node = places[-1]
        if layers[position].columns.flags[node] & _HIDES == Flag.OPAQUE:
            emptied = self._emptied(path, position)
            if self.rootfs.kind_in(emptied) == FOLDER:
                return self._source(path, emptied)
        return places[-1]

    def _emptied(self, path: bytes, position: int) -> Places:
        """What a layer without an entry for a folder has emptied: it is still the same folder."""
        if not path:
            return self.rootfs.below(position).root(set())
        above, _, name = path.rpartition(b"/")
        inside = tuple(place for place in self.standing(above) if place[0] < position)
        self.rootfs.steps.spend(1 + len(inside))
        return self.rootfs.child(inside, name, set())

    def names(self, path: bytes) -> list[bytes]:
        """The names in a folder, in order."""
        names: set[bytes] = set()
        for position, node in self.standing(path):
            layer = self.rootfs.layers[position]
            children = layer.children(node)
            self.rootfs.steps.spend(len(children))
            names.update(map(layer.name, children))
        return sorted(name for name in names if self.standing(path + b"/" + name if path else name))

    def place(self, path: bytes) -> Place:
        """What stands at a path, as facts state it; something must stand there."""
        known = self._places.get(path)
        if known is None and not self.rootfs.layers:
            return _BARE_ROOT
        if known is None:
            position, node = self.source(path)
            known = self._places[path] = Place(text_path(path), self.node((position, node)), position)
        return known

    def node(self, place: NodeOfLayer) -> Node:
        """Owner and permissions of a layer's node."""
        columns, node = self.rootfs.layers[place[0]].columns, place[1]
        return Node(KINDS[columns.kind[node]], columns.mode[node], columns.uid[node], columns.gid[node])

    def _go(self, way: _Way) -> tuple[WalkState, bytes]:
        while way.ahead:
            name = way.ahead.pop()
            if name in (b"", b"."):
                continue
            if way.here and self.rootfs.kind_in(self.standing(way.here)) != FOLDER:
                return WalkState.NOT_A_FOLDER, way.here
            way.searched[way.here] = None
            if name == b"..":
                way.here = way.here.rpartition(b"/")[0]
                continue
            there = way.here + b"/" + name if way.here else name
            places = self.standing(there)
            if not places:
                return WalkState.MISSING, there
            if self.rootfs.kind(places[0]) != SYMLINK:
                way.here = there
            elif not self._follow(way, places[0]):
                return WalkState.LINK_LOOP, there
        return WalkState.FOUND, way.here

    def _follow(self, way: _Way, link: NodeOfLayer) -> bool:
        way.hops += 1
        if way.hops > self.rootfs.limits.symlink_hops:
            return False
        target = self.rootfs.layers[link[0]].link(link[1])
        way.ahead.extend(reversed(target.split(b"/")))
        self.rootfs.steps.spend(target.count(b"/") + 1)
        if target.startswith(b"/"):
            way.here = b""
        return True
