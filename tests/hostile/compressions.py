"""A-10, A-11, A-20, A-21: streams of many parts, cut and damaged ones, and those that grow without end."""

from __future__ import annotations

import gzip
import random
import struct
from collections.abc import Callable
from functools import partial

from tests.hostile.case import (
    FACTOR,
    FAIL,
    PASS,
    PASSWD,
    Case,
    Packed,
    cases,
    packed,
    repeated,
    run,
    with_blob,
    zstd_frame,
)
from tests.support.archives import END, member
from tests.support.images import Stored
from tests.support.layers import OCI_LAYER, compress, sha256

MIB = 1 << 20
EVIL = member(b"etc/passwd", PASSWD + b"admin:x:0:0::/:/bin/sh\n")
ARCHIVE = member(b"benign", b"x" * 900) + EVIL + END
_FIRST, _REST = ARCHIVE[:1536], ARCHIVE[1536:]
GZIP, ZSTD = compress(ARCHIVE, "gzip"), compress(ARCHIVE, "zstd")
SKIPPABLE = b"\x50\x2a\x4d\x18" + struct.pack("<I", 5) + b"hello"

PARTS: dict[str, tuple[bytes, str]] = {
    "gzip-two": (compress(_FIRST, "gzip") + compress(_REST, "gzip"), FAIL),
    "gzip-five-thousand": (compress(_FIRST, "gzip") + compress(b"", "gzip") * 5_000 + compress(_REST, "gzip"), FAIL),
    "gzip-byte-by-byte": (b"".join(compress(bytes([byte]), "gzip") for byte in ARCHIVE), FAIL),
    "gzip-empty-first": (compress(b"", "gzip") + GZIP, FAIL),
    "gzip-with-a-name": (gzip.compress(ARCHIVE)[:3] + b"\x08" + GZIP[4:10] + b"name\0" + GZIP[10:], FAIL),
    "gzip-then-garbage": (GZIP + b"garbage", "truncated-layer"),
    "gzip-then-zeros": (GZIP + bytes(512), "bad-gzip"),
    "gzip-then-zstd": (GZIP + ZSTD, "bad-gzip"),
    "zstd-two": (compress(_FIRST, "zstd") + compress(_REST, "zstd"), FAIL),
    "zstd-skippable-first": (SKIPPABLE + ZSTD, FAIL),
    "zstd-skippable-between": (compress(_FIRST, "zstd") + SKIPPABLE * 100 + compress(_REST, "zstd"), FAIL),
    "zstd-then-garbage": (ZSTD + b"garbage", "bad-zstd"),
    "zstd-then-gzip": (ZSTD + GZIP, "bad-zstd"),
    "gzip-in-gzip": (compress(GZIP, "gzip"), "bad-tar"),
    "plain-after-all": (ARCHIVE, FAIL),
    "zlib-wrapped": (b"\x78\x9c" + GZIP[10:], "bad-tar"),
}


def _cut(blob: bytes, archive: bytes = ARCHIVE) -> list[bytes]:
    """The first bytes of a blob, of several lengths that each leave something out."""
    steps = 8
    return [blob[: len(blob) * step // steps] for step in range(1, steps)] + [blob[:-1]]


def _flipped(blob: bytes, seed: int) -> bytes:
    dice = random.Random(seed)
    at = dice.randrange(10, len(blob))
    return blob[:at] + bytes([blob[at] ^ (1 << dice.randrange(8))]) + blob[at + 1 :]


# What a damaged stream is called depends on where it is damaged; that it is not called good does not.
BROKEN: dict[str, tuple[bytes, str]] = {
    **{f"gzip-cut-{number}": (blob, "truncated-layer") for number, blob in enumerate(_cut(GZIP))},
    **{f"zstd-cut-{number}": (blob, "truncated-layer") for number, blob in enumerate(_cut(ZSTD))},
    "gzip-checksum": (GZIP[:-8] + bytes(4) + GZIP[-4:], "bad-gzip"),
    "gzip-length": (GZIP[:-4] + bytes(4), "bad-gzip"),
    "gzip-header-only": (GZIP[:10], "truncated-layer"),
    "zstd-magic-only": (ZSTD[:4], "truncated-layer"),
    "gzip-bad-block": (GZIP[:10] + b"\x07" * 50, "bad-gzip"),
    "zstd-reserved-bit": (ZSTD[:4] + bytes([ZSTD[4] | 0x08]) + ZSTD[5:], "bad-zstd"),
    "bzip2": (b"BZh91AY&SY" + bytes(100), "unsupported-compression"),
    "xz": (b"\xfd7zXZ\0\0\x04" + bytes(100), "unsupported-compression"),
    "lz4": (b"\x04\x22\x4d\x18" + bytes(600), "bad-tar"),
    "one-byte": (b"\x1f", "bad-tar"),
    "gzip-magic": (b"\x1f\x8b", "bad-tar"),
}


def _zeros(mebibytes: int) -> bytes:
    return member(b"zeros", bytes(mebibytes * MIB))


def _gzip_bomb(gibibytes: int) -> Callable[[], Stored]:
    """Members of 64 MiB of zeros each, 1,028 : 1."""
    blob = partial(repeated, _zeros(64), gibibytes * 16, END)
    return lambda: run(Packed(b"", blob(), f"{OCI_LAYER}+gzip", sha256(b"")))


def _one_member_bomb() -> Stored:
    return run(packed([member(b"x", bytes(512))[:512], *[bytes(MIB)] * 600, END], level=9))


def _zstd_bomb(gibibytes: int) -> Stored:
    frame = compress(bytes(1024 * MIB), "zstd")
    return run(Packed(b"", compress(_zeros(1), "zstd") + frame * gibibytes, f"{OCI_LAYER}+zstd", sha256(b"")))


def _slow_bomb(mebibytes: int) -> Stored:
    """As much as the ratio allows: every member is 1 % noise."""
    noise = random.Random(1).randbytes(MIB // 100)
    return run(
        Packed(
            b"",
            repeated(member(b"x", noise + bytes(MIB - len(noise))), mebibytes, END),
            f"{OCI_LAYER}+gzip",
            sha256(b""),
        )
    )


def _bombs() -> list[Case]:
    ratio, size = "limit-compression-ratio", "limit-layer-uncompressed-bytes"
    gibibyte = {"layer_uncompressed_bytes": 1024 * MIB * FACTOR}
    return [
        *cases(
            "A-20",
            [
                ("gzip-10-gibibytes", _gzip_bomb(10), ratio),
                ("gzip-one-member", _one_member_bomb, ratio),
                ("zstd-100-gibibytes", lambda: _zstd_bomb(100), ratio),
                ("gzip-members-of-nothing", with_blob(compress(b"", "gzip") * 1_000_001), "limit-compressed-members"),
                ("zstd-frames-of-nothing", with_blob(compress(b"", "zstd") * 1_000_001), "limit-compressed-members"),
                (
                    "zstd-skippable-large",
                    with_blob(b"\x50\x2a\x4d\x18" + struct.pack("<I", 50 * MIB) + bytes(50 * MIB) + ZSTD, ARCHIVE),
                    FAIL,
                ),
            ],
        ),
        Case("A-20/below-the-ratio", lambda: _slow_bomb(1_100 * FACTOR), size, gibibyte),
    ]


def _window(log: int) -> Stored:
    """A frame's head says how much memory the decoder must keep; here with a content that is small."""
    blob = zstd_frame(ARCHIVE, 20)
    return with_blob(blob[:5] + bytes([(log - 10) << 3]) + blob[6:], ARCHIVE)()


def _windows() -> list[Case]:
    allowed = [(f"log-{log}", partial(_window, log), FAIL) for log in (20, 24, 26, 27)]
    refused = [(f"log-{log}", partial(_window, log), "limit-zstd-window-log") for log in (28, 31, 41)]
    full = partial(_filled_window, 27)
    return cases("A-21", [*allowed, *refused, ("log-27-filled", full, PASS)])


def _filled_window(log: int) -> Stored:
    noise = random.Random(2).randbytes(MIB)
    archive = b"".join(member(b"n%d" % number, noise) for number in range((1 << log - 20) + 20)) + END
    return run(Packed(b"", zstd_frame(archive, log), f"{OCI_LAYER}+zstd", sha256(archive)))


def found() -> list[Case]:
    flips = [
        (f"{name}-flip-{number}", with_blob(_flipped(blob, number), ARCHIVE), expect)
        for name, blob, expect in (
            ("gzip", GZIP, "bad-gzip|truncated-layer"),
            ("zstd", ZSTD, "bad-zstd|truncated-layer|diff-id-mismatch|bad-tar"),
        )
        for number in range(20 * FACTOR)
    ]
    return [
        *cases("A-10", [(name, with_blob(blob, ARCHIVE), to) for name, (blob, to) in PARTS.items()]),
        *cases("A-11", [(name, with_blob(blob, ARCHIVE), to) for name, (blob, to) in BROKEN.items()]),
        *cases("A-11", flips),
        *_bombs(),
        *_windows(),
    ]
