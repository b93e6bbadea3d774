"""A streaming tar reader that follows Go's ``archive/tar``, because that is what unpacks images.

Python's ``tarfile`` ends an archive silently at the first corrupt header and applies PAX *global* records to every
entry; both hide or rename files that Docker sees. Here everything that Go refuses is an ``ImageProblem``, and
the end is only the end: two zero blocks, or no further byte where a header would begin.

Go's order of decisions is kept on purpose (``reader.go``, ``next``)::

    header → data length of the header's own size → special? then remember and go on
                                                  → else PAX records, GNU long names, data length again
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple
from zlib import adler32

from scanner.domain.limits import Limits
from scanner.domain.problems import ImageProblem, LimitExceeded
from scanner.filesystem import pax, sparse
from scanner.filesystem.byte_stream import ByteStream
from scanner.filesystem.pax import BadRecord, Records
from scanner.filesystem.sparse import Spans
from scanner.filesystem.tar_numbers import BadNumber, parse_numeric

_BLOCK = 512
_ZERO_BLOCK = bytes(_BLOCK)
_HEADER_ONLY = frozenset("123456")
_SPECIAL = frozenset("xgLK")
_CAPABILITY = pax.XATTR + b"security.capability"


class Member(NamedTuple):
    """One entry as the archive states it.

    :param type: the flag: ``0`` file, ``1`` hard link, ``2`` symlink, ``3`` and ``4`` device, ``5`` folder, ``6`` FIFO.
    :param size: bytes of content; for sparse files the logical size.
    """

    name: bytes
    type: str
    mode: int
    uid: int
    gid: int
    size: int
    link: bytes
    capability: bytes | None = None


class _Pending:
    """What special headers said about the entry that follows them."""

    __slots__ = ("count", "long_link", "long_name", "records")

    def __init__(self, count: int = 0) -> None:
        self.records: Records = {}
        self.long_name = b""
        self.long_link = b""
        self.count = count


class TarReader:
    """Iterate over the members; ``read`` gives the current one's bytes.

    :raises ImageProblem: ``bad-tar``, with the offset of the header at fault.
    :raises LimitExceeded: for oversized or too many special headers.
    """

    def __init__(self, stream: ByteStream, limits: Limits) -> None:
        self._stream = stream
        self._limits = limits
        self._data = 0
        self._padding = 0
        self._header_at = 0
        self._all_records = 0
        self._spans: Spans | None = None

    def __iter__(self) -> Iterator[Member]:
        while (member := self._next()) is not None:
            yield member

    @property
    def is_sparse(self) -> bool:
        """Whether the current member's stored bytes are not its content."""
        return self._spans is not None

    def read(self) -> bytes:
        """The current member's content; the caller looks at its size first."""
        content = self._take_data(self._data)
        if self._spans is None:
            return content
        spans, self._spans = self._spans, None
        return spans.spread(content)

    def read_head(self, length: int) -> bytes:
        """The first bytes of the current member's content; after it ``read`` would miss them."""
        if self._spans is None:
            return self._take_data(min(length, self._data))
        stored, self._spans = self._spans.head(length), None
        return stored.spread(self._take_data(sum(size for _, size in stored.pairs)))

    def _next(self) -> Member | None:
        pending: _Pending | None = None
        while True:
            if not self._pass_data():
                return None
            self._header_at = self._stream.offset
            try:
                header = self._header()
                if header is None:
                    return None
                self._expect(header)
                if header.type in _SPECIAL:
                    pending = self._special(header, pending or _Pending())
                    continue
                return self._entry(header, pending)
            except (BadNumber, BadRecord) as error:
                raise self._bad(
                    str(error) if isinstance(error, BadRecord) else "a numeric field is malformed"
                ) from error

    def _bad(self, what: str) -> ImageProblem:
        return ImageProblem("bad-tar", f"the layer is not a valid tar archive at offset {self._header_at}: {what}")

    def _pass_data(self) -> bool:
        if self._data and not self._stream.skip(self._data):
            raise self._bad("the entry's content is cut off")
        self._data = 0
        padding, self._padding = self._padding, 0
        # Go takes an archive that ends inside the padding as ended.
        return self._stream.skip(padding)

    def _take_data(self, length: int) -> bytes:
        content = self._stream.take(length)
        if len(content) < length:
            raise self._bad("the entry's content is cut off")
        self._data -= length
        return content

    def _expect(self, header: Member) -> None:
        size = 0 if header.type in _HEADER_ONLY else header.size
        if size < 0:
            raise self._bad("negative size")
        self._data = size
        self._padding = -size % _BLOCK

    def _header(self) -> Member | None:
        block = self._stream.take(_BLOCK)
        if len(block) < _BLOCK:
            if block:
                raise self._bad("the header is cut off")
            return None
        if not block[0] and block == _ZERO_BLOCK:
            self._end_marker()
            return None
        if not checksum_holds(block):
            raise self._bad("checksum mismatch")
        return parse_header(block)

    def _end_marker(self) -> None:
        second = self._stream.take(_BLOCK)
        if second and second != _ZERO_BLOCK:
            raise self._bad(
                "a single zero block in the middle" if len(second) == _BLOCK else "the end marker is cut off"
            )

    def _special(self, header: Member, pending: _Pending) -> _Pending:
        limits = self._limits
        if header.size > limits.tar_header_bytes:
            raise LimitExceeded("tar_header_bytes", limits.tar_header_bytes, header.size, subject="tar special header")
        pending.count += 1
        if pending.count > limits.tar_special_headers:
            raise LimitExceeded(
                "tar_special_headers", limits.tar_special_headers, pending.count, subject="special headers in a row"
            )
        self._count(1)
        data = self._take_data(header.size)
        if header.type == "x":
            pending.records = self._records(data)
        elif header.type == "g":
            # Go returns a global header as an entry of its own, which forgets everything pending. Its values count for
            # nobody, not even as errors.
            self._records(data)
            return _Pending(pending.count)
        elif header.type == "L":
            pending.long_name = data.partition(b"\0")[0]
        else:
            pending.long_link = data.partition(b"\0")[0]
        return pending

    def _records(self, data: bytes) -> Records:
        records, count = pax.counted_records(data)
        self._count(count)
        return records

    def _count(self, records: int) -> None:
        # Each costs a microsecond or more, and a layer has room for billions.
        self._all_records += records
        if self._all_records > self._limits.tar_records:
            raise LimitExceeded(
                "tar_records",
                self._limits.tar_records,
                "more",
                subject="special headers, their records and sparse maps",
            )

    def _entry(self, header: Member, pending: _Pending | None) -> Member:
        self._spans = None
        if pending is not None:
            header = _merged(header, pending)
        if header.type == "\0":
            header = header._replace(type="5" if header.name.endswith(b"/") else "0")
        self._expect(header)
        if header.type not in "0123456":
            raise self._bad(f"entry of type {header.type!r}, which no runtime unpacks")
        if pending is not None and sparse.is_sparse(pending.records):
            header = self._sparse(header, pending.records)
        return header._replace(size=0) if header.type in _HEADER_ONLY and header.size else header

    def _sparse(self, header: Member, records: Records) -> Member:
        if header.type in _HEADER_ONLY:
            raise BadRecord("a sparse entry that is not a file")
        self._spans = sparse.read_spans(records, header.size, self._data, self._take_data, self._limits)
        self._count(2 * len(self._spans.pairs))
        return header._replace(name=sparse.real_name(records) or header.name, size=self._spans.size)


def _merged(header: Member, pending: _Pending) -> Member:
    records = pending.records
    pax.check_values(records)
    uid, gid, size = (pax.number(records, key) for key in (b"uid", b"gid", b"size"))
    return Member(
        name=pending.long_name or records.get(b"path") or header.name,
        type=header.type,
        mode=header.mode,
        uid=header.uid if uid is None else uid,
        gid=header.gid if gid is None else gid,
        size=header.size if size is None else size,
        link=pending.long_link or records.get(b"linkpath") or header.link,
        capability=records.get(_CAPABILITY) or None,
    )


def checksum_holds(block: bytes) -> bool:
    """Whether the header's checksum is the sum of its bytes, taken as unsigned or, as old Sun tars did, signed."""
    try:
        stated = parse_octal_checksum(block[148:156])
    except BadNumber:
        return False
    if block.isascii():
        # 512 bytes below 128 cannot reach Adler's modulus, so its low half is their sum plus one, at C speed.
        return stated == (adler32(block) & 0xFFFF) - (adler32(block[148:156]) & 0xFFFF) + 256
    rest = block[:148] + b"        " + block[156:]
    unsigned = sum(rest)
    return stated in (unsigned, unsigned - 256 * sum(byte > 127 for byte in rest))


def parse_octal_checksum(field: bytes) -> int:
    """Go reads this one field as octal only.

    :raises BadNumber: for base-256 and anything else.
    """
    if field[0] & 0x80:
        raise BadNumber(f"malformed checksum {field!r}")
    return parse_numeric(field)


def parse_header(block: bytes) -> Member:
    """Read one block whose checksum holds.

    :raises BadNumber: for a malformed numeric field, also of those we have no use for.
    """
    name = block[:100].partition(b"\0")[0]
    parse_numeric(block[136:148])
    magic = block[257:263]
    if magic == b"ustar\0":
        name = _ustar_name(block, name)
    elif magic == b"ustar " and block[263:265] == b" \0":
        name = _gnu_name(block, name)
    return Member(
        name,
        chr(block[156]),
        parse_numeric(block[100:108]),
        parse_numeric(block[108:116]),
        parse_numeric(block[116:124]),
        parse_numeric(block[124:136]),
        block[157:257].partition(b"\0")[0] if block[157] else b"",
    )


def _ustar_name(block: bytes, name: bytes) -> bytes:
    _check_devices(block)
    if block[508:512] == b"tar\0":  # Schily's star: a shorter prefix, and two times behind it
        parse_numeric(block[476:488])
        parse_numeric(block[488:500])
        prefix = block[345:476].partition(b"\0")[0]
    elif not block[345]:
        return name
    else:
        prefix = block[345:500].partition(b"\0")[0]
    return prefix + b"/" + name if prefix else name


def _gnu_name(block: bytes, name: bytes) -> bytes:
    _check_devices(block)
    if not block[345] and not block[357]:
        return name
    try:
        for field in (block[345:357], block[357:369]):
            if field[0]:
                parse_numeric(field)
    except BadNumber:
        # Writers of Go before 1.8 put a USTAR prefix where GNU has times; Go still reads it.
        prefix = block[345:500].partition(b"\0")[0]
        return prefix + b"/" + name if prefix and prefix.isascii() else name
    return name


def _check_devices(block: bytes) -> None:
    parse_numeric(block[329:337])
    parse_numeric(block[337:345])
