"""The chain that the audit trail is sealed into.

Each row has a *link*, the hash of the row and of the link before it, so a link stands for everything up to it; and a
*mac* of that link under a key that is not in the database. Whoever can write to the database but does not have the key
can make links, and no macs. Since a link stands for all rows before it, a mac under today's key vouches for rows that
were sealed under a key which nobody has any more.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

FIRST: Final = bytes(32)
"""The link before the first row."""


@dataclass(frozen=True, slots=True)
class Seal:
    """What is added to a row."""

    number: int
    link: bytes
    mac: bytes
    key: str


@dataclass(frozen=True, slots=True)
class SealedRow:
    """One row as it is found.

    :param content: everything that the row says, in one way of writing.
    """

    id: int
    content: bytes
    seal: Seal


@dataclass(frozen=True, slots=True)
class Fault:
    """The first row that is not as it was sealed.

    :param id: ``None`` where the row is gone.
    """

    number: int
    id: int | None
    what: str


def link_of(before: bytes, number: int, content: bytes) -> bytes:
    """The link of a row that follows the link ``before``."""
    return hashlib.sha256(before + number.to_bytes(8, "big") + content).digest()


def mac_of(secret: bytes, link: bytes) -> bytes:
    """What only who has the key can make."""
    return hmac.digest(secret, link, "sha256")


def seal_rows(head: Seal | None, contents: Iterable[bytes], key: str, secret: bytes) -> Iterator[Seal]:
    """Seals for rows that follow ``head``."""
    number, link = (head.number, head.link) if head else (0, FIRST)
    for content in contents:
        number += 1
        link = link_of(link, number, content)
        yield Seal(number, link, mac_of(secret, link), key)


class Walk:
    """Goes along the chain from its first row, batch by batch, until something is wrong.

    :param secrets: keys by their names.
    :param anchors: links that were written down elsewhere, by number.
    """

    def __init__(self, secrets: Mapping[str, bytes], anchors: Mapping[int, bytes]) -> None:
        self._secrets = secrets
        self._anchors = anchors
        self._link = FIRST
        self._in_doubt: Fault | None = None
        self.number = 0

    @property
    def anchor(self) -> str:
        """What to write down elsewhere of all that was walked along."""
        return f"{self.number}:{self._link.hex()}" if self.number else ""

    def step(self, rows: Sequence[SealedRow]) -> Fault | None:
        """What is wrong with the next rows; they come in the order of their numbers."""
        return next((fault for row in rows if (fault := self._row(row, rows))), None)

    def end(self) -> Fault | None:
        """What is wrong with how it ends: rows that an anchor saw are gone, or nobody has the key of the last ones."""
        beyond = [number for number in self._anchors if number > self.number]
        if beyond:
            return Fault(self.number + 1, None, f"missing: the trail ends here, and once had {max(beyond)} rows")
        return self._in_doubt

    def _row(self, row: SealedRow, rows: Sequence[SealedRow]) -> Fault | None:
        seal, expected = row.seal, self.number + 1
        if seal.number != expected:
            return Fault(expected, None, "missing")
        link = link_of(self._link, expected, row.content)
        if link != seal.link:
            swapped = any(link_of(self._link, expected, other.content) == seal.link for other in rows)
            return Fault(expected, row.id, "reordered" if swapped else "changed")
        secret = self._secrets.get(seal.key)
        if secret is None:
            self._in_doubt = self._in_doubt or Fault(expected, row.id, "sealed with a key that is not here")
        elif not hmac.compare_digest(mac_of(secret, link), seal.mac):
            return self._in_doubt or Fault(expected, row.id, "changed or inserted: its seal was not made with our key")
        else:
            self._in_doubt = None
        if self._anchors.get(expected, link) != link:
            return Fault(expected, row.id, "rewritten: it is not what the anchor saw")
        self.number, self._link = expected, link
        return None


def parse_anchor(text: str) -> tuple[int, bytes]:
    """Number and link of what ``Walk.anchor`` wrote.

    :raises ValueError: for anything else.
    """
    number, _, link = text.strip().partition(":")
    if not (number.isascii() and number.isdecimal() and len(number) <= 18 and len(link) == 64):
        raise ValueError(f"not an anchor: {text[:100]!r}")
    return int(number), bytes.fromhex(link)
