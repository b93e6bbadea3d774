from __future__ import annotations

from collections.abc import Mapping

import pytest

from scanner.domain.files import Node, NodeKind, Place, WalkState
from scanner.filesystem.walker import Walker
from tests.support.archives import rootfs as stacked
from tests.support.images import Device, Entry, File, Folder, HardLink, Opaque, Symlink, Whiteout

Trees = tuple[Mapping[str, Entry], ...]

BASE: Mapping[str, Entry] = {
    "etc": Folder(),
    "etc/passwd": File(b"x", mode=0o640, uid=7, gid=8),
    "srv": Folder(0o750, 5, 6),
    "srv/app": Folder(0o700, 1, 2),
    "srv/app/data": File(b"", mode=0o600, uid=1),
    "current": Symlink("/srv/app"),
    "up": Symlink("srv/app/../app/data"),
    "nowhere": Symlink("srv/gone/away"),
    "round": Symlink("round"),
    "null": Device(),
    "implied/below/file": File(),
}

TABLE = [
    ("/", WalkState.FOUND, "/", []),
    ("", WalkState.FOUND, "/", []),
    ("etc/./passwd", WalkState.FOUND, "/etc/passwd", ["/", "/etc"]),
    ("//srv//app/", WalkState.FOUND, "/srv/app", ["/", "/srv"]),
    ("/current/data", WalkState.FOUND, "/srv/app/data", ["/", "/srv", "/srv/app"]),
    ("/up", WalkState.FOUND, "/srv/app/data", ["/", "/srv", "/srv/app"]),
    ("/nowhere", WalkState.MISSING, "/srv/gone", ["/", "/srv"]),
    ("/srv/app/none/at/all", WalkState.MISSING, "/srv/app/none", ["/", "/srv", "/srv/app"]),
    ("/etc/passwd/x", WalkState.NOT_A_FOLDER, "/etc/passwd", ["/", "/etc"]),
    ("/null", WalkState.FOUND, "/null", ["/"]),
    ("/round/x", WalkState.LINK_LOOP, "/round", ["/"]),
    ("/implied/below/file", WalkState.FOUND, "/implied/below/file", ["/", "/implied", "/implied/below"]),
    ("/../../etc", WalkState.FOUND, "/etc", ["/"]),
    ("/with\0nul", WalkState.MISSING, "/with\0nul", ["/"]),
    ("/\udcff\ud800", WalkState.MISSING, "/\ufffd\ufffd", ["/"]),
]


@pytest.mark.parametrize(("path", "state", "resolved", "through"), TABLE)
def test_one_layer(path: str, state: WalkState, resolved: str, through: list[str]) -> None:
    walk = Walker(stacked(BASE)).walk(path)
    assert (walk.state, walk.resolved) == (state, resolved)
    assert [place.path for place in walk.through] == through
    assert (walk.place is not None) is (state is WalkState.FOUND)


def node_at(trees: Trees, path: str) -> tuple[Node, int | None] | None:
    place = Walker(stacked(*trees)).walk(path).place
    return None if place is None else (place.node, place.layer)


LAYERS: list[tuple[str, Trees, str, tuple[Node, int] | None]] = [
    (
        "upper file",
        ({"a": File(mode=0o600)}, {"a": File(mode=0o755, uid=9)}),
        "/a",
        (Node(NodeKind.FILE, 0o755, 9, 0), 1),
    ),
    ("whiteout", ({"a": File()}, {"a": Whiteout()}), "/a", None),
    ("opaque", ({"a/b": File()}, {"a": Folder(0o700), "a/": Opaque()}), "/a/b", None),
    ("opaque keeps the folder", ({"a": Folder(0o700)}, {"a": Opaque()}), "/a", (Node(NodeKind.FOLDER, 0o700, 0, 0), 0)),
    ("opaque over nothing", ({"a": Opaque()},), "/a", (Node(NodeKind.FOLDER, 0o755, 0, 0), 0)),
    ("opaque over a file", ({"a": File(uid=1)}, {"a": Opaque()}), "/a", (Node(NodeKind.FOLDER, 0o755, 0, 0), 1)),
    (
        "an implied folder hides no attributes",
        ({"a": Folder(0o700, 3, 4)}, {"a/b": File()}),
        "/a",
        (Node(NodeKind.FOLDER, 0o700, 3, 4), 0),
    ),
    (
        "the newest entry counts",
        ({"a": Folder(0o700)}, {"a": Folder(0o711)}),
        "/a",
        (Node(NodeKind.FOLDER, 0o711, 0, 0), 1),
    ),
    ("a file over a folder", ({"a/b": File()}, {"a": File()}), "/a/b", None),
    (
        "hard link in the layer",
        ({"b": File(mode=0o4755, uid=3), "a": HardLink("b")},),
        "/a",
        (Node(NodeKind.FILE, 0o4755, 3, 0), 0),
    ),
    ("hard link below", ({"b": File(mode=0o4755)}, {"a": HardLink("b")}), "/a", (Node(NodeKind.FILE, 0o4755, 0, 0), 0)),
    (
        "link to a lower layer",
        ({"b/c": File(mode=0o400)}, {"a": Symlink("b")}),
        "/a/c",
        (Node(NodeKind.FILE, 0o400, 0, 0), 0),
    ),
]


@pytest.mark.parametrize(("trees", "path", "found"), [row[1:] for row in LAYERS], ids=[row[0] for row in LAYERS])
def test_layers_over_one_another(trees: Trees, path: str, found: tuple[Node, int] | None) -> None:
    assert node_at(trees, path) == found


def test_undecodable_names_are_found_by_their_surrogates() -> None:
    walk = Walker(stacked({"caf\udce9": File()})).walk("/caf\udce9")
    assert walk.place == Place("/caf\udce9", Node(NodeKind.FILE, 0o644, 0, 0), 0)
