from __future__ import annotations

import gzip
import hashlib
from dataclasses import replace

import pytest

from scanner.domain.limits import DEFAULT_LIMITS, Limits
from scanner.domain.problems import ImageProblem, ScanProblem, Unavailable
from scanner.domain.reference import Digest
from scanner.filesystem.layer_index import LayerIndex, index_layer
from tests.support.archives import END, member, pieces
from tests.support.layers import sha256

TAR = member(b"etc/passwd", b"root:x:0:0::/:\n") + END
BLOB = gzip.compress(TAR)


def _index(
    blob: bytes = BLOB,
    *,
    digest: str = sha256(BLOB),
    size: int = len(BLOB),
    diff_id: str | None = None,
    limits: Limits = DEFAULT_LIMITS,
) -> LayerIndex:
    known = Digest(diff_id) if diff_id else None
    return index_layer(pieces(blob, 10), digest=Digest(digest), size=size, diff_id=known, limits=limits)


def _problem(blob: bytes = BLOB, **kwargs: str | int) -> ScanProblem:
    with pytest.raises(ScanProblem) as problem:
        _index(blob, **kwargs)  # type: ignore[arg-type]  # one dict for arguments of two types
    return problem.value


def test_what_agrees_is_read() -> None:
    index = _index(diff_id=sha256(TAR))
    assert (index.diff_id, index.unpacked_size, index.size) == (sha256(TAR), len(TAR), len(BLOB))


def test_sha512_is_verified_too() -> None:
    digest = "sha512:" + hashlib.sha512(BLOB).hexdigest()
    diff_id = "sha512:" + hashlib.sha512(TAR).hexdigest()
    assert _index(digest=digest, diff_id=diff_id).diff_id == diff_id


@pytest.mark.parametrize("size", [len(BLOB) - 1, len(BLOB) + 1, 0])
def test_a_size_that_differs_is_the_sources_fault(size: int) -> None:
    problem = _problem(size=size)
    assert isinstance(problem, Unavailable)
    assert problem.code == "size-mismatch"


@pytest.mark.parametrize("cut", range(0, len(BLOB), 9))
def test_a_cut_download_is_the_sources_fault(cut: int) -> None:
    assert _problem(BLOB[:cut]).code == "size-mismatch"


@pytest.mark.parametrize("at", range(0, len(BLOB), 5))
def test_a_changed_download_is_the_sources_fault_and_never_a_bad_archive(at: int) -> None:
    changed = BLOB[:at] + bytes([BLOB[at] ^ 16]) + BLOB[at + 1 :]
    assert _problem(changed).code == "digest-mismatch"


def test_a_bomb_in_place_of_the_layer_is_the_sources_fault() -> None:
    blob = gzip.compress(bytes(1 << 20))
    problem = _problem(
        blob,
        size=len(blob),
        limits=replace(DEFAULT_LIMITS, layer_uncompressed_bytes=100_000),  # type: ignore[arg-type]  # see above
    )
    assert problem.code == "digest-mismatch"


def test_bytes_behind_the_end_marker_count() -> None:
    tar = TAR + b"behind"
    blob = gzip.compress(TAR) + gzip.compress(b"behind")
    index = _index(blob, digest=sha256(blob), size=len(blob), diff_id=sha256(tar))
    assert index.unpacked_size == len(tar)


def test_a_diff_id_that_differs_is_the_images_fault() -> None:
    problem = _problem(diff_id=sha256(TAR + b"x"))
    assert isinstance(problem, ImageProblem)
    assert problem.code == "diff-id-mismatch"


def test_a_truncated_layer_is_told_from_a_truncated_download() -> None:
    blob = BLOB[:-9]
    assert _problem(blob, digest=sha256(blob), size=len(blob)).code == "truncated-layer"


def test_the_compressed_size_is_limited_before_anything_is_read() -> None:
    limits = replace(DEFAULT_LIMITS, layer_compressed_bytes=len(BLOB) - 1)
    with pytest.raises(ImageProblem) as problem:
        _index(b"never read", limits=limits)
    assert problem.value.code == "limit-layer-compressed-bytes"
