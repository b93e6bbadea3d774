"""A stack of layers seen as one tree, without ever building it.

A path is walked component by component. What stands at each is a list of *places* (layer, node), newest layer first:
the folders that show through one another there, or the one thing that is no folder. A layer's whiteout, opaque
marker or non-folder ends the list, because it hides all that lies below. This is how an overlay mount answers, and how
containerd and Docker store images; where applying layers one over another gives another answer,
``tree_ambiguities`` says so.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from scanner.domain.limits import Limits
from scanner.domain.problems import ImageProblem
from scanner.filesystem.layer_columns import FOLDER, HARD_LINK, NOTHING, ROOT, SYMLINK, Flag
from scanner.filesystem.layer_index import LayerIndex
from scanner.filesystem.paths import shown
from scanner.filesystem.steps import Steps

Place = tuple[int, int]
"""Position of a layer, and a node of it."""
Places = tuple[Place, ...]

_HIDES_BELOW = int(Flag.OPAQUE | Flag.WHITEOUT)


@dataclass(slots=True)
class Resolution:
    """How a path was walked.

    :param places: empty where it leads nowhere.
    :param path: where it ended, relative to the root.
    :param links: symlinks followed and their targets.
    :param looped: more links than allowed.
    :param lexical: a ``..`` came after something missing: Docker's resolver goes on there, containerd's stops.
    :param trail: every path that was looked at.
    :param touched: every node that had a say.
    """

    places: Places = ()
    path: bytes = b""
    links: list[tuple[bytes, bytes]] = field(default_factory=list)
    looped: bool = False
    lexical: bool = False
    trail: set[bytes] = field(default_factory=set)
    touched: set[Place] = field(default_factory=set)


class RootFs:
    """The tree that a container of these layers, bottom first, would see.

    :param steps: what all walks together may cost; shared with the trees of lower layers that are made on the way.
    """

    def __init__(self, layers: Sequence[LayerIndex], limits: Limits, steps: Steps | None = None) -> None:
        self.layers = tuple(layers)
        self.limits = limits
        self.steps = steps or Steps(limits)

    def below(self, position: int) -> RootFs:
        """The tree of the layers under one."""
        return RootFs(self.layers[:position], self.limits, self.steps)

    def resolve(self, path: str | bytes, *, follow: bool = True) -> Resolution:
        """Walk a path inside the root: absolute links start over at the root, ``..`` stops there.

        :raises LimitExceeded: ``path_steps``.
        """
        raw = path.encode("utf-8", "surrogateescape") if isinstance(path, str) else path
        result = Resolution()
        way: list[tuple[bytes, Places]] = [(b"", self.root(result.touched))]
        ahead = raw.split(b"/")[::-1]
        while ahead:
            name = ahead.pop()
            if name == b"..":
                way = way[:-1] or way
            elif name not in (b"", b"."):
                self.steps.spend(len(self.layers))
                places = self.child(way[-1][1], name, result.touched)
                way.append((name, places))
                result.trail.add(_joined(way))
                if not places:
                    break
                if self.kind(places[0]) == SYMLINK and (follow or any(ahead)):
                    way = self._follow(way, ahead, result)
                    if result.looped:
                        break
        result.lexical = b".." in ahead
        result.path, result.places = _joined(way), way[-1][1]
        return result

    def _follow(
        self, way: list[tuple[bytes, Places]], ahead: list[bytes], result: Resolution
    ) -> list[tuple[bytes, Places]]:
        position, node = way[-1][1][0]
        target = self.layers[position].link(node)
        result.links.append((_joined(way), target))
        if len(result.links) > self.limits.symlink_hops:
            result.looped = True
            return [*way[:-1], (way[-1][0], ())]
        ahead.extend(reversed(target.split(b"/")))
        return way[:1] if target.startswith(b"/") else way[:-1]

    def root(self, touched: set[Place]) -> Places:
        """The root folder's places."""
        places = []
        for position in range(len(self.layers) - 1, -1, -1):
            touched.add((position, ROOT))
            places.append((position, ROOT))
            if self.layers[position].columns.flags[ROOT] & Flag.OPAQUE:
                break
        return tuple(places)

    def child(self, places: Places, name: bytes, touched: set[Place]) -> Places:
        """What stands at a name inside a folder, newest first; nothing inside what is not a folder."""
        found: list[Place] = []
        for position, above in places:
            layer = self.layers[position]
            node = layer.child(above, name) if layer.columns.kind[above] == FOLDER else None
            if node is None:
                continue
            touched.add((position, node))
            kind = layer.columns.kind[node]
            if kind == NOTHING:
                break
            if kind != FOLDER:
                return tuple(found) or (self.target((position, node), touched),)
            found.append((position, node))
            if layer.columns.flags[node] & _HIDES_BELOW:
                break
        return tuple(found)

    def target(self, place: Place, touched: set[Place]) -> Place:
        """Where a hard link leads whose target is not in its own layer: to what lower layers have there.

        :raises ImageProblem: ``bad-link`` where that is no file.
        """
        position, node = place
        if self.kind(place) != HARD_LINK:
            return place
        layer = self.layers[position]
        below = self.below(position).resolve(layer.link(node), follow=False)
        touched |= below.touched
        if not below.places or self.kind_in(below.places) == FOLDER:
            raise ImageProblem(
                "bad-link",
                f"no runtime can unpack {shown(layer.path(node))}: a hard link to {shown(layer.link(node))}, "
                "which is no file there",
            )
        return below.places[0]

    def kind(self, place: Place) -> int:
        """The kind of one place."""
        return self.layers[place[0]].columns.kind[place[1]]

    def kind_in(self, places: Places) -> int:
        """The kind of what shows at some places; ``NOTHING`` for none."""
        return self.kind(places[0]) if places else NOTHING


def _joined(way: list[tuple[bytes, Places]]) -> bytes:
    return b"/".join(name for name, _ in way[1:])
