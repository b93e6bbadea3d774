from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pytest

from scanner.domain.facts import AccountFile, ReadState
from scanner.domain.limits import DEFAULT_LIMITS
from scanner.domain.problems import LimitExceeded
from scanner.filesystem.account_files import account_file, missing_contents
from tests.support.archives import END, member, rootfs
from tests.support.layers import Device, Entry, File, Folder, HardLink, Opaque, Symlink, Whiteout

OLD = File(b"root:x:0:0::/:\n")
NEW = File(b"root:x:0:0::/:\napp:x:0:0::/:\n", 0o664, 3, 4)
Layer = Mapping[str, Entry]


def _passwd(*layers: Layer | bytes) -> AccountFile:
    return account_file(rootfs(*layers), "/etc/passwd")


def test_everything_about_it_is_told() -> None:
    file = _passwd({"etc/passwd": OLD}, {"usr/etc/passwd": NEW, "etc/passwd": Symlink("../usr/etc/passwd")})
    assert (file.state, file.content, file.resolved) == (ReadState.PRESENT, NEW.content, "/usr/etc/passwd")
    assert (file.layer, file.mode, file.uid, file.gid) == (1, 0o664, 3, 4)
    assert file.links == ("/etc/passwd -> ../usr/etc/passwd",)
    assert [(one.layer, one.content) for one in file.versions] == [(0, OLD.content), (1, NEW.content)]


STATES: dict[str, tuple[Layer | bytes, ReadState]] = {
    "missing": ({"etc": Folder()}, ReadState.MISSING),
    "dangling": ({"etc/passwd": Symlink("x")}, ReadState.MISSING),
    "loop": ({"etc/passwd": Symlink("/etc/passwd")}, ReadState.LINK_LOOP),
    "folder": ({"etc/passwd": Folder()}, ReadState.NOT_REGULAR),
    "device": ({"etc/passwd": Device()}, ReadState.NOT_REGULAR),
    "block device": (member(b"etc/passwd", kind=b"4") + END, ReadState.NOT_REGULAR),
    "FIFO": (member(b"etc/passwd", kind=b"6") + END, ReadState.NOT_REGULAR),
    "link to a FIFO": (
        member(b"etc/passwd", kind=b"2", link=b"../f") + member(b"f", kind=b"6") + END,
        ReadState.NOT_REGULAR,
    ),
    "empty": ({"etc/passwd": File()}, ReadState.PRESENT),
    "below a file": ({"etc": File()}, ReadState.MISSING),
}


@pytest.mark.parametrize(("layer", "state"), STATES.values(), ids=STATES)
def test_states(layer: Layer | bytes, state: ReadState) -> None:
    assert _passwd(layer).state is state


@pytest.mark.parametrize(("size", "state"), [(10, ReadState.PRESENT), (11, ReadState.TOO_LARGE)])
def test_too_large_is_told_from_present(size: int, state: ReadState) -> None:
    limits = replace(DEFAULT_LIMITS, account_file_bytes=10)
    assert account_file(rootfs({"etc/passwd": File(b"x" * size)}, limits=limits), "/etc/passwd").state is state


REACHED: dict[str, list[Layer]] = {
    "a folder link": [{"usr/etc/passwd": NEW}, {"etc": Symlink("usr/etc")}],
    "a hard link of the same layer": [{"opt/passwd": NEW, "etc/passwd": HardLink("opt/passwd")}],
    "a hard link into a lower layer": [{"opt/passwd": NEW}, {"etc/passwd": HardLink("opt/passwd")}],
    "a link whose target is newer": [{"etc/passwd": Symlink("/o/passwd"), "o/passwd": OLD}, {"o/passwd": NEW}],
    "after a whiteout of the folder": [{"etc/passwd": OLD}, {"etc": Whiteout()}, {"etc/passwd": NEW}],
    "in an opaque folder": [{"etc/passwd": OLD}, {"etc": Opaque(), "etc/passwd": NEW}],
}


@pytest.mark.parametrize("layers", REACHED.values(), ids=REACHED)
def test_the_bytes_are_found(layers: list[Layer]) -> None:
    assert _passwd(*layers).content == NEW.content


VERSIONS: dict[str, tuple[list[Layer], list[tuple[int, bytes | None]]]] = {
    "unchanged": ([{"etc/passwd": OLD}, {"etc/hosts": NEW}], [(0, OLD.content)]),
    "changed": ([{"etc/passwd": OLD}, {"a": NEW}, {"etc/passwd": NEW}], [(0, OLD.content), (2, NEW.content)]),
    "removed": ([{"etc/passwd": OLD}, {"etc/passwd": Whiteout()}], [(0, OLD.content), (1, None)]),
    "hidden": ([{"etc/passwd": OLD}, {"etc": Opaque()}], [(0, OLD.content), (1, None)]),
    "hidden at the root": ([{"etc/passwd": OLD}, {"": Opaque()}], [(0, OLD.content), (1, None)]),
    "its folder replaced": ([{"etc/passwd": OLD}, {"etc": File()}], [(0, OLD.content), (1, None)]),
    "came later": ([{"a": OLD}, {"etc/passwd": NEW}], [(1, NEW.content)]),
    "removed and made again": (
        [{"etc/passwd": OLD}, {"etc/passwd": Whiteout()}, {"etc/passwd": NEW}],
        [(0, OLD.content), (1, None), (2, NEW.content)],
    ),
    "through a link": (
        [{"etc/passwd": Symlink("../o/passwd"), "o/passwd": OLD}, {"o/passwd": NEW}],
        [(0, OLD.content), (1, NEW.content)],
    ),
    "never": ([{"a": OLD}, {"etc/passwd": Whiteout()}], []),
}


@pytest.mark.parametrize(("layers", "versions"), VERSIONS.values(), ids=VERSIONS)
def test_versions(layers: list[Layer], versions: list[tuple[int, bytes | None]]) -> None:
    assert [(one.layer, one.content) for one in _passwd(*layers).versions] == versions


HIDDEN: list[Layer] = [{"nix/1-users": NEW}, {"etc/passwd": Symlink("/nix/1-users")}]


def test_bytes_that_nobody_kept_are_asked_for() -> None:
    assert missing_contents(rootfs(*HIDDEN)) == {0: {b"nix/1-users"}}


def test_bytes_behind_a_hard_link_are_asked_for_under_the_name_that_has_them() -> None:
    assert missing_contents(rootfs({"a": NEW, "etc/passwd": HardLink("a")})) == {0: {b"a"}}


def test_bytes_that_nobody_kept_are_no_empty_file() -> None:
    with pytest.raises(LimitExceeded) as problem:
        _passwd(*HIDDEN)
    assert problem.value.code == "limit-link-fetches"


def test_versions_of_all_layers_together_have_a_limit() -> None:
    layers: list[Layer] = [{"etc/passwd": File(b"%d" % at + b"a" * 10_000)} for at in range(10)]
    tree = rootfs(*layers, limits=replace(DEFAULT_LIMITS, account_versions_bytes=50_000))
    with pytest.raises(LimitExceeded) as caught:
        account_file(tree, "/etc/passwd")
    assert caught.value.code == "limit-account-versions-bytes"
