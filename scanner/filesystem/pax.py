"""PAX extended headers, read as Go's ``archive/tar`` reads them.

A record is ``<length> <key>=<value>\\n``, and the length counts itself::

    27 path=etc/passwd-very-long\\n

Go refuses what other readers tolerate (a NUL in a path, a length that does not end in a newline), and so do we: an
archive that Docker cannot unpack has no identity to report.
"""

from __future__ import annotations

import re

from scanner.filesystem.tar_numbers import BadNumber, parse_decimal

XATTR = b"SCHILY.xattr."
SPARSE_MAP = b"GNU.sparse.map"
_SPARSE_PAIR = (b"GNU.sparse.offset", b"GNU.sparse.numbytes")
_NUL_FREE_VALUE = frozenset({b"path", b"linkpath", b"uname", b"gname"})
_NUMBERS = (b"uid", b"gid", b"size")
_TIMES = (b"atime", b"mtime", b"ctime")
_SHORTEST_RECORD = 5
# What nearly all records are, three times as fast; anything else goes step by step and gets its exact error.
_USUAL_RECORD = re.compile(rb"([0-9]{1,9}) ([^=\0]+)=")

Records = dict[bytes, bytes]


class BadRecord(ValueError):
    """The extended header is malformed."""


def parse_records(data: bytes) -> Records:
    """Read all records of one extended header; the last of equal keys wins.

    :raises BadRecord: where Go's reader would fail.
    """
    return counted_records(data)[0]


def counted_records(data: bytes) -> tuple[Records, int]:
    """The same, and how many records there were.

    :raises BadRecord: where Go's reader would fail.
    """
    records: Records = {}
    sparse: list[bytes] = []
    at = count = 0
    size = len(data)
    while at < size:
        key, value, at = _record(data, at)
        count += 1
        if key not in _SPARSE_PAIR:
            records[key] = value
            continue
        # GNU sparse 0.0 repeats two keys in turn; Go folds them into the one record of version 0.1.
        if key != _SPARSE_PAIR[len(sparse) % 2] or b"," in value:
            raise BadRecord("sparse map records out of order")
        sparse.append(value)
    if sparse:
        records[SPARSE_MAP] = b",".join(sparse)
    return records, count


def _record(data: bytes, at: int) -> tuple[bytes, bytes, int]:
    usual = _USUAL_RECORD.match(data, at)
    if usual is None:
        return _unusual_record(data, at)
    end = at + int(usual[1])
    value_at = usual.end()
    if not value_at < end <= len(data) or data[end - 1] != 0x0A:
        return _unusual_record(data, at)
    key, value = usual[2], data[value_at : end - 1]
    if key in _NUL_FREE_VALUE and b"\0" in value:
        raise BadRecord("record with a NUL byte")
    return key, value, end


def _unusual_record(data: bytes, at: int) -> tuple[bytes, bytes, int]:
    space = data.find(b" ", at, at + 21)
    if space < 0:
        raise BadRecord("record without a length")
    try:
        length = parse_decimal(data[at:space])
    except BadNumber as error:
        raise BadRecord("record length is not a number") from error
    end = at + length
    if length < _SHORTEST_RECORD or end > len(data) or end - 1 <= space:
        raise BadRecord("record length out of range")
    key, equals, value = data[space + 1 : end - 1].partition(b"=")
    if data[end - 1] != 0x0A or not equals or not key:
        raise BadRecord("record without key, equals sign or newline")
    if b"\0" in (value if key in _NUL_FREE_VALUE else key):
        raise BadRecord("record with a NUL byte")
    return key, value, end


def check_values(records: Records) -> None:
    """Check numbers and times, also those we have no use for.

    :raises BadRecord: where Go's reader would fail.
    """
    for key in _NUMBERS:
        number(records, key)
    for key in _TIMES:
        seconds, dot, fraction = records.get(key, b"").partition(b".")
        if not (seconds or dot):
            continue
        try:
            parse_decimal(seconds)
        except BadNumber as error:
            raise BadRecord(f"{key.decode()} is not a time") from error
        if fraction.strip(b"0123456789"):
            raise BadRecord(f"{key.decode()} is not a time")


def number(records: Records, key: bytes) -> int | None:
    """A numeric record; ``None`` where it is absent or empty, which keeps the header's own value.

    :raises BadRecord: for anything else than a 64 bit number.
    """
    text = records.get(key)
    if not text:
        return None
    try:
        return parse_decimal(text)
    except BadNumber as error:
        raise BadRecord(f"{key.decode('ascii', 'replace')} is not a number") from error
