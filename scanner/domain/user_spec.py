"""The USER string and the numbers in it, read as Go's ``strconv`` reads them.

``int()`` will not do: it takes ``1_000``, `` 1000 `` and full-width digits, all of which a runtime looks up as *names*.
And Go gives up at the first digit that overflows 64 bits, so ``99999999999999999999x`` is a number out of range
rather than a name.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

MAX_ID = 2**31 - 1
"""The highest uid or gid any of the runtimes takes from a USER string."""

_INT64_MAX = 2**63 - 1
_UINT64_MAX = 2**64 - 1
_UINT64_DIGITS = 20
_UINT32_MAX = 2**32 - 1
_UINT32_DIGITS = 10
_DIGITS = re.compile(rb"[0-9]+")
_SIGN_AND_DIGITS = re.compile(rb"([+-]?)([0-9]+)")
_SURROGATES = re.compile("[\ud800-\udfff]")


class NotANumber(ValueError):
    """Go's ``ErrSyntax``: the text is a name."""


class OutOfRange(ValueError):
    """Go's ``ErrRange``.

    :param saturated: what Go returns beside the error: the nearest 64 bit integer.
    """

    def __init__(self, saturated: int) -> None:
        super().__init__("value out of range")
        self.saturated = saturated


def parse_int64(text: bytes) -> int:
    """Read a decimal integer as ``strconv.Atoi`` and ``ParseInt(s, 10, 64)`` do.

    :raises NotANumber: where Go says *invalid syntax*.
    :raises OutOfRange: where Go says *value out of range*.
    """
    found = _SIGN_AND_DIGITS.match(text)
    if found is None:
        raise NotANumber(text)
    negative = found[1] == b"-"
    digits = found[2].lstrip(b"0")
    # A length check first: Python refuses, and would be slow at, integers of thousands of digits.
    magnitude = int(digits or b"0") if len(digits) <= _UINT64_DIGITS else _UINT64_MAX + 1
    if found.end() != len(text) and magnitude <= _UINT64_MAX:
        raise NotANumber(text)
    if magnitude > (_INT64_MAX + 1 if negative else _INT64_MAX):
        raise OutOfRange(-_INT64_MAX - 1 if negative else _INT64_MAX)
    return -magnitude if negative else magnitude


def parse_uint32(text: bytes) -> int:
    """Read a decimal number as ``ParseUint(s, 10, 32)`` does: no sign, nothing beyond 32 bits.

    :raises NotANumber: for anything else; the callers do not tell Go's two errors apart.
    """
    digits = text.lstrip(b"0")
    if not _DIGITS.fullmatch(text) or len(digits) > _UINT32_DIGITS:
        raise NotANumber(text)
    number = int(digits or b"0")
    if number > _UINT32_MAX:
        raise NotANumber(text)
    return number


def lenient_id(field: bytes) -> int:
    """The number in a passwd or group field: 0 where it is none, the nearest 64 bit integer where it is too large.

    As moby/sys ``user`` does by ignoring the error of ``Atoi``.
    """
    try:
        return parse_int64(field)
    except NotANumber:
        return 0
    except OutOfRange as problem:
        return problem.saturated


def to_uint32(number: int) -> int:
    """Cut to 32 bits, as the OCI runtime spec's ``uid`` and ``gid`` fields do: 4294967296 becomes 0."""
    return number & 0xFFFFFFFF


def go_text(text: str) -> str:
    """The text as a Go program holds it after JSON: half a surrogate pair becomes U+FFFD."""
    return _SURROGATES.sub("\ufffd", text)


@dataclass(frozen=True, slots=True)
class UserSpec:
    """The two halves of a USER string; ``""`` where a half is not given."""

    user: str
    group: str


def split_user(text: str) -> UserSpec:
    """Split as moby/sys ``user`` 0.4 does: first field, second field, the rest is ignored."""
    user, _, rest = text.partition(":")
    group, _, _ = rest.partition(":")
    return UserSpec(user, group)


_GO_ESCAPES = {
    "\a": r"\a",
    "\b": r"\b",
    "\f": r"\f",
    "\n": r"\n",
    "\r": r"\r",
    "\t": r"\t",
    "\v": r"\v",
    "\\": r"\\",
    '"': r"\"",
}


def go_quote(text: str) -> str:
    """Quote as Go's ``%q`` does."""
    return f'"{"".join(_escape(char) for char in text)}"'


def _escape(char: str) -> str:
    if char in _GO_ESCAPES:
        return _GO_ESCAPES[char]
    if char.isprintable():
        return char
    code = ord(char)
    if code < 0x80:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
