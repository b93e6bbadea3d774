"""A-03, A-04, A-05, A-25: account files that mislead, and account files that are none."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from tests.hostile.case import FAIL, GROUP, HOME, PASS, PASSWD, PROGRAM, UNKNOWN, Case, cases, run
from tests.support.archives import END, member, pax
from tests.support.images import Stored
from tests.support.layers import Device, Entry, File, Folder, HardLink, Symlink, Whiteout, layer, layer_from_tar

ROOT = b"root:x:0:0:root:/root:/bin/sh\n"
LONG = b"x" * 70_000 + b"\n"


def _files(passwd: bytes | None, group: bytes | None = GROUP, user: str = "app") -> Callable[[], Stored]:
    entries: dict[str, Entry] = {"etc": Folder()}
    if passwd is not None:
        entries["etc/passwd"] = File(passwd)
    if group is not None:
        entries["etc/group"] = File(group)
    return lambda: run(layer({**entries, **HOME, **PROGRAM}), user=user)


def _app(uid: bytes, gid: bytes = b"1001") -> bytes:
    return ROOT + b"app:x:%b:%b:App:/home/app:/bin/sh\n" % (uid, gid)


# A name is refused by Kubernetes whatever it leads to, so those that must show are numeric; the others are root.
PASSWDS: dict[str, tuple[bytes | None, str, str]] = {
    "number-as-a-name": (ROOT + b"1001:x:0:0::/:/bin/sh\n", "1001", FAIL),
    "number-as-a-name-out-of-range": (ROOT + b"99999999999999999999:x:0:0::/:/bin/sh\n", "99999999999999999999", FAIL),
    "number-as-a-name-over-int32": (ROOT + b"4294967296:x:0:0::/:/bin/sh\n", "4294967296", FAIL),
    "negative-as-a-name": (ROOT + b"-1:x:0:0::/:/bin/sh\n", "-1", FAIL),
    "signed-as-a-name": (ROOT + b"+1001:x:0:0::/:/bin/sh\n", "+1001", FAIL),
    "first-line-wins": (b"app:x:0:0::/:\n" + PASSWD, "app", FAIL),
    "last-line-root": (PASSWD + b"app:x:0:0::/:\n", "app", FAIL),
    "uid-word": (_app(b"foo"), "app", FAIL),
    "uid-empty": (_app(b""), "app", FAIL),
    "uid-negative": (_app(b"-1"), "app", FAIL),
    "uid-wraps-to-root": (_app(b"4294967296"), "app", FAIL),
    "uid-over-int64": (_app(b"99999999999999999999"), "app", FAIL),
    "uid-full-width": (_app("１００１".encode()), "app", FAIL),
    "uid-underscore": (_app(b"1_001"), "app", FAIL),
    "uid-blank": (_app(b" 1001"), "app", FAIL),
    "uid-hexadecimal": (_app(b"0x3e9"), "app", FAIL),
    "gid-root-for-a-number": (ROOT + b"app:x:1001:0::/:\n", "1001", PASS),
    "four-fields": (ROOT + b"app:x:1001:0\n", "1001", PASS),
    "one-field": (ROOT + b"1001\n", "1001", FAIL),
    "carriage-returns": (PASSWD.replace(b"\n", b"\r\n"), "app", FAIL),
    "carriage-returns-number": (PASSWD.replace(b"\n", b"\r\n"), "1001", PASS),
    "no-final-line-feed": (PASSWD.rstrip(b"\n"), "1001", PASS),
    "byte-order-mark": (b"\xef\xbb\xbf" + PASSWD, "root", FAIL),
    "hash-is-no-comment": (b"#app:x:0:0::/:\n" + PASSWD, "#app", FAIL),
    "leading-blanks": (b"   app:x:0:0::/:\n", "app", FAIL),
    "nis-plus": (b"+::::::\n" + PASSWD, "+", FAIL),
    "long-line-before": (LONG + PASSWD, "app", FAIL),
    "long-line-before-number": (LONG + PASSWD, "1001", UNKNOWN),
    "long-line-after": (PASSWD + LONG, "app", FAIL),
    "nul-inside": (b"app\0:x:0:0::/:\n" + PASSWD, "app", FAIL),
    "not-utf-8": (b"\xff\xfe:x:0:0::/:\n" + PASSWD, "1001", FAIL),
    "utf-16": (PASSWD.decode().encode("utf-16"), "app", FAIL),
    "name-of-nothing": (b":x:0:0::/:\n" + PASSWD, ":", FAIL),
    "account-1001-is-root": (b"app:x:0:0::/:\n1001:x:0:0::/:\n", "app", FAIL),
    "missing-name": (None, "app", FAIL),
    "missing-number": (None, "1001:1001", PASS),
    "empty-name": (b"", "app", FAIL),
    "only-zero-bytes": (bytes(4096), "app", FAIL),
    "directory-of-lines": (ROOT * 2_000 + b"app:x:0:0::/:\n", "app", FAIL),
    "shadowed-by-case": (ROOT + b"APP:x:1001:1001::/:\napp:x:0:0::/:\n", "app", FAIL),
}

# A gid of 0 is said and not held against an image for Kubernetes; what matters is that the uid is what we think.
GROUPS: dict[str, tuple[bytes | None, str, str]] = {
    "name-twice": (b"app:x:1001:\napp:x:0:\n", "1001:app", PASS),
    "name-twice-root-first": (b"app:x:0:\napp:x:1001:\n", "1001:app", PASS),
    "gid-word": (b"app:x:foo:\n", "1001:app", PASS),
    "gid-negative": (b"app:x:-1:\n", "1001:app", FAIL),
    "gid-wraps": (b"app:x:4294967296:\n", "1001:app", FAIL),
    "member-of-root": (b"root:x:0:app\n", "1001", PASS),
    "member-of-docker": (b"docker:x:998:app\n", "app", FAIL),
    "number-as-a-name": (b"1001:x:0:\n", "1001:1001", PASS),
    "number-as-a-name-with-member": (b"1001:x:0:app\n", "1001:1001", PASS),
    "long-line": (LONG + GROUP, "1001:app", PASS),
    "long-line-number": (LONG + GROUP, "1001:1001", PASS),
    "ten-thousand-members": (b"app:x:1001:" + b",".join([b"app"] * 10_000) + b"\n", "1001:1001", PASS),
    "three-thousand-groups": (b"".join(b"g%d:x:%d:app\n" % (n, n + 2000) for n in range(3_000)), "1001", PASS),
    "missing": (None, "1001:app", FAIL),
    "blank-members": (b"wheel:x:10: app ,,app\n", "1001", PASS),
}


def _chain(length: int) -> dict[str, Entry]:
    links: dict[str, Entry] = {f"l/{n}": Symlink(f"/l/{n + 1}") for n in range(1, length)}
    return {
        "etc": Folder(),
        "etc/passwd": Symlink("/l/1"),
        "l": Folder(),
        **links,
        f"l/{length}": File(ROOT + b"app:x:0:0::/:\n"),
    }


def _passwd(*entries: Mapping[str, Entry], user: str = "app") -> Callable[[], Stored]:
    first = {**HOME, **PROGRAM, **entries[0]}
    return lambda: run(*(layer(one) for one in (first, *entries[1:])), user=user)


def _tarred(*archives: bytes, user: str = "app") -> Callable[[], Stored]:
    return lambda: run(layer({**HOME, **PROGRAM}), *map(layer_from_tar, archives), user=user)


EVIL = ROOT + b"app:x:0:0::/:\n"
_SPARSE = pax({b"GNU.sparse.major": b"1", b"GNU.sparse.minor": b"0", b"GNU.sparse.realsize": b"%d" % len(EVIL)})
_MAP = b"1\n0\n%d\n" % len(EVIL)

KINDS: dict[str, tuple[Callable[[], Stored], str]] = {
    "link-relative": (_passwd({"etc": Folder(), "etc/passwd": Symlink("../data/pw"), "data/pw": File(EVIL)}), FAIL),
    "link-absolute": (_passwd({"etc": Folder(), "etc/passwd": Symlink("/data/pw"), "data/pw": File(EVIL)}), FAIL),
    "link-out-of-the-root": (_passwd({"etc/passwd": Symlink("/../../../data/pw"), "data/pw": File(EVIL)}), FAIL),
    "link-to-the-host": (_passwd({"etc/passwd": Symlink("/proc/self/root/etc/passwd")}), FAIL),
    "link-to-nothing": (_passwd({"etc/passwd": Symlink("/nowhere")}), FAIL),
    "link-to-itself": (_passwd({"etc/passwd": Symlink("passwd")}), FAIL),
    "link-loop": (_passwd({"etc/passwd": Symlink("/a"), "a": Symlink("/b"), "b": Symlink("/a")}), FAIL),
    "links-39": (_passwd(_chain(39)), FAIL),
    "links-40": (_passwd(_chain(40)), FAIL),
    "links-41": (_passwd(_chain(41)), FAIL),
    "links-1000": (_passwd(_chain(1_000)), FAIL),
    "folder-is-a-link": (_passwd({"etc": Symlink("/data"), "data/passwd": File(EVIL)}), FAIL),
    "folder-becomes-a-link": (
        _passwd({"etc/passwd": File(PASSWD), "data/passwd": File(EVIL)}, {"etc": Symlink("/data")}),
        FAIL,
    ),
    "link-lower-file-upper": (_passwd({"etc/passwd": Symlink("/pw"), "pw": File(PASSWD)}, {"pw": File(EVIL)}), FAIL),
    "hard-link-same-layer": (_passwd({"opt/x": File(EVIL), "etc/passwd": HardLink("opt/x")}), FAIL),
    "hard-link-lower-layer": (_passwd({"opt/x": File(EVIL)}, {"etc/passwd": HardLink("opt/x")}), FAIL),
    "hard-link-forward": (_passwd({"etc/passwd": HardLink("opt/x"), "opt/x": File(EVIL)}), "bad-link"),
    "hard-link-to-nothing": (_passwd({"etc/passwd": HardLink("opt/x")}), "bad-link"),
    "hard-link-to-itself": (_passwd({"etc/passwd": HardLink("etc/passwd")}), "bad-tree"),
    "hard-link-to-a-folder": (_passwd({"opt": Folder(), "etc/passwd": HardLink("opt")}), "bad-tree"),
    "folder": (_passwd({"etc/passwd": Folder()}), FAIL),
    "device": (_passwd({"etc/passwd": Device()}), FAIL),
    "fifo": (_tarred(member(b"etc/passwd", kind=b"6") + END), FAIL),
    "block-device": (_tarred(member(b"etc/passwd", kind=b"4") + END), FAIL),
    "fifo-for-a-number": (_tarred(member(b"etc/passwd", kind=b"6") + END, user="1001:1001"), UNKNOWN),
    "sparse": (_tarred(_SPARSE + member(b"etc/passwd", _MAP.ljust(512, b"\0") + EVIL) + END), FAIL),
    "removed": (_passwd({"etc/passwd": File(EVIL)}, {"etc/passwd": Whiteout()}), FAIL),
    "folder-removed": (_passwd({"etc/passwd": File(EVIL)}, {"etc": Whiteout()}), FAIL),
    "empty-file": (_passwd({"etc/passwd": File()}), FAIL),
    "root-only-by-capability": (_passwd({"etc/passwd": File(PASSWD, capability=b"x" * 25)}), "bad-tree"),
    "below-a-file": (_passwd({"etc": File(b"x")}, {"etc/passwd": File(EVIL)}), FAIL),
}

TEN = 10 * 1024 * 1024


def _large(size: int, user: str) -> Callable[[], Stored]:
    line = b"user:x:2000:2000:" + b"x" * 50_000 + b":/:/bin/sh\n"
    return lambda: _files((PASSWD + line * (size // len(line) + 1))[:size], user=user)()


SIZES: dict[str, tuple[Callable[[], Stored], str]] = {
    "ten-mebibytes": (_large(TEN, "1001:1001"), PASS),
    "ten-mebibytes-and-one": (_large(TEN + 1, "1001:1001"), UNKNOWN),
    "ten-mebibytes-and-one-name": (_large(TEN + 1, "app"), FAIL),
    "ten-million-lines": (lambda: _files(b"a:x:1:1::/:\n" * 10_000_000, user="1001:1001")(), UNKNOWN),
    "one-line": (lambda: _files(b"x" * (200 * 1024 * 1024), user="1001:1001")(), UNKNOWN),
}


def found() -> list[Case]:
    return [
        *cases("A-03", [(name, _files(text, user=user), to) for name, (text, user, to) in PASSWDS.items()]),
        *cases("A-04", [(name, _files(PASSWD, text, user), to) for name, (text, user, to) in GROUPS.items()]),
        *cases("A-05", [(name, make, to) for name, (make, to) in KINDS.items()]),
        *cases("A-25", [(name, make, to) for name, (make, to) in SIZES.items()]),
    ]
