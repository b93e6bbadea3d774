from __future__ import annotations

import bz2
import gzip
import lzma
import random
import zlib
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scanner.domain.limits import DEFAULT_LIMITS, Limits
from scanner.domain.problems import ImageProblem, LimitExceeded
from scanner.filesystem import compression
from scanner.filesystem.compression import PIECE, decompressed, zstd
from tests.support.archives import pieces

SKIPPABLE = b"\x50\x2a\x4d\x18" + (5).to_bytes(4, "little") + b"12345"
TEXT = random.Random(1).randbytes(3_000) * 3
WINDOW = zstd.CompressionParameter.window_log


def _read(blob: bytes, step: int = 1 << 16, limits: Limits = DEFAULT_LIMITS) -> bytes:
    return b"".join(decompressed(pieces(blob, step), limits))


def _code(blob: bytes, limits: Limits = DEFAULT_LIMITS) -> str:
    with pytest.raises(ImageProblem) as problem:
        _read(blob, limits=limits)
    return problem.value.code


@pytest.fixture(params=["isal", "zlib"])
def _either_gzip(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if request.param == "zlib":
        monkeypatch.setattr(compression, "igzip_lib", None)


GOOD = {
    "gzip": gzip.compress(TEXT),
    "gzip of two members": gzip.compress(TEXT[:100]) + gzip.compress(TEXT[100:]),
    "gzip with empty members": gzip.compress(b"") * 50 + gzip.compress(TEXT) + gzip.compress(b"") * 50,
    "zstd": zstd.compress(TEXT),
    "zstd of two frames": zstd.compress(TEXT[:100]) + zstd.compress(TEXT[100:]),
    "zstd between skippable frames": SKIPPABLE + zstd.compress(TEXT) + SKIPPABLE,
    "plain": TEXT,
}


@pytest.mark.usefixtures("_either_gzip")
@pytest.mark.parametrize("step", [1, 7, 1 << 20])
@pytest.mark.parametrize("blob", GOOD.values(), ids=GOOD)
def test_all_parts_are_read(blob: bytes, step: int) -> None:
    assert _read(blob, step) == TEXT


@pytest.mark.usefixtures("_either_gzip")
@pytest.mark.parametrize("blob", [gzip.compress(TEXT) * 2, zstd.compress(TEXT) * 2], ids=["gzip", "zstd"])
@pytest.mark.parametrize("twentieth", range(1, 20))
def test_a_cut_is_noticed(blob: bytes, twentieth: int) -> None:
    cut = len(blob) * twentieth // 20
    if cut * 2 == len(blob):
        assert _read(blob[:cut]) == TEXT
    else:
        assert _code(blob[:cut]) == "truncated-layer"


BAD = {
    "gzip, wrong checksum": (gzip.compress(TEXT)[:-8] + b"\0\0\0\0" + gzip.compress(TEXT)[-4:], "bad-gzip"),
    "gzip, garbage behind": (gzip.compress(TEXT) + b"garbage that is long enough", "bad-gzip"),
    "gzip, zeros behind": (gzip.compress(TEXT) + bytes(512), "bad-gzip"),
    "gzip, broken data": (gzip.compress(TEXT)[:40] + b"\xff" * 40 + gzip.compress(TEXT)[80:], "bad-gzip"),
    "zstd, garbage behind": (zstd.compress(TEXT) + b"garbage", "bad-zstd"),
    "bzip2": (bz2.compress(TEXT), "unsupported-compression"),
    "xz": (lzma.compress(TEXT), "unsupported-compression"),
}


@pytest.mark.usefixtures("_either_gzip")
@pytest.mark.parametrize(("blob", "code"), BAD.values(), ids=BAD)
def test_what_runtimes_refuse_is_refused(blob: bytes, code: str) -> None:
    assert _code(blob) == code


@pytest.mark.parametrize(("log", "fine"), [(24, True), (27, True), (28, False), (31, False)])
def test_zstd_windows(log: int, fine: bool) -> None:
    # A header alone: no single segment, no checksum, the window, then one raw last block of a byte.
    frame = b"\x28\xb5\x2f\xfd\x00" + bytes([(log - 10) << 3]) + b"\x09\0\0x"
    if fine:
        assert _read(frame) == b"x"
    else:
        assert _code(frame) == "limit-zstd-window-log"


BOMB_LIMITS = replace(DEFAULT_LIMITS, compression_ratio_after_bytes=1 << 20)


@pytest.mark.usefixtures("_either_gzip")
@pytest.mark.parametrize("pack", [gzip.compress, zstd.compress], ids=["gzip", "zstd"])
def test_a_bomb_is_stopped_by_its_ratio(pack: Callable[[bytes], bytes]) -> None:
    with pytest.raises(LimitExceeded) as problem:
        _read(pack(bytes(64 << 20)), limits=BOMB_LIMITS)
    assert problem.value.code == "limit-compression-ratio"


@pytest.mark.parametrize("blob", [gzip.compress(TEXT), zstd.compress(TEXT), TEXT], ids=["gzip", "zstd", "plain"])
def test_the_unpacked_size_is_limited(blob: bytes) -> None:
    assert _code(blob, replace(DEFAULT_LIMITS, layer_uncompressed_bytes=8_999)) == "limit-layer-uncompressed-bytes"
    assert _read(blob, limits=replace(DEFAULT_LIMITS, layer_uncompressed_bytes=9_000)) == TEXT


def test_the_number_of_parts_is_limited() -> None:
    limits = replace(DEFAULT_LIMITS, compressed_members=10)
    assert _code(gzip.compress(b"") * 11, limits) == "limit-compressed-members"
    assert _read(gzip.compress(b"") * 10, limits=limits) == b""


@pytest.mark.usefixtures("_either_gzip")
@pytest.mark.parametrize("pack", [gzip.compress, zstd.compress], ids=["gzip", "zstd"])
def test_no_piece_is_large(pack: Callable[[bytes], bytes]) -> None:
    assert max(map(len, decompressed(iter([pack(bytes(8 << 20))]), DEFAULT_LIMITS))) <= PIECE


@given(content=st.binary(max_size=5_000), cuts=st.lists(st.integers(0, 5_000), max_size=4), step=st.integers(1, 999))
def test_gzip_members_join(content: bytes, cuts: list[int], step: int) -> None:
    edges = [0, *sorted(cuts), len(content)]
    blob = b"".join(gzip.compress(content[a:b]) for a, b in pairwise(edges))
    assert _read(blob, step) == b"".join(content[a:b] for a, b in pairwise(edges))


@given(blob=st.binary(max_size=400), at=st.integers(0, 10_000), bit=st.integers(0, 7))
def test_a_flipped_bit_gives_the_answer_of_zlib_or_a_problem(blob: bytes, at: int, bit: int) -> None:
    packed = bytearray(gzip.compress(blob, mtime=0))
    # Not the magic, and not the flags: zlib minds the reserved ones, Go and ISA-L do not.
    packed[4 + at % (len(packed) - 4)] ^= 1 << bit
    try:
        found = _read(bytes(packed))
    except ImageProblem:
        return
    assert found == zlib.decompress(bytes(packed), 31)
