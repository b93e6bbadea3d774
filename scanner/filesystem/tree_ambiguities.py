"""Where two honest ways to unpack the same layers give different trees.

``decides`` is set where the places that resolving the account files looked at are concerned: then the identity itself
depends on who unpacks. Everything else is only shown, and only the first few of each kind.
"""

from __future__ import annotations

import re
from array import array
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache

from scanner.domain.facts import GROUP, PASSWD, Ambiguity
from scanner.domain.problems import LimitExceeded
from scanner.filesystem.layer_columns import FOLDER, HARD_LINK, NOTHING, ROOT, Flag
from scanner.filesystem.layer_index import LayerIndex
from scanner.filesystem.paths import shown
from scanner.filesystem.rootfs import Place, Places, Resolution, RootFs

_SHOWN_OF_EACH = 20
_SETUID_OR_SETGID = 0o6000


def tree_ambiguities(rootfs: RootFs) -> tuple[Ambiguity, ...]:
    """List them, those that decide first.

    :raises ImageProblem: ``bad-link`` for a hard link to nothing; a limit where there is too much to examine.
    """
    walks = [rootfs.resolve(path) for path in (PASSWD, GROUP)]
    trail = _Trail(
        frozenset().union(*(walk.trail for walk in walks)), frozenset().union(*(walk.touched for walk in walks))
    )
    budget = _Budget(rootfs.limits.implied_paths)
    found = list(_lexical(walks))
    for position, layer in enumerate(rootfs.layers):
        found += _root_given(position, layer)
        found += _flagged(position, layer, trail)
        found += _links_below(rootfs, position, trail, budget)
        found += _implied_over_links(rootfs, position, trail, budget)
    return _most_telling(found)


@dataclass(frozen=True, slots=True)
class _Trail:
    paths: frozenset[bytes]
    places: frozenset[Place]


class _Budget:
    def __init__(self, allowed: int) -> None:
        self._allowed = self._left = allowed

    def spend(self) -> None:
        self._left -= 1
        if self._left < 0:
            subject = "folders without an entry and hard links into lower layers"
            raise LimitExceeded("implied_paths", self._allowed, "more", subject=subject)


def _most_telling(found: list[Ambiguity]) -> tuple[Ambiguity, ...]:
    kept: list[Ambiguity] = []
    count: dict[str, int] = {}
    for ambiguity in sorted(found, key=lambda one: not one.decides):
        count[ambiguity.code] = count.get(ambiguity.code, 0) + 1
        if count[ambiguity.code] <= _SHOWN_OF_EACH:
            kept.append(ambiguity)
    return tuple(kept)


def _lexical(walks: list[Resolution]) -> Iterator[Ambiguity]:
    for walk in walks:
        if walk.lexical:
            yield Ambiguity(
                "link-through-nothing",
                shown(walk.path),
                "a link climbs with .. out of a folder that does not exist: Docker goes on there, containerd stops",
            )


def _root_given(position: int, layer: LayerIndex) -> Iterator[Ambiguity]:
    columns = layer.columns
    given = columns.mode[ROOT], columns.uid[ROOT], columns.gid[ROOT]
    if given != (0o755, 0, 0):
        yield Ambiguity(
            "root-folder",
            "/",
            f"the layer gives the root folder mode {given[0]:04o} and the owner {given[1]}:{given[2]}: Docker's own"
            " image store obeys, containerd does not, and there it is 0755 and 0:0",
            position,
            decides=False,
        )


_DETAILS = {
    Flag.DUPLICATE: (
        "duplicate-path",
        "the layer holds this path more than once; unpacking in order, the last one wins",
    ),
    Flag.WHITEOUT: (
        "whiteout-and-path",
        "the layer both removes and adds this path; what stays depends on who unpacks it and in which order",
    ),
    Flag.REDIRECTED: ("parent-is-link", "the layer puts this path there through a symlink of its own"),
}


def _flagged(position: int, layer: LayerIndex, trail: _Trail) -> Iterator[Ambiguity]:
    columns = layer.columns
    for flag, (code, detail) in _DETAILS.items():
        count = 0
        for node in _with(columns.flags, _has(flag)):
            if flag is Flag.WHITEOUT and columns.kind[node] == NOTHING:
                continue
            decides = (position, node) in trail.places
            count += 1
            if decides or count <= _SHOWN_OF_EACH:
                yield Ambiguity(code, shown(layer.path(node)), detail, position, decides)


@cache
def _has(flag: Flag) -> Callable[[int], bool]:
    return lambda flags: bool(flags & flag)


def _is_folder(kind: int) -> bool:
    return kind == FOLDER


def _is_hard_link(kind: int) -> bool:
    return kind == HARD_LINK


def _with(column: array[int], wanted: Callable[[int], bool]) -> Iterator[int]:
    """Nodes whose value in a column of single bytes is wanted, at the speed of a regular expression."""
    return (match.start() for match in _pattern(wanted).finditer(column.tobytes()))


@cache
def _pattern(wanted: Callable[[int], bool]) -> re.Pattern[bytes]:
    values = bytes(value for value in range(256) if wanted(value))
    return re.compile(b"[" + re.escape(values) + b"]", re.DOTALL)


def _links_below(rootfs: RootFs, position: int, trail: _Trail, budget: _Budget) -> Iterator[Ambiguity]:
    layer = rootfs.layers[position]
    for node in _with(layer.columns.kind, _is_hard_link):
        budget.spend()
        rootfs.target((position, node), set())
        yield Ambiguity(
            "hard-link-below",
            shown(layer.path(node)),
            f"a hard link to {shown(layer.link(node))} in a lower layer, which overlay file systems cannot make",
            position,
            # Whoever can make it also gives the file below the link's own mode and owner.
            (position, node) in trail.places or bool(layer.columns.mode[node] & _SETUID_OR_SETGID),
        )


def _implied_over_links(rootfs: RootFs, position: int, trail: _Trail, budget: _Budget) -> Iterator[Ambiguity]:
    if position == 0:
        return
    layer = rootfs.layers[position]
    below = _Below(rootfs.below(position), layer, budget)
    flags = layer.columns.flags
    for node in _with(layer.columns.kind, _is_folder):
        if node == ROOT or flags[node] & _OWN_FOLDER:
            continue
        places = below.places(node)
        if _changes_when_implied(below.rootfs, places):
            yield Ambiguity(
                "implied-folder",
                shown(layer.path(node)),
                "the layer has entries in this folder but none for it: Docker on overlayfs makes it anew as 0755 root,"
                " others keep its mode and owner",
                position,
                decides=False,
            )
        if below.rootfs.kind_in(places) not in (NOTHING, FOLDER):
            yield Ambiguity(
                "parent-is-link",
                shown(layer.path(node)),
                "the layer has entries below this path, which in a lower layer is no folder: some unpack them"
                " where the link leads, some put a folder in its place",
                position,
                _concerns(below.rootfs, layer, node, trail),
            )


def _changes_when_implied(rootfs: RootFs, places: Places) -> bool:
    if rootfs.kind_in(places) != FOLDER:
        return False
    for position, node in places:
        columns = rootfs.layers[position].columns
        if columns.flags[node] & Flag.EXPLICIT:
            return (columns.mode[node], columns.uid[node], columns.gid[node]) != (0o755, 0, 0)
    return False


_OWN_FOLDER = int(Flag.EXPLICIT | Flag.WHITEOUT)


class _Below:
    """What lower layers have at the paths of a layer's nodes."""

    def __init__(self, rootfs: RootFs, layer: LayerIndex, budget: _Budget) -> None:
        self.rootfs = rootfs
        self._layer = layer
        self._budget = budget
        self._known: dict[int, Places] = {ROOT: rootfs.root(set())}

    def places(self, node: int) -> Places:
        known = self._known.get(node)
        if known is None:
            above = self.places(self._layer.columns.parent[node])
            self._budget.spend()
            self.rootfs.steps.spend(len(above))  # each of these layers is looked into
            known = self._known[node] = self.rootfs.child(above, self._layer.name(node), set()) if above else ()
        return known


def _concerns(below: RootFs, layer: LayerIndex, node: int, trail: _Trail) -> bool:
    path = layer.path(node)
    if path in trail.paths:
        return True
    behind = below.resolve(path).path
    prefix = behind + b"/" if behind else b""
    below.steps.spend(len(trail.paths))
    return any(
        layer.find(path + b"/" + place[len(prefix) :]) is not None
        for place in trail.paths
        if place.startswith(prefix) and place != behind
    )
