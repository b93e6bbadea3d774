from __future__ import annotations

import io
import tarfile
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scanner.domain.limits import DEFAULT_LIMITS, Limits
from scanner.domain.problems import ImageProblem
from scanner.filesystem.byte_stream import ByteStream
from scanner.filesystem.tar import Member, TarReader
from tests.support.archives import END, header, member, padded, pax, pieces, record

NEGATIVE = (124, b"\xff" * 12)
HUGE = (124, b"\x80\0\0\0\x10" + bytes(7))
GNU = (257, b"ustar  \0")


def _members(archive: bytes, step: int = 1 << 16, limits: Limits = DEFAULT_LIMITS) -> list[Member]:
    return list(TarReader(ByteStream(pieces(archive, step)), limits))


def _contents(archive: bytes) -> dict[bytes, bytes]:
    reader = TarReader(ByteStream(pieces(archive)), DEFAULT_LIMITS)
    return {one.name: reader.read() for one in reader}


def _problem(archive: bytes, limits: Limits = DEFAULT_LIMITS) -> ImageProblem:
    with pytest.raises(ImageProblem) as problem:
        _members(archive, limits=limits)
    return problem.value


SECRET = member(b"etc/passwd", b"hidden") + END

CORRUPT = {
    "wrong checksum": bytes([1]) + header(b"a")[1:] + SECRET,
    "wrong digits": header(b"a", patches=[(100, b"rw-r--r-")]) + SECRET,
    "signed digits": header(b"a", patches=[(100, b"+000644\0")]) + SECRET,
    "digits of Python": header(b"a", patches=[(100, b"0_00644\0")]) + SECRET,
    "malformed device number": header(b"a", patches=[(329, b"zz")]) + SECRET,
    "one zero block": bytes(512) + SECRET,
    "cut header": header(b"a")[:300],
    "cut content": header(b"a", size=600) + b"x" * 599,
    "size 2^60": header(b"a", patches=[HUGE]) + b"x" * 600,
    "base-256 size below zero": header(b"a", patches=[NEGATIVE]) + SECRET,
    "base-256 size of 9 bytes": header(b"a", patches=[(124, b"\x80\0\0\1" + bytes(8))]) + SECRET,
    "PAX size below zero": pax({b"size": b"-1"}) + member(b"a") + SECRET,
    "PAX size is no number": pax({b"size": b"1_0"}) + member(b"a") + SECRET,
    "PAX uid is no number": pax({b"uid": b" 0"}) + member(b"a") + SECRET,
    "PAX time is no time": pax({b"mtime": b"1.x"}) + member(b"a") + SECRET,
    "NUL in a PAX path": pax({b"path": b"etc/passwd\0zzz"}) + member(b"a") + SECRET,
    "NUL in a PAX key": pax({b"a\0b": b"1"}) + member(b"a") + SECRET,
    "PAX record without newline": member(b"x", b"7 a=b..", b"x") + member(b"a") + SECRET,
    "PAX record too long": member(b"x", b"99 a=b\n", b"x") + member(b"a") + SECRET,
    "PAX record too short": member(b"x", b"4 a=\n", b"x") + member(b"a") + SECRET,
    "PAX record without equals sign": member(b"x", b"6 abc\n", b"x") + member(b"a") + SECRET,
    "PAX record without key": member(b"x", b"5 =b\n", b"x") + member(b"a") + SECRET,
    "symlink with content": member(b"a", b"x", b"2", link=b"b") + SECRET,
    "hard link with content": member(b"a", b"x", b"1", link=b"b") + SECRET,
    "folder with content": member(b"a", b"x", b"5") + SECRET,
    "old folder with content": member(b"a/", b"x", b"\0") + SECRET,
    "FIFO with content": member(b"a", b"x", b"6") + SECRET,
    "contiguous file": member(b"a", b"", b"7") + SECRET,
    "old GNU sparse file": member(b"a", b"", b"S", patches=[GNU]) + SECRET,
    "unknown type": member(b"a", b"", b"Z") + SECRET,
}


@pytest.mark.parametrize("archive", CORRUPT.values(), ids=CORRUPT)
def test_a_corrupt_archive_never_just_ends(archive: bytes) -> None:
    problem = _problem(member(b"first", b"x" * 700) + archive)
    assert problem.code == "bad-tar"
    # Two headers at most come between: an extended header, and the entry it belongs to.
    assert any(f"offset {512 + 1024 + 512 * blocks}:" in problem.message for blocks in range(4))


ENDS = {
    "two zero blocks": END,
    "nothing": b"",
    "one zero block, then nothing": bytes(512),
    "end marker, then anything": END + SECRET,
}


@pytest.mark.parametrize("end", ENDS.values(), ids=ENDS)
def test_ends_that_go_accepts(end: bytes) -> None:
    assert [one.name for one in _members(member(b"a", b"x") + end)] == [b"a"]


RENAMING = {
    b"GNU.sparse.map": b"0,0",
    b"GNU.sparse.numblocks": b"1",
    b"GNU.sparse.size": b"0",
    b"GNU.sparse.name": b"etc/passwd",
}
NAMES = {
    "header": (member(b"etc/passwd"), b"etc/passwd"),
    "USTAR prefix": (member(b"passwd", patches=[(345, b"etc")]), b"etc/passwd"),
    "no prefix without USTAR": (member(b"passwd", patches=[(257, bytes(8)), (345, b"etc")]), b"passwd"),
    "star's shorter prefix": (member(b"p", patches=[(345, b"e" * 131 + b"\0"), (508, b"tar\0")]), b"e" * 131 + b"/p"),
    "no prefix in GNU": (member(b"p", patches=[GNU, (345, b"00000000000\0")]), b"p"),
    "a prefix in what Go 1.7 wrote": (member(b"p", patches=[GNU, (345, b"etc")]), b"etc/p"),
    "PAX path": (pax({b"path": b"etc/passwd"}) + member(b"x"), b"etc/passwd"),
    "empty PAX path": (pax({b"path": b""}) + member(b"x"), b"x"),
    "the last of two PAX headers": (pax({b"path": b"a"}) + pax({b"path": b"b"}) + member(b"x"), b"b"),
    "GNU long name": (member(b"././@LongLink", b"n" * 200 + b"\0", b"L", patches=[GNU]) + member(b"x"), b"n" * 200),
    "GNU long name before PAX": (pax({b"path": b"a"}) + member(b"L", b"b\0", b"L") + member(b"x"), b"b"),
    "GNU long name with a NUL": (member(b"L", b"etc/passwd\0zzz", b"L") + member(b"x"), b"etc/passwd"),
    "a global PAX path names nothing": (pax({b"path": b"etc/passwd"}, b"g") + member(b"x"), b"x"),
    "a global header forgets": (pax({b"path": b"a"}) + pax({b"comment": b"c"}, b"g") + member(b"x"), b"x"),
    "GNU sparse name": (pax(RENAMING) + member(b"x"), b"etc/passwd"),
}


@pytest.mark.parametrize(("archive", "name"), NAMES.values(), ids=NAMES)
def test_names_are_those_of_go(archive: bytes, name: bytes) -> None:
    assert [one.name for one in _members(archive + END)] == [name]


NUMBERS = [
    (b"0001750\0", 1000),
    (b"1750    ", 1000),
    (b"   1750\0", 1000),
    (bytes(8), 0),
    (b"       \0", 0),
    (b"17777777", 0o17777777),
    (b"\x80\0\0\0\0\0\x03\xe8", 1000),
    (b"\xff" * 8, -1),
    (b"\x80\0\0\1\0\0\0\0", 1 << 32),
]


@pytest.mark.parametrize(("text", "uid"), NUMBERS)
def test_owners_are_those_of_go(text: bytes, uid: int) -> None:
    assert _members(header(b"a", patches=[(108, text)]) + END)[0].uid == uid


def test_pax_owners_replace_those_of_the_header() -> None:
    (one,) = _members(pax({b"uid": b"2097152", b"gid": b"-2"}) + member(b"a") + END)
    assert (one.uid, one.gid) == (2097152, -2)


def test_a_signed_checksum_is_as_good() -> None:
    block = bytearray(header(b"\xe9"))
    block[148:156] = b"        "
    block[148:156] = b"%06o\0 " % (sum(block) - 256)
    assert [one.name for one in _members(bytes(block) + END)] == [b"\xe9"]


def test_sums_beyond_adlers_modulus_are_counted() -> None:
    # 200 bytes of 255 in unused fields take the sum past 65521, where a shortcut would wrap around.
    block = bytearray(header(b"\xff" * 100, link=b"\xff" * 100, patches=[(265, b"\xff" * 64), (500, b"\xff" * 8)]))
    assert len(_members(bytes(block) + END)) == 1
    block[148:156] = b"%06o\0 " % (int(block[148:154], 8) - 65521)
    assert _problem(bytes(block) + END).code == "bad-tar"


def test_a_capability_comes_from_its_record() -> None:
    raw = b"\x01\0\0\x02\0\x04\n=\0" + bytes(11)
    (one,) = _members(pax({b"SCHILY.xattr.security.capability": raw}) + member(b"bin/ping") + END)
    assert one.capability == raw


SPARSE = {
    "0.0": member(
        b"x",
        record(b"GNU.sparse.size", b"12") + record(b"GNU.sparse.numblocks", b"2")
        + record(b"GNU.sparse.offset", b"2") + record(b"GNU.sparse.numbytes", b"3")
        + record(b"GNU.sparse.offset", b"8") + record(b"GNU.sparse.numbytes", b"2"),
        b"x",
    ) + member(b"a", b"abcde"),
    "0.1": pax({b"GNU.sparse.size": b"12", b"GNU.sparse.numblocks": b"2", b"GNU.sparse.map": b"2,3,8,2"})
    + member(b"a", b"abcde"),
    "1.0": pax({b"GNU.sparse.major": b"1", b"GNU.sparse.minor": b"0", b"GNU.sparse.realsize": b"12"})
    + member(b"a", padded(b"2\n2\n3\n8\n2\n") + b"abcde"),
}  # fmt: skip


@pytest.mark.parametrize("archive", SPARSE.values(), ids=SPARSE)
def test_sparse_files_are_spread(archive: bytes) -> None:
    assert _contents(archive + member(b"b", b"next") + END) == {b"a": b"\0\0abc\0\0\0de\0\0", b"b": b"next"}


@pytest.mark.parametrize("length", range(15))
@pytest.mark.parametrize("archive", [*SPARSE.values(), member(b"a", b"\0\0abc\0\0\0de\0\0")])
def test_the_first_bytes_alone(archive: bytes, length: int) -> None:
    reader = TarReader(ByteStream(pieces(archive + member(b"b", b"next") + END)), DEFAULT_LIMITS)
    heads = {member.name: reader.read_head(length) for member in reader}
    assert heads == {b"a": b"\0\0abc\0\0\0de\0\0"[:length], b"b": b"next"[:length]}


BAD_SPARSE = ["2,3,1,2", "2,3", "2,3,8,x", "-1,3,8,2", "2,3,11,2", "2,3,8,1"]


@pytest.mark.parametrize("text", BAD_SPARSE)
def test_bad_sparse_maps_are_refused(text: str) -> None:
    records = {b"GNU.sparse.size": b"12", b"GNU.sparse.numblocks": b"2", b"GNU.sparse.map": text.encode()}
    assert _problem(pax(records) + member(b"a", b"abcde") + END).code == "bad-tar"


def test_a_special_header_is_limited_by_what_it_claims() -> None:
    archive = header(b"x", b"x", 256 << 20) + bytes(1 << 20)
    assert _problem(archive).code == "limit-tar-header-bytes"


@pytest.mark.parametrize("kind", [b"x", b"g"])
def test_chains_of_special_headers_are_limited(kind: bytes) -> None:
    chain = pax({b"path": b"a"}, kind)
    assert len(_members(chain * 1_000 + member(b"b") + END)) == 1
    assert _problem(chain * 1_001 + member(b"b") + END).code == "limit-tar-special-headers"


def test_a_stored_sparse_map_is_limited() -> None:
    archive = pax({b"GNU.sparse.major": b"1", b"GNU.sparse.minor": b"0"}) + member(b"a", b"9" * 4096)
    assert _problem(archive, replace(DEFAULT_LIMITS, sparse_map_bytes=1024)).code == "limit-sparse-map-bytes"


_NAME = st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=200).filter(
    lambda name: not name.endswith("/")
)


@given(
    files=st.dictionaries(_NAME, st.tuples(st.binary(max_size=1500), st.integers(0, 2**40)), max_size=6),
    form=st.sampled_from([tarfile.PAX_FORMAT, tarfile.GNU_FORMAT]),
    step=st.integers(1, 3000),
)
def test_what_tarfile_writes_is_read_back(files: dict[str, tuple[bytes, int]], form: int, step: int) -> None:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=form) as archive:
        for name, (content, uid) in files.items():
            info = tarfile.TarInfo(name)
            info.size, info.uid = len(content), uid
            archive.addfile(info, io.BytesIO(content))
    found = {one.name: (one.size, one.uid) for one in _members(out.getvalue(), step)}
    assert found == {name.encode(): (len(content), uid) for name, (content, uid) in files.items()}


WHOLE = member(b"etc/", kind=b"5") + pax({b"path": b"etc/passwd"}) + member(b"x", b"y" * 600)


@pytest.mark.parametrize("length", range(0, len(WHOLE), 64))
def test_a_cut_archive_is_an_error_except_where_a_header_would_begin(length: int) -> None:
    # Go also takes the end of the file for the end of the archive inside padding and before a header.
    padding = range(len(WHOLE) - 512 + 88, len(WHOLE))
    record_padding = range(512 * 2 + len(record(b"path", b"etc/passwd")), 512 * 3)
    if length in (0, 512, 1536) or length in padding or length in record_padding:
        assert len(_members(WHOLE[:length])) <= 2
    else:
        assert _problem(WHOLE[:length]).code == "bad-tar"
