"""GNU sparse files in PAX clothes, versions 0.0, 0.1 and 1.0.

They matter because their records carry a second name and a second size: a reader that ignores
``GNU.sparse.name=etc/passwd`` sees another file than Docker does. The checks are those of Go's ``archive/tar``,
the spare ones of which (regions in order, all data used) its callers meet while copying.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from scanner.domain.limits import Limits
from scanner.domain.problems import LimitExceeded
from scanner.filesystem.pax import SPARSE_MAP, BadRecord, Records, number
from scanner.filesystem.tar_numbers import BadNumber, parse_decimal

_BLOCK = 512
_MAJOR, _MINOR = b"GNU.sparse.major", b"GNU.sparse.minor"
_NAME, _SIZE, _REAL_SIZE = b"GNU.sparse.name", b"GNU.sparse.size", b"GNU.sparse.realsize"
_COUNT = b"GNU.sparse.numblocks"

Take = Callable[[int], bytes]


@dataclass(frozen=True, slots=True)
class Spans:
    """Where the stored bytes belong in the file: offsets and lengths, in order."""

    pairs: tuple[tuple[int, int], ...]
    size: int

    def head(self, length: int) -> Spans:
        """The spans of the file's first bytes."""
        pairs = ((offset, min(size, length - offset)) for offset, size in self.pairs if offset < length)
        return Spans(tuple(pairs), min(self.size, length))

    def spread(self, stored: bytes) -> bytes:
        """The file's content, holes filled with zeros; the caller has looked at ``size``."""
        content = bytearray(self.size)
        at = 0
        for offset, length in self.pairs:
            content[offset : offset + length] = stored[at : at + length]
            at += length
        return bytes(content)


def is_sparse(records: Records) -> bool:
    """Whether Go takes the entry for a sparse file; other versions than 0.0, 0.1 and 1.0 it reads as plain ones."""
    version = records.get(_MAJOR, b""), records.get(_MINOR, b"")
    if version in ((b"0", b"0"), (b"0", b"1"), (b"1", b"0")):
        return True
    return version == (b"", b"") and bool(records.get(SPARSE_MAP))


def real_name(records: Records) -> bytes:
    """The name that replaces the header's; empty where there is none."""
    return records.get(_NAME, b"")


def read_spans(records: Records, size: int, stored: int, take: Take, limits: Limits) -> Spans:
    """Read and check the map.

    :param size: the entry's size after its other records.
    :param stored: bytes in the archive, which in version 1.0 begin with the map.
    :param take: reads stored bytes.
    :raises BadRecord: where Go, or whoever copies with it, would fail.
    :raises LimitExceeded: for a map over ``sparse_map_bytes``.
    """
    logical = number(records, _SIZE if records.get(_SIZE) else _REAL_SIZE)
    size = size if logical is None else logical
    if records.get(_MAJOR) == b"1":
        numbers, used = _stored_map(take, limits)
        stored -= used
    else:
        numbers = _recorded_map(records)
    pairs = tuple(zip(numbers[::2], numbers[1::2], strict=True))
    _check(pairs, size, stored)
    return Spans(pairs, size)


def _recorded_map(records: Records) -> list[int]:
    fields = records[SPARSE_MAP].split(b",") if records.get(SPARSE_MAP) else []
    count = _decimal(records.get(_COUNT, b""))
    if count < 0 or len(fields) != 2 * count:
        raise BadRecord("sparse map of another length than it says")
    return [_decimal(field) for field in fields]


def _stored_map(take: Take, limits: Limits) -> tuple[list[int], int]:
    text = bytearray()
    count: int | None = None
    lines = 0
    while True:
        block = take(_BLOCK)
        text += block
        lines += block.count(b"\n")
        if len(text) > limits.sparse_map_bytes:
            raise LimitExceeded("sparse_map_bytes", limits.sparse_map_bytes, len(text), subject="sparse map")
        if count is None and lines:
            count = _decimal(bytes(text[: text.index(b"\n")]))
            if count < 0:
                raise BadRecord("sparse map of negative length")
        if count is not None and lines > 2 * count:
            return [_decimal(field) for field in bytes(text).split(b"\n")[1 : 1 + 2 * count]], len(text)


def _check(pairs: tuple[tuple[int, int], ...], size: int, stored: int) -> None:
    end = 0
    for offset, length in pairs:
        if length < 0 or offset < end or offset + length > size:
            raise BadRecord("sparse regions overlap or leave the file")
        end = offset + length
    if size < 0 or sum(length for _, length in pairs) != stored:
        raise BadRecord("sparse regions and stored bytes differ")


def _decimal(text: bytes) -> int:
    try:
        return parse_decimal(text)
    except BadNumber as error:
        raise BadRecord("sparse map is not made of numbers") from error
