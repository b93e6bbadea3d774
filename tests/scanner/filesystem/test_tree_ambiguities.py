from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pytest

from scanner.domain.limits import DEFAULT_LIMITS
from scanner.domain.problems import ImageProblem, LimitExceeded
from scanner.filesystem.tree_ambiguities import tree_ambiguities
from tests.support.archives import END, member, rootfs
from tests.support.layers import Entry, File, Folder, HardLink, Opaque, Symlink, Whiteout

Layer = Mapping[str, Entry]
BASE: Layer = {"etc": Folder(), "etc/passwd": File(b"a"), "usr/lib/x": File(), "lib": Symlink("usr/lib")}


def _found(*layers: Layer | bytes) -> list[tuple[str, str, int | None, bool]]:
    return [(one.code, one.where, one.layer, one.decides) for one in tree_ambiguities(rootfs(*layers))]


CLEAR: dict[str, list[Layer]] = {
    "one layer": [BASE],
    "a file changed": [BASE, {"etc/passwd": File(b"b")}],
    "folders implied over folders": [BASE, {"usr/lib/y": File()}],
    "a link replaced by an explicit folder": [BASE, {"lib": Folder(), "lib/y": File()}],
    "a link removed first": [BASE, {"lib": Whiteout()}, {"lib/y": File()}],
    "an opaque folder": [BASE, {"etc": Opaque(), "etc/passwd": File()}],
    "folder entries after their content": [{"etc/passwd": File(), "etc": Folder()}],
}


@pytest.mark.parametrize("layers", CLEAR.values(), ids=CLEAR)
def test_what_everybody_unpacks_alike(layers: list[Layer]) -> None:
    assert _found(*layers) == []


TWICE = member(b"etc/passwd", b"benign") + member(b"./etc/passwd", b"evil") + END
BOTH = member(b"etc/.wh.passwd") + member(b"etc/passwd", b"x") + END
BOTH_FOLDER = member(b"etc/passwd", b"x") + member(b".wh.etc") + END

DECIDING: dict[str, tuple[list[Layer | bytes], tuple[str, str, int | None, bool]]] = {
    "passwd twice": ([TWICE], ("duplicate-path", "/etc/passwd", 0, True)),
    "passwd removed and added": ([BASE, BOTH], ("whiteout-and-path", "/etc/passwd", 1, True)),
    "etc removed and filled": ([BASE, BOTH_FOLDER], ("whiteout-and-path", "/etc", 1, True)),
    "etc is a link below": (
        [{"usr/etc/passwd": File(), "etc": Symlink("usr/etc")}, {"etc/passwd": File(b"x")}],
        ("parent-is-link", "/etc", 1, True),
    ),
    "a link elsewhere leads to etc": (
        [{**BASE, "x": Symlink("etc")}, {"x/passwd": File(b"x")}],
        ("parent-is-link", "/x", 1, True),
    ),
    "a whiteout behind a link to etc": (
        [{**BASE, "x": Symlink("etc")}, {"x/passwd": Whiteout()}],
        ("parent-is-link", "/x", 1, True),
    ),
    "a hard link that makes a lower file setuid": (
        [{"bin": Folder(), "bin/sh": File(mode=0o755)}, {"bin/x": HardLink("bin/sh", File(mode=0o4755))}],
        ("hard-link-below", "/bin/x", 1, True),
    ),
    "a link leads to the root": (
        [{**BASE, "x": Symlink("/")}, {"x/etc/passwd": File(b"x")}],
        ("parent-is-link", "/x", 1, True),
    ),
    "through a link of the same layer": (
        [{"x": Symlink("etc"), "x/passwd": File()}],
        ("parent-is-link", "/etc/passwd", 0, True),
    ),
    "passwd is a hard link into a lower layer": (
        [BASE, {"etc/passwd": HardLink("usr/lib/x")}],
        ("hard-link-below", "/etc/passwd", 1, True),
    ),
    "a link climbs out of nothing": (
        [{"etc/passwd": Symlink("/no/../etc/real"), "etc/real": File()}],
        ("link-through-nothing", "/no", None, True),
    ),
}


@pytest.mark.parametrize(("layers", "expected"), DECIDING.values(), ids=DECIDING)
def test_what_decides_the_identity(layers: list[Layer | bytes], expected: tuple[str, str, int | None, bool]) -> None:
    assert expected in _found(*layers)


SHOWN: dict[str, tuple[list[Layer | bytes], tuple[str, str, int | None, bool]]] = {
    "a folder implied over one with a mode of its own": (
        [{"srv": Folder(0o770), "srv/x": File()}, {"srv/y": File()}],
        ("implied-folder", "/srv", 1, False),
    ),
    "another file twice": (
        [member(b"a", b"1") + member(b"a", b"2") + END],
        ("duplicate-path", "/a", 0, False),
    ),
    "passwd twice, and then replaced": (
        [TWICE, {"etc/passwd": File()}],
        ("duplicate-path", "/etc/passwd", 0, False),
    ),
    "another path removed and added": (
        [member(b".wh.a") + member(b"a") + END],
        ("whiteout-and-path", "/a", 0, False),
    ),
    "entries behind another link": ([BASE, {"lib/y": File()}], ("parent-is-link", "/lib", 1, False)),
    "entries below a file": ([{"a": File()}, {"a/b": File()}], ("parent-is-link", "/a", 1, False)),
    "another hard link below": ([BASE, {"y": HardLink("usr/lib/x")}], ("hard-link-below", "/y", 1, False)),
}


@pytest.mark.parametrize(("layers", "expected"), SHOWN.values(), ids=SHOWN)
def test_what_is_only_shown(layers: list[Layer | bytes], expected: tuple[str, str, int | None, bool]) -> None:
    assert _found(*layers) == [expected]


def test_the_deciding_one_is_never_lost_among_many() -> None:
    many = b"".join(member(b"a%d" % number) * 2 for number in range(100))
    found = _found(many + TWICE)
    assert found[0] == ("duplicate-path", "/etc/passwd", 0, True)
    assert len(found) == 20


def test_a_hard_link_to_nothing_is_refused_wherever_it_is() -> None:
    with pytest.raises(ImageProblem) as problem:
        _found(BASE, {"y": HardLink("nowhere")})
    assert problem.value.code == "bad-link"


def test_there_is_a_limit_to_what_is_examined() -> None:
    layers: list[Layer] = [{f"d{number}/x": File() for number in range(11)}] * 2
    with pytest.raises(ImageProblem) as problem:
        tree_ambiguities(rootfs(*layers, limits=replace(DEFAULT_LIMITS, implied_paths=10)))
    assert problem.value.code == "limit-implied-paths"


def test_many_links_along_a_long_way_have_a_limit() -> None:
    # A few kilobytes on the wire, and hours of walking without the limit.
    hops: Layer = {"d": Folder(), **{f"k{i}": Symlink("d/../" * 800 + f"k{i + 1}") for i in range(38)}}
    base: Layer = {**hops, "k38": Symlink("/t"), "t": Folder(), "t/x": File()}
    second = b"".join(member(b"h%d" % i, kind=b"1", link=b"k0/x") for i in range(50)) + END
    tree = rootfs(base, second, limits=replace(DEFAULT_LIMITS, path_steps=500_000))
    with pytest.raises(LimitExceeded) as caught:
        tree_ambiguities(tree)
    assert caught.value.code == "limit-path-steps"


def test_a_root_folder_with_permissions_of_its_own() -> None:
    plain, closed = rootfs({".": Folder(0o755)}), rootfs({".": Folder(0o700, 5, 6)})
    assert tree_ambiguities(plain) == ()
    (found,) = tree_ambiguities(closed)
    assert (found.code, found.where, found.layer, found.decides) == ("root-folder", "/", 0, False)
    assert "0700 and the owner 5:6" in found.detail
