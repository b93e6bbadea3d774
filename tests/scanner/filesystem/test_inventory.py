from __future__ import annotations

from collections.abc import Mapping

import pytest

from scanner.filesystem import inventory as module
from scanner.filesystem.inventory import highest_owners, inventory, sudoers
from scanner.filesystem.layer_index import LayerIndex
from scanner.filesystem.rootfs import RootFs
from scanner.filesystem.walker import Walker
from tests.support.archives import rootfs as stacked
from tests.support.images import Device, Entry, File, Folder, HardLink, Opaque, Symlink, Whiteout

Trees = tuple[Mapping[str, Entry], ...]

SU = File(mode=0o4755)
CAPABLE = File(mode=0o755, capability=b"\1\0\0\2" + bytes(16))

PRIVILEGED: list[tuple[str, Trees, list[str]]] = [
    ("setuid", ({"bin/su": SU, "bin/ls": File(mode=0o755)},), ["/bin/su"]),
    ("setgid", ({"bin/wall": File(mode=0o2755)},), ["/bin/wall"]),
    ("by path", ({"z": SU, "a/b": SU, "m": CAPABLE},), ["/a/b", "/m", "/z"]),
    ("not executable", ({"a": File(mode=0o4644), "b": File(mode=0o644, capability=b"\1\0\0\2" + bytes(16))},), []),
    ("executable for one", ({"a": File(mode=0o4601)},), ["/a"]),
    ("a folder with setgid", ({"a": Folder(0o2755)},), []),
    ("removed", ({"bin/su": SU}, {"bin/su": Whiteout()}), []),
    ("its folder removed", ({"bin/su": SU}, {"bin": Whiteout()}), []),
    ("hidden by an opaque folder", ({"bin/su": SU}, {"bin": Opaque()}), []),
    ("hidden by a file", ({"bin/su": SU}, {"bin": File()}), []),
    ("replaced", ({"bin/su": SU}, {"bin/su": File(mode=0o755)}), []),
    ("made so above", ({"bin/su": File(mode=0o755)}, {"bin/su": SU}), ["/bin/su"]),
    ("removed and made again", ({"su": SU}, {"su": Whiteout()}, {"su": SU}), ["/su"]),
    ("hard link", ({"su": SU, "also": HardLink("su")},), ["/also", "/su"]),
    ("hard link into a lower layer", ({"su": SU}, {"also": HardLink("su"), "su": Whiteout()}), ["/also"]),
    ("a link to one is none", ({"su": SU, "also": Symlink("su")},), ["/su"]),
    ("overwritten in its layer", ({"a": SU, "a/": File()},), []),
]


@pytest.mark.parametrize(("trees", "paths"), [row[1:] for row in PRIVILEGED], ids=[row[0] for row in PRIVILEGED])
def test_privileged_files(trees: Trees, paths: list[str]) -> None:
    found = inventory(Walker(stacked(*trees)))
    assert [one.place.path for one in found.privileged] == paths
    assert found.privileged_total == len(paths)


def test_a_capability_is_kept_raw() -> None:
    (found,) = inventory(Walker(stacked({"a": CAPABLE}))).privileged
    assert found.capability == CAPABLE.capability


WRITABLE: list[tuple[str, Trees, list[str]]] = [
    ("file and folder", ({"a": File(mode=0o666), "b": Folder(0o777)},), ["/a", "/b"]),
    ("sticky", ({"tmp": Folder(0o1777), "tmp/a": File(mode=0o666), "tmp/b/c": Folder(0o777)},), []),
    ("sticky, but only for some", ({"a": Folder(0o1775), "a/b": File(mode=0o666)},), ["/a/b"]),
    ("made sticky above", ({"tmp": Folder(0o777)}, {"tmp": Folder(0o1777)}), []),
    ("closed above", ({"a": Folder(0o777), "a/b": File()}, {"a": Folder(0o755)}), []),
    ("not touched above", ({"a": Folder(0o777)}, {"a/b": File()}), ["/a"]),
    ("links and devices", ({"a": Symlink("b"), "null": Device(mode=0o666)},), []),
]


@pytest.mark.parametrize(("trees", "paths"), [row[1:] for row in WRITABLE], ids=[row[0] for row in WRITABLE])
def test_what_everybody_may_write(trees: Trees, paths: list[str]) -> None:
    found = inventory(Walker(stacked(*trees)))
    assert [place.path for place in found.world_writable] == paths
    assert found.world_writable_total == len(paths)


def test_lists_are_cut_and_totals_are_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_MOST_PRIVILEGED", 2)
    monkeypatch.setattr(module, "_MOST_WRITABLE", 1)
    found = inventory(Walker(stacked({f"{n}": File(mode=0o4777) for n in range(5)})))
    assert [one.place.path for one in found.privileged] == ["/0", "/1"]
    assert (len(found.world_writable), found.privileged_total, found.world_writable_total) == (1, 5, 5)


def test_what_is_not_looked_at_is_counted_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_MOST_CANDIDATES", 3)
    found = inventory(Walker(stacked({f"{n}": SU for n in range(5)}, {"0": Whiteout()})))
    assert (len(found.privileged), found.privileged_total) == (2, 4)


def test_tools() -> None:
    gosu = File(mode=0o755)
    trees: dict[str, Entry] = {
        "usr/local/bin/gosu": gosu,
        "sbin/tini": Symlink("/opt/t"),
        "opt/t": gosu,
        "opt/gosu": gosu,
        "bin/su": File(),
    }
    assert inventory(Walker(stacked(trees))).tools == ("/sbin/tini", "/usr/local/bin/gosu")


RULE = b"app ALL=(ALL) NOPASSWD:/usr/bin/app1\n"  # its end looks like a DES hash


def test_sudoers() -> None:
    base = {"etc/sudoers": File(RULE, 0o440), "etc/sudoers.d/old": File(b"x"), "etc/sudoers.d/app": File(b"1")}
    above: dict[str, Entry] = {
        "etc/sudoers.d/old": Whiteout(),
        "etc/sudoers.d/app": File(b"2"),
        "x/sudoers": File(b"3"),
    }
    found = sudoers(Walker(stacked(base, above)))
    assert [(one.place.path, one.content) for one in found] == [("/etc/sudoers", RULE), ("/etc/sudoers.d/app", b"2")]


def test_a_folder_of_too_many_sudoers_is_told() -> None:
    files = {f"etc/sudoers.d/{number:03}": File(b"x") for number in range(201)}
    assert [one.content for one in sudoers(Walker(stacked(dict(list(files.items())[:200]))))] == [b"x"] * 200
    *kept, last = sudoers(Walker(stacked(files)))
    assert len(kept) == 200
    assert (last.place.path, last.content) == ("/etc/sudoers.d", None)


def test_sudoers_behind_links() -> None:
    trees: dict[str, Entry] = {
        "usr/etc/sudoers": File(RULE),
        "etc/sudoers": Symlink("../usr/etc/sudoers"),
        "etc/sudoers.d": Symlink("/opt/d"),
    }
    found = sudoers(Walker(stacked(trees, {"opt/d/rule": File(b"x")})))
    places = [(one.place.path, one.content) for one in found]
    assert places == [("/usr/etc/sudoers", RULE), ("/opt/d/rule", None)]


def test_large_sudoers_are_named_without_their_bytes() -> None:
    large = File(bytes(64 * 1024 + 1))
    (found,) = sudoers(Walker(stacked({"etc/sudoers": large})))
    assert found.content is None


def test_all_sudoers_together_are_bounded() -> None:
    rule = File(bytes(64 * 1024))
    found = sudoers(Walker(stacked({f"etc/sudoers.d/{n}": rule for n in range(10)})))
    assert [one.content is None for one in found] == [False] * 8 + [True] * 2


def test_highest_owners_of_all_layers() -> None:
    trees: Trees = ({"a": File(uid=9, gid=2)}, {"a": Whiteout(), "b/c": File(uid=3, gid=4_294_967_294)})
    uid, gid = highest_owners(stacked(*trees))
    assert uid is not None
    assert (uid.path, uid.node.uid, uid.layer) == ("/a", 9, 0)
    assert gid is not None
    assert (gid.path, gid.node.gid, gid.layer) == ("/b/c", 4_294_967_294, 1)
    assert highest_owners(stacked()) == (None, None)


def test_an_index_that_comes_back_from_storage_says_the_same() -> None:
    rootfs = stacked({"su": SU, "cap": CAPABLE, "etc/sudoers": File(RULE), "run.sh": File(b"#!/bin/sh\n", 0o755, 7)})
    again = RootFs([LayerIndex.from_bytes(layer.to_bytes()) for layer in rootfs.layers], rootfs.limits)
    assert inventory(Walker(again)) == inventory(Walker(rootfs))
    assert highest_owners(again) == highest_owners(rootfs)
    assert sudoers(Walker(again)) == sudoers(Walker(rootfs))
