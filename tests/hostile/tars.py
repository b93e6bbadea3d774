"""A-09, A-14, A-22, A-23: archives that break off, headers that override each other, sizes nobody has."""

from __future__ import annotations

from tests.hostile.case import FAIL, PASS, PASSWD, Case, Packed, cases, packed, repeated, run, with_tar
from tests.support.archives import END, header, member, pax, record
from tests.support.layers import OCI_LAYER, sha256

EVIL = PASSWD + b"admin:x:0:0::/:/bin/sh\n"
GOOD = member(b"good", b"x" * 700)
HIDDEN = member(b"etc/passwd", EVIL)


def _spoilt(archive: bytes, at: int, content: bytes) -> bytes:
    return archive[:at] + content + archive[at + len(content) :]


BROKEN: dict[str, tuple[bytes, str]] = {
    "checksum": (GOOD + _spoilt(HIDDEN, 148, b"0000000\0") + END, "bad-tar"),
    "checksum-letters": (GOOD + _spoilt(HIDDEN, 148, b"zzzzzzz\0") + END, "bad-tar"),
    "digits-in-size": (GOOD + header(b"etc/passwd", patches=[(124, b"9999999zzzz\0")]) + HIDDEN + END, "bad-tar"),
    "digits-in-mode": (GOOD + header(b"x", patches=[(100, b"00x0644\0")]) + HIDDEN + END, "bad-tar"),
    "digits-in-time": (GOOD + header(b"x", patches=[(136, b"zzzzzzzzzzz\0")]) + HIDDEN + END, "bad-tar"),
    "one-zero-block": (GOOD + bytes(512) + HIDDEN + END, "bad-tar"),
    "header-cut": (GOOD + HIDDEN[:300], "bad-tar"),
    "content-cut": (GOOD + HIDDEN[:600], "bad-tar"),
    "no-end-marker": (GOOD + HIDDEN, FAIL),
    "after-the-end": (GOOD + END + HIDDEN + END, PASS),
    "size-on-a-link": (GOOD + header(b"l", b"2", 512, link=b"x") + HIDDEN + END, FAIL),
    "size-on-a-folder": (GOOD + header(b"d/", b"5", 1_024) + HIDDEN + END, FAIL),
    "size-on-a-fifo": (GOOD + header(b"f", b"6", 700) + HIDDEN + END, FAIL),
    "content-of-a-link": (GOOD + header(b"l", b"2", 512, link=b"x") + b"x" * 512 + HIDDEN + END, "bad-tar"),
    "unknown-type": (GOOD + header(b"etc/passwd", b"Z") + HIDDEN + END, "bad-tar"),
    "continued-file": (GOOD + header(b"etc/passwd", b"7") + END, "bad-tar"),
    "text": (b"etc/passwd\n" * 100, "bad-tar"),
    "pax-alone": (GOOD + pax({b"path": b"etc/passwd"}), PASS),
}

MERGED: dict[str, tuple[bytes, str]] = {
    "global-path": (pax({b"path": b"etc/passwd"}, b"g") + member(b"x", EVIL) + END, PASS),
    "global-path-off": (pax({b"path": b"x"}, b"g") + HIDDEN + END, FAIL),
    "global-size": (pax({b"size": b"0"}, b"g") + GOOD + HIDDEN + END, FAIL),
    "global-bad-record": (pax({b"path": b"a\0b"}, b"g") + HIDDEN + END, "bad-tar"),
    "size-override-smaller": (pax({b"size": b"0"}) + header(b"x", size=512) + HIDDEN + END, FAIL),
    "size-override-larger": (pax({b"size": b"512"}) + header(b"x") + b"x" * 512 + HIDDEN + END, FAIL),
    "linkpath": (
        member(b"pw", EVIL) + pax({b"linkpath": b"/pw"}) + header(b"etc/passwd", b"2", link=b"/x") + END,
        FAIL,
    ),
    "long-name": (member(b"L", b"etc/passwd\0", b"L") + member(b"x", EVIL) + END, FAIL),
    "long-name-and-pax": (
        member(b"L", b"etc/passwd\0", b"L") + pax({b"path": b"y"}) + member(b"x", EVIL) + END,
        FAIL,
    ),
    "pax-and-long-name": (
        pax({b"path": b"etc/passwd"}) + member(b"L", b"y\0", b"L") + member(b"x", EVIL) + END,
        PASS,
    ),
    "long-link": (
        member(b"pw", EVIL) + member(b"K", b"/pw\0", b"K") + header(b"etc/passwd", b"2", link=b"/x") + END,
        FAIL,
    ),
    "two-pax-last-wins": (pax({b"path": b"y"}) + pax({b"path": b"etc/passwd"}) + member(b"x", EVIL) + END, FAIL),
    "two-paths-in-one": (
        member(b"P", record(b"path", b"y") + record(b"path", b"etc/passwd"), b"x") + member(b"x", EVIL) + END,
        FAIL,
    ),
    "uid-override": (pax({b"uid": b"1001"}) + GOOD + END, PASS),
    "uid-word": (pax({b"uid": b"root"}) + GOOD + END, "bad-tar"),
    "attributes": (pax({b"SCHILY.xattr.user.x": b"\0" * 500, b"LIBARCHIVE.xattr.y": b"z"}) + GOOD + END, PASS),
    "record-too-long": (member(b"P", b"99 path=etc/passwd\n", b"x") + GOOD + END, "bad-tar"),
    "record-without-line-feed": (member(b"P", b"19 path=etc/passwdX", b"x") + GOOD + END, "bad-tar"),
    "record-length-signed": (member(b"P", b"+19 path=etc/passwd\n", b"x") + GOOD + END, "bad-tar"),
    "prefix": (header(b"passwd", size=len(EVIL), patches=[(345, b"etc")]) + HIDDEN[512:] + END, FAIL),
}

_BASE_256 = b"\xff" * 11


def _sized(field: bytes) -> bytes:
    return GOOD + header(b"x", patches=[(124, field)]) + HIDDEN + END


SIZES: dict[str, tuple[bytes, str]] = {
    "two-to-the-40": (header(b"x", patches=[(124, b"\x80\0\0\0\0\0\x01\0\0\0\0\0")]), "bad-tar"),
    "two-to-the-60": (header(b"x", patches=[(124, b"\x80\0\0\0\x10\0\0\0\0\0\0\0")]), "bad-tar"),
    "two-to-the-63": (header(b"x", patches=[(124, b"\x80\0\0\0\x80\0\0\0\0\0\0\0")]), "bad-tar"),
    "octal-largest": (header(b"x", patches=[(124, b"77777777777\0")]), "bad-tar"),
    "minus-1": (_sized(_BASE_256 + b"\xff"), "bad-tar"),
    "minus-512": (_sized(b"\xff" * 10 + b"\xfe\0"), "bad-tar"),
    "minus-513": (_sized(b"\xff" * 10 + b"\xfd\xff"), "bad-tar"),
    "minus-1024": (_sized(b"\xff" * 10 + b"\xfc\0"), "bad-tar"),
    "pax-minus": (pax({b"size": b"-1"}) + GOOD + HIDDEN + END, "bad-tar"),
    "pax-word": (pax({b"size": b"many"}) + GOOD + HIDDEN + END, "bad-tar"),
    "pax-two-to-the-62": (pax({b"size": b"4611686018427387904"}) + GOOD, "bad-tar"),
    "special-header-of-an-exbibyte": (
        header(b"P", b"x", patches=[(124, b"\x80\0\0\0\x10\0\0\0\0\0\0\0")]),
        "limit-tar-header-bytes",
    ),
}


def _large_header(kind: bytes, size: int) -> Packed:
    start = header(b"P", kind, size)
    return packed([start, *([bytes(1 << 20)] * (size >> 20)), GOOD, END])


def _chain(piece: bytes, times: int) -> Packed:
    """Members that a registry sends as a few bytes each."""
    many = repeated(piece * 100, times // 100, GOOD + END)
    return Packed(b"", many, f"{OCI_LAYER}+gzip", sha256(b""))


_SPARSE = {b"GNU.sparse.major": b"1", b"GNU.sparse.minor": b"0", b"GNU.sparse.realsize": b"5"}


def _sparse_map(blocks: int) -> bytes:
    pairs = b"".join(b"%d\n0\n" % (number * 2) for number in range(blocks))
    content = b"%d\n" % blocks + pairs
    return pax(_SPARSE) + member(b"x", content + bytes(-len(content) % 512)) + END


def _headers() -> list[Case]:
    chain = "limit-tar-special-headers"
    return cases(
        "A-23",
        [
            ("pax-256-mebibytes", lambda: run(_large_header(b"x", 200 << 20)), "limit-tar-header-bytes"),
            ("long-name-256-mebibytes", lambda: run(_large_header(b"L", 200 << 20)), "limit-tar-header-bytes"),
            ("pax-chain", lambda: run(_chain(pax({b"path": b"y"}), 100_000)), chain),
            ("long-name-chain", lambda: run(_chain(member(b"L", b"y\0", b"L"), 100_000)), chain),
            ("global-flood", lambda: run(_chain(pax({b"comment": b"y"}, b"g"), 100_000)), chain),
            ("sparse-map", with_tar(_sparse_map(200_000)), "limit-sparse-map-bytes"),
            ("pax-just-allowed", with_tar(pax({b"comment": b"y" * 1_048_000}) + GOOD + END), PASS),
            ("records", lambda: run(_chain(_many_records() + member(b"y"), 4_000)), "limit-tar-records"),
        ],
    )


def _many_records() -> bytes:
    return member(b"P", b"6 a=b\n" * 10_000, b"x")


def found() -> list[Case]:
    tables = {"A-09": BROKEN, "A-14": MERGED, "A-22": SIZES}
    return [
        *(
            case
            for group, table in tables.items()
            for case in cases(group, [(name, with_tar(archive), to) for name, (archive, to) in table.items()])
        ),
        *_headers(),
    ]
