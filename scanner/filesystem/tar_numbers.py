"""Numbers in tar headers, as Go's ``archive/tar`` reads them (``strconv.go``)."""

from __future__ import annotations

import re
from functools import lru_cache

_OCTAL = re.compile(rb"[0-7]+")
_DECIMAL = re.compile(rb"[+-]?[0-9]+")
_LARGEST = 2**63 - 1


class BadNumber(ValueError):
    """The field is not a number, or not one of 64 bits."""


@lru_cache(maxsize=4096)
def parse_numeric(field: bytes) -> int:
    """Octal, or base-256 where the first bit is set.

    :raises BadNumber: for anything else.
    """
    if field[0] & 0x80:
        return _base_256(field)
    text = field.strip(b" \0")
    if not text:
        return 0
    text = text.partition(b"\0")[0]
    if not _OCTAL.fullmatch(text):
        raise BadNumber(f"malformed number {field!r}")
    return int(text, 8)


def _base_256(field: bytes) -> int:
    negative = bool(field[0] & 0x40)
    flipped = bytes(byte ^ 0xFF for byte in field) if negative else field
    number = int.from_bytes(bytes([flipped[0] & 0x7F]) + flipped[1:], "big")
    if number > _LARGEST:
        raise BadNumber(f"malformed number {field!r}")
    return ~number if negative else number


def parse_decimal(text: bytes) -> int:
    """A number of a PAX record, as ``strconv.ParseInt(text, 10, 64)``.

    :raises BadNumber: where that would fail.
    """
    if len(text) > 32 or not _DECIMAL.fullmatch(text):
        raise BadNumber(f"malformed number {text[:40]!r}")
    number = int(text)
    if not -_LARGEST - 1 <= number <= _LARGEST:
        raise BadNumber(f"malformed number {text[:40]!r}")
    return number
