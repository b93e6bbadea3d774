from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scanner.domain.files import Node, NodeKind, PermissionClass, Tree, WalkState
from scanner.filesystem.rootfs import RootFs
from scanner.filesystem.tree_classes import tree_below
from scanner.filesystem.walker import Walker
from tests.support.archives import rootfs as stacked
from tests.support.images import Device, Entry, File, Folder, HardLink, Opaque, Symlink, Whiteout

Trees = tuple[Mapping[str, Entry], ...]

FOLDER = Node(NodeKind.FOLDER, 0o755, 0, 0)
PRIVATE = Node(NodeKind.FOLDER, 0o700, 5, 5)
FILE = Node(NodeKind.FILE, 0o644, 0, 0)


def tree(*trees: Mapping[str, Entry], path: bytes = b"app", **bounds: int) -> Tree:
    return tree_below(Walker(stacked(*trees)), path, **bounds)


CASES: list[tuple[str, Trees, tuple[PermissionClass, ...]]] = [
    ("empty", ({"app": Folder()},), ()),
    (
        "an emptied folder without an entry",
        ({"app": Folder(), "app/x": Folder(0o700, 5, 5), "app/x/a": File()}, {"app/x": Opaque()}, {"app": Folder()}),
        (PermissionClass(PRIVATE, (FOLDER,), 1, ("/app/x",)),),
    ),
    ("files", ({"app/a": File(), "app/b": File()},), (PermissionClass(FILE, (FOLDER,), 2, ("/app/a", "/app/b")),)),
    (
        "a folder counts, and is above what is in it",
        ({"app": Folder(), "app/x": Folder(0o700, 5, 5), "app/x/y": File()},),
        (
            PermissionClass(PRIVATE, (FOLDER,), 1, ("/app/x",)),
            PermissionClass(FILE, (FOLDER, PRIVATE), 1, ("/app/x/y",)),
        ),
    ),
    (
        "folders alike are above but once",
        ({"app": Folder(), "app/x/y/z": File()},),
        (
            PermissionClass(FOLDER, (FOLDER,), 2, ("/app/x", "/app/x/y")),
            PermissionClass(FILE, (FOLDER,), 1, ("/app/x/y/z",)),
        ),
    ),
    ("links are left out", ({"app/a": Symlink("b")},), ()),
    (
        "devices",
        ({"app/a": Device(mode=0o600)},),
        (PermissionClass(Node(NodeKind.DEVICE, 0o600, 0, 0), (FOLDER,), 1, ("/app/a",)),),
    ),
    (
        "three examples",
        ({f"app/{n}": File() for n in range(9)},),
        (PermissionClass(FILE, (FOLDER,), 9, ("/app/0", "/app/1", "/app/2")),),
    ),
    (
        "whiteout",
        ({"app/a": File(), "app/b": File()}, {"app/a": Whiteout()}),
        (PermissionClass(FILE, (FOLDER,), 1, ("/app/b",)),),
    ),
    (
        "opaque",
        ({"app/a": File()}, {"app/": Opaque(), "app/b": File()}),
        (PermissionClass(FILE, (FOLDER,), 1, ("/app/b",)),),
    ),
    (
        "two layers",
        ({"app/a": File()}, {"app/b": File()}),
        (PermissionClass(FILE, (FOLDER,), 2, ("/app/a", "/app/b")),),
    ),
    (
        "hard link into a lower layer",
        ({"app/a": File(), "tool": File(mode=0o4755)}, {"app/b": HardLink("tool")}, {"app": Folder()}),
        (
            PermissionClass(FILE, (FOLDER,), 1, ("/app/a",)),
            PermissionClass(Node(NodeKind.FILE, 0o4755, 0, 0), (FOLDER,), 1, ("/app/b",)),
        ),
    ),
    (
        "hard link in a folder of its own layer alone",
        ({"tool": File(mode=0o4755)}, {"app/b": HardLink("tool")}),
        (PermissionClass(Node(NodeKind.FILE, 0o4755, 0, 0), (FOLDER,), 1, ("/app/b",)),),
    ),
    (
        "neighbors",
        ({"ap/x": File(), "app/a": File(), "apq/z": File()},),
        (PermissionClass(FILE, (FOLDER,), 1, ("/app/a",)),),
    ),
]


@pytest.mark.parametrize(("trees", "classes"), [row[1:] for row in CASES], ids=[row[0] for row in CASES])
def test_classes(trees: Trees, classes: tuple[PermissionClass, ...]) -> None:
    found = tree(*trees)
    assert found == Tree("/app", classes, sum(one.count for one in classes))


def test_too_many_entries_are_said() -> None:
    layers = {f"app/{n}/x": File() for n in range(30)}
    assert not tree(layers, entries=59).complete
    assert tree(layers, entries=60).complete


def test_too_many_classes_are_said() -> None:
    layers = {f"app/{n}": File(uid=n) for n in range(4)}
    found = tree(layers, classes=3)
    assert (found.complete, found.entries) == (False, 3)
    assert tree(layers, classes=4).complete


def test_a_tree_of_many_layers_is_bounded() -> None:
    layers = [{f"app/{n}": File()} for n in range(20)]
    assert tree(*layers, entries=20).entries == 20
    assert not tree(*layers, entries=19).complete


# Against a model that applies the layers one after another to a dictionary.

NAMES = st.sampled_from(["a", "b", "c"])
PATHS = st.lists(NAMES, min_size=1, max_size=3).map("/".join)
MODES = st.sampled_from([0o600, 0o644, 0o755, 0o777])
ENTRIES = st.one_of(
    st.builds(File, mode=MODES, uid=st.integers(0, 1)),
    st.builds(Folder, MODES, st.integers(0, 1)),
    st.builds(Folder, MODES, st.integers(0, 1)),
    st.just(Whiteout()),
    st.just(Opaque()),
    st.builds(Symlink, st.sampled_from(["a", "/b", "../c", "."])),
)


@dataclass(frozen=True)
class Made:
    """A path in the model; ``given`` is false for a folder that has no entry."""

    entry: File | Folder | Symlink
    given: bool = True


@st.composite
def layer_trees(draw: st.DrawFn) -> dict[str, Entry]:
    """A layer in which no path is both a folder and something else, and nothing is added twice."""
    drawn = draw(st.dictionaries(PATHS, ENTRIES, max_size=7))
    tree: dict[str, Entry] = {}
    for path in sorted(drawn):
        above = [path[:at] for at in range(len(path)) if path[at] == "/"]
        if all(isinstance(tree.get(folder, Folder()), Folder | Opaque) for folder in above):
            tree[path] = drawn[path]
    return tree


def applied(trees: list[dict[str, Entry]]) -> dict[str, Made]:
    state: dict[str, Made] = {}
    for tree in trees:
        for path, entry in tree.items():
            if isinstance(entry, Whiteout | Opaque):
                keep = isinstance(entry, Opaque)
                _remove(state, path, itself=not keep or not _is_folder(state, path))
        for path, entry in tree.items():
            folders = [path[:at] for at in range(len(path)) if path[at] == "/"]
            for folder in folders + [path] * isinstance(entry, Opaque):
                if not _is_folder(state, folder):
                    _remove(state, folder, itself=True)
                    state[folder] = Made(Folder(), given=False)
            if isinstance(entry, File | Folder | Symlink):
                if not (isinstance(entry, Folder) and _is_folder(state, path)):
                    _remove(state, path, itself=True)
                state[path] = Made(entry)
    return state


def _is_folder(state: dict[str, Made], path: str) -> bool:
    return path in state and isinstance(state[path].entry, Folder)


def _remove(state: dict[str, Made], path: str, *, itself: bool) -> None:
    for known in [known for known in state if known.startswith(path + "/") or (itself and known == path)]:
        del state[known]


def _node(made: Made) -> Node | None:
    entry = made.entry
    if isinstance(entry, Symlink):
        return None
    return Node(NodeKind.FILE if isinstance(entry, File) else NodeKind.FOLDER, entry.mode, entry.uid, entry.gid)


@given(st.lists(layer_trees(), min_size=1, max_size=4))
def test_the_same_as_layers_applied_one_after_another(trees: list[dict[str, Entry]]) -> None:
    rootfs, state = stacked(*trees), applied(trees)
    expected = Counter(node for node in map(_node, state.values()) if node is not None)
    found: Counter[Node] = Counter()
    for one in tree_below(Walker(rootfs), b"").classes:
        found[one.node] += one.count
    assert found == expected
    for path, made in state.items():
        _same_walk(rootfs, path, made)


def _same_walk(rootfs: RootFs, path: str, made: Made) -> None:
    walk = Walker(rootfs).walk(path)
    if isinstance(made.entry, Symlink):
        return
    assert walk.state is WalkState.FOUND
    assert walk.place is not None
    assert walk.place.node == _node(made)
    folders = ["/", *("/" + path[:at] for at in range(len(path)) if path[at] == "/")]
    assert [place.path for place in walk.through] == folders
