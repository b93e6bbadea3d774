"""A-06, A-07, A-08: names of paths, the order of layers, and entries that are there twice."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from tests.hostile.case import ACCOUNTS, FAIL, GROUP, HOME, PASS, PASSWD, PROGRAM, Case, cases, run
from tests.support.archives import END, member, pax
from tests.support.images import Stored
from tests.support.layers import Entry, File, Folder, Opaque, Symlink, Whiteout, layer, layer_from_tar

# Below every name there are accounts whose number is root's, so that who reads the right file never passes.
EVIL = b"root:x:0:0:root:/root:/bin/sh\napp:x:1001:1001::/home/app:\nadmin:x:0:0::/:/bin/sh\n"
_BASE = layer({**ACCOUNTS, **HOME, **PROGRAM})


def _named(name: bytes, content: bytes = EVIL) -> Callable[[], Stored]:
    return lambda: run(_BASE, layer_from_tar(member(name, content) + END))


PATHS: dict[str, tuple[Callable[[], Stored], str]] = {
    "dot": (_named(b"./etc/passwd"), FAIL),
    "absolute": (_named(b"/etc/passwd"), FAIL),
    "slashes": (_named(b"//etc//passwd"), FAIL),
    "dots": (_named(b"././etc/./passwd"), FAIL),
    "climbs-out": (_named(b"../etc/passwd"), "unsafe-path"),
    "climbs-far-out": (_named(b"etc/../../etc/passwd"), "unsafe-path"),
    "climbs-inside": (_named(b"etc/../etc/passwd"), FAIL),
    "through-a-folder-that-is-none": (_named(b"nowhere/../etc/passwd"), FAIL),
    "trailing-slash": (_named(b"etc/passwd/"), FAIL),
    "upper-case": (_named(b"ETC/passwd"), PASS),
    "backslash": (_named(b"etc\\passwd"), PASS),
    "line-feed": (_named(b"etc/passwd\n"), PASS),
    "blank": (_named(b"etc/passwd "), PASS),
    "dotted": (_named(b"etc/passwd."), PASS),
    "full-width": (_named("etc/ｐasswd".encode()), PASS),
    "decomposed": (_named("etc/passwd\u0301".encode()), PASS),
    "not-utf-8": (_named(b"etc/\xff\xfe"), PASS),
    "nul-in-pax-path": (
        lambda: run(_BASE, layer_from_tar(pax({b"path": b"etc/passwd\0x"}) + member(b"x", EVIL) + END)),
        "bad-tar",
    ),
    "pax-path": (lambda: run(_BASE, layer_from_tar(pax({b"path": b"etc/passwd"}) + member(b"x", EVIL) + END)), FAIL),
    "name-of-nothing": (_named(b""), "unsafe-path"),
    "only-dots": (_named(b"./."), "unsafe-path"),
    "parent-alone": (_named(b".."), "unsafe-path"),
    "host-folder": (_named(b"proc/self/environ"), PASS),
    "long-name": (_named(b"a/" * 40 + b"etc"), PASS),
    "longest-component": (
        lambda: run(_BASE, layer_from_tar(pax({b"path": b"a" * 300}) + member(b"x") + END)),
        "name-too-long",
    ),
    "longest-path": (
        lambda: run(_BASE, layer_from_tar(pax({b"path": b"a/" * 3_000 + b"x"}) + member(b"x") + END)),
        "limit-path-bytes",
    ),
    "deepest-path": (
        lambda: run(_BASE, layer_from_tar(pax({b"path": b"a/" * 300 + b"x"}) + member(b"x") + END)),
        "limit-path-depth",
    ),
}


def _stack(*layers: Mapping[str, Entry]) -> Callable[[], Stored]:
    return lambda: run(*(layer(one) for one in layers))


_GOOD: Mapping[str, Entry] = {**ACCOUNTS, **HOME, **PROGRAM}
_BAD: Mapping[str, Entry] = {**_GOOD, "etc/passwd": File(EVIL)}

ORDERS: dict[str, tuple[Callable[[], Stored], str]] = {
    "evil-above": (_stack(_GOOD, {"etc/passwd": File(EVIL)}), FAIL),
    "evil-below": (_stack(_BAD, {"etc/passwd": File(PASSWD)}), PASS),
    "whiteout-then-file": (_stack(_BAD, {"etc/.wh.passwd": File(), "etc/passwd": File(EVIL)}), FAIL),
    "file-then-whiteout": (_stack(_GOOD, {"etc/passwd": File(EVIL), "etc/.wh.passwd": File()}), FAIL),
    "whiteout-of-the-folder": (_stack(_BAD, {"etc": Whiteout()}), PASS),
    "whiteout-then-folder-back": (_stack(_BAD, {"etc": Whiteout()}, {"etc/passwd": File(EVIL)}), FAIL),
    "opaque-root": (_stack(_BAD, {"": Opaque(), **_GOOD}), PASS),
    "opaque-before-the-file": (_stack(_GOOD, {"etc": Opaque(), "etc/passwd": File(EVIL)}), FAIL),
    "opaque-after-the-file": (_stack(_GOOD, {"etc/passwd": File(EVIL), "etc/.wh..wh..opq": File()}), FAIL),
    "opaque-hides-all": (_stack(_BAD, {"etc": Opaque()}), PASS),
    "file-folder-file": (
        _stack(_GOOD, {"etc/passwd": Whiteout()}, {"etc/passwd": Folder()}, {"etc/passwd": File(EVIL)}),
        FAIL,
    ),
    "folder-replaced-by-link": (_stack(_GOOD, {"data/passwd": File(EVIL), "etc": Symlink("data")}), FAIL),
    "link-replaced-by-folder": (
        _stack({**HOME, **PROGRAM, "etc": Symlink("data"), "data/passwd": File(PASSWD)}, {"etc/passwd": File(EVIL)}),
        FAIL,
    ),
    "whiteout-without-a-name": (_stack(_GOOD, {"etc/.wh.": File()}), "bad-whiteout"),
    "whiteout-of-dots": (_stack(_GOOD, {"etc/.wh...": File()}), "bad-whiteout"),
    "aufs-metadata": (_stack(_GOOD, {".wh..wh.plnk/1.2": File(), ".wh..wh.aufs": File()}), PASS),
    "whiteout-is-a-folder": (_stack(_BAD, {"etc/.wh.passwd": Folder()}), PASS),
    "whiteout-of-nothing": (_stack(_GOOD, {"nowhere/x": Whiteout()}), PASS),
    "whiteouts-only": (_stack({"etc/passwd": Whiteout(), "etc/group": Whiteout()}), PASS),
    "no-layers": (lambda: run(layer({})), PASS),
    "same-layer-twice": (lambda: run(_BASE, _BASE), PASS),
    "empty-archive": (lambda: run(_BASE, layer_from_tar(b"")), PASS),
}


def _twice(*contents: bytes) -> Callable[[], Stored]:
    entries = b"".join(member(b"etc/passwd", content) for content in contents)
    return lambda: run(_BASE, layer_from_tar(entries + END))


TWICE: dict[str, tuple[Callable[[], Stored], str]] = {
    "benign-first": (_twice(PASSWD, EVIL), FAIL),
    "evil-first": (_twice(EVIL, PASSWD), FAIL),
    "a-thousand-times": (_twice(*[PASSWD] * 999, EVIL), FAIL),
    "two-spellings": (
        lambda: run(_BASE, layer_from_tar(member(b"etc/passwd", PASSWD) + member(b"./etc//passwd", EVIL) + END)),
        FAIL,
    ),
    "file-then-link": (
        lambda: run(
            _BASE,
            layer_from_tar(
                member(b"pw", EVIL)
                + member(b"etc/passwd", PASSWD)
                + member(b"etc/passwd", kind=b"2", link=b"/pw")
                + END
            ),
        ),
        FAIL,
    ),
    "file-then-folder": (
        lambda: run(_BASE, layer_from_tar(member(b"etc/group", GROUP) + member(b"etc/group/x", kind=b"5") + END)),
        "bad-tree",
    ),
    "folder-with-entries-then-file": (
        lambda: run(_BASE, layer_from_tar(member(b"etc/x", b"") + member(b"etc", EVIL) + END)),
        "bad-tree",
    ),
}


def found() -> list[Case]:
    tables = {"A-06": PATHS, "A-07": ORDERS, "A-08": TWICE}
    return [
        case
        for group, table in tables.items()
        for case in cases(group, [(name, make, to) for name, (make, to) in table.items()])
    ]
