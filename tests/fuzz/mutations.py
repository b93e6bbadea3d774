"""Inputs near others, the same for the same seed: what runs where there is no atheris."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from random import Random

_ODD = (
    *(b"", b"\0", b"\xff", b"\x80", b"\n", b"\r", b" ", b"\t", b":", b",", b'"', b"\\", b"0", b"-1", b"4294967296"),
    *(
        b"18446744073709551616",
        b"9" * 40,
        b"null",
        b"{",
        b"}",
        b"[",
        b"]",
        b"..",
        b"/",
        b"#",
        b"\xc5\xbf",
        b"\xe2\x84\xaa",
    ),
    *(b"\xed\xa0\x80", b"\0" * 512, b"a" * 300),
)


def mutations(seeds: Sequence[bytes], seed: int, count: int) -> Iterator[bytes]:
    """Inputs made of the seeds by a few changes each."""
    dice = Random(seed)
    for _ in range(count):
        found = dice.choice(seeds)
        for _ in range(dice.choice((1, 1, 2, 3, 8))):
            found = dice.choice(_CHANGES)(dice, found, dice.choice(seeds))
        yield found


def _flip(dice: Random, content: bytes, _: bytes) -> bytes:
    if not content:
        return b"\0"
    changed = bytearray(content)
    changed[dice.randrange(len(changed))] ^= 1 << dice.randrange(8)
    return bytes(changed)


def _put(dice: Random, content: bytes, _: bytes) -> bytes:
    at = dice.randrange(len(content) + 1)
    return content[:at] + dice.choice(_ODD) + content[at + dice.choice((0, 0, 1, 4)) :]


def _cut(dice: Random, content: bytes, _: bytes) -> bytes:
    at = dice.randrange(len(content) + 1)
    return content[:at] + content[at + dice.choice((1, 8, 512, len(content))) :]


def _repeat(dice: Random, content: bytes, _: bytes) -> bytes:
    at = dice.randrange(len(content) + 1)
    end = at + dice.choice((1, 16, 512))
    return content[:end] + content[at:end] * dice.choice((1, 2, 30)) + content[end:]


def _cross(dice: Random, content: bytes, other: bytes) -> bytes:
    return content[: dice.randrange(len(content) + 1)] + other[dice.randrange(len(other) + 1) :]


_CHANGES: tuple[Callable[[Random, bytes, bytes], bytes], ...] = (_flip, _put, _put, _cut, _repeat, _cross)
