"""Archives that were valid once: whatever happens to their bytes, there is an answer with a name."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Iterator
from dataclasses import replace

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from scanner.domain.limits import DEFAULT_LIMITS, MIB
from scanner.domain.problems import ImageProblem
from scanner.domain.reference import Digest
from scanner.filesystem import pax as records_module
from scanner.filesystem.layer_index import LayerIndex, index_layer
from scanner.filesystem.pax import BadRecord
from tests.support.archives import END, member, pax, record
from tests.support.layers import sha256

LIMITS = replace(DEFAULT_LIMITS, layer_uncompressed_bytes=16 * MIB, tar_records=1_000)
PASSWD = b"root:x:0:0::/root:/bin/sh\n" * 30


def _written(form: int) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=form) as archive:
        for name, content in (("etc/passwd", PASSWD), ("var/" + "long-name/" * 15 + "x", b"y" * 513), ("empty", b"")):
            made = tarfile.TarInfo(name if form != tarfile.USTAR_FORMAT else name[-90:])
            made.size, made.uid = len(content), 8**7 - 1
            archive.addfile(made, io.BytesIO(content))
        link = tarfile.TarInfo("etc/group")
        link.type, link.linkname = tarfile.SYMTYPE, "../" * (40 if form != tarfile.USTAR_FORMAT else 3) + "group"
        archive.addfile(link)
    return out.getvalue()[: -len(END) * 4]  # tarfile pads to 10 KiB, which would draw most mutations


BASE_256 = (124, b"\x80" + bytes(9) + b"\x02\x01")
MAP = b"2\n0\n3\n600\n2\n".ljust(512, b"\0")
SPARSE = {
    b"GNU.sparse.major": b"1",
    b"GNU.sparse.minor": b"0",
    b"GNU.sparse.name": b"etc/passwd",
    b"GNU.sparse.realsize": b"700",
}
ARCHIVES = {
    "ustar": _written(tarfile.USTAR_FORMAT) + END,
    "pax": _written(tarfile.PAX_FORMAT) + END,
    "gnu": _written(tarfile.GNU_FORMAT) + END,
    "base-256": member(b"etc/passwd", b"p" * 513, patches=[BASE_256]) + member(b"b", b"x") + END,
    "sparse 1.0": pax(SPARSE) + member(b"sparse", MAP + b"abcde") + member(b"b", b"x") + END,
    "sparse 0.1": pax({b"GNU.sparse.map": b"1,2", b"GNU.sparse.numblocks": b"1", b"GNU.sparse.size": b"9"})
    + member(b"sparse", b"ab")
    + END,
}


class Chunks:
    """Gives the bytes in pieces of the sizes in turn, and counts."""

    def __init__(self, content: bytes, sizes: list[int]) -> None:
        self.content = content
        self.sizes = sizes
        self.given = 0

    def __iter__(self) -> Iterator[bytes]:
        number = 0
        while self.given < len(self.content):
            start, number = self.given, number + 1
            self.given = min(len(self.content), start + self.sizes[number % len(self.sizes)])
            yield self.content[start : self.given]


def _read(content: bytes, sizes: list[int]) -> LayerIndex | tuple[str, str]:
    """What a layer of these bytes is: its index, or the problem's code and message."""
    chunks = Chunks(content, sizes)
    digest = Digest(sha256(content))
    try:
        found = index_layer(iter(chunks), digest=digest, size=len(content), diff_id=None, limits=LIMITS)
    except ImageProblem as problem:
        return problem.code, problem.message
    assert chunks.given == len(content)
    return found


def _answer(content: bytes, sizes: list[int]) -> bytes | tuple[str, str]:
    found = _read(content, sizes)
    return found.to_bytes() if isinstance(found, LayerIndex) else found


@st.composite
def mutated(draw: st.DrawFn) -> bytes:
    """A valid archive in which some bytes were changed, cut out or doubled."""
    content = bytearray(draw(st.sampled_from(list(ARCHIVES.values()))))
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, len(content)))
        kind = draw(st.sampled_from(["byte", "cut", "double", "checksum"]))
        if kind == "cut":
            del content[at : at + draw(st.sampled_from([1, 511, 512, 1024]))]
        elif kind == "double":
            content[at:at] = content[at : at + draw(st.sampled_from([1, 512, 1024]))]
        elif at < len(content):
            content[at] = draw(st.one_of(st.sampled_from(b"\0 /09+=\n\x80\xff"), st.integers(0, 255)))
            if kind == "checksum":
                _sign(content, at - at % 512)
    return bytes(content)


def _sign(content: bytearray, start: int) -> None:
    """Give a header the checksum of what it has become, or else the checksum would hide every other check."""
    block = content[start : start + 512]
    if len(block) == 512:
        block[148:156] = b"        "
        content[start + 148 : start + 156] = b"%06o\0 " % sum(block)


def test_the_archives_are_valid() -> None:
    for content in ARCHIVES.values():
        assert isinstance(_read(content, [MIB]), LayerIndex)


@settings(max_examples=400, deadline=None)
@given(mutated(), st.lists(st.integers(1, 1_500), min_size=1, max_size=5))
def test_any_bytes_have_one_answer_however_they_come(content: bytes, sizes: list[int]) -> None:
    # Whatever is neither an index nor an ``ImageProblem`` fails here.
    assert _answer(content, sizes) == _answer(content, [MIB])


@pytest.mark.parametrize("name", ARCHIVES)
def test_a_cut_archive_is_never_taken_for_a_whole_one(name: str) -> None:
    content = ARCHIVES[name]
    whole = _read(content, [MIB])
    assert isinstance(whole, LayerIndex)
    # Go takes an archive as ended where a header would begin, or inside the padding before: there, members are missing
    # and the diff_id says so. Anywhere else the cut itself is the problem.
    for length in range(len(content) - len(END)):
        cut = _problem_of(content[:length], whole.diff_id)
        assert cut in ("bad-tar", "diff-id-mismatch"), length


def _problem_of(content: bytes, diff_id: Digest) -> str:
    """The problem's code, for a layer of which the config states what it unpacks to."""
    try:
        index_layer(
            iter([content]), digest=Digest(sha256(content)), size=len(content), diff_id=diff_id, limits=DEFAULT_LIMITS
        )
    except ImageProblem as problem:
        return problem.code
    return ""


KEYS = st.sampled_from([b"path", b"linkpath", b"mtime", b"a", b"GNU.sparse.offset", b"GNU.sparse.numbytes", b"a\0b"])
VALUES = st.one_of(st.sampled_from([b"", b"0", b"a=b", b"a\0b", b"\n", b"5 a=\n"]), st.binary(max_size=12))
LENGTHS = st.sampled_from([b"5", b"+7", b"07", b"0", b"4", b"99", b"1_0", b"", b"9" * 25])


@st.composite
def headers(draw: st.DrawFn) -> bytes:
    parts = [record(draw(KEYS), draw(VALUES)) for _ in range(draw(st.integers(0, 4)))]
    if draw(st.booleans()):
        parts.insert(
            draw(st.integers(0, len(parts))), draw(LENGTHS) + b" " + draw(VALUES) + b"=" + draw(VALUES) + b"\n"
        )
    return b"".join(parts)


def _parsed(data: bytes) -> object:
    try:
        return records_module.parse_records(data)
    except BadRecord as problem:
        return str(problem)


@settings(max_examples=400, deadline=None)
@given(headers())
@example(b"5 a=\n" * 3)
@example(b"000000005 a=\n")
def test_the_fast_way_to_read_a_record_changes_nothing(data: bytes) -> None:
    fast = _parsed(data)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(records_module, "_record", records_module._unusual_record)
        assert _parsed(data) == fast
