"""Numbered pages."""

from __future__ import annotations

import re
from dataclasses import dataclass

SIZE = 50
_NUMBER = re.compile(r"[1-9][0-9]{0,5}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Paging:
    """One page of a list of ``total`` rows; ``capped`` says that there are more than were counted."""

    number: int
    total: int
    size: int = SIZE
    capped: bool = False

    @property
    def pages(self) -> int:
        """How many pages there are, at least one."""
        return max(1, -(-self.total // self.size))

    @property
    def offset(self) -> int:
        """Rows before this page."""
        return (self.number - 1) * self.size

    @property
    def first(self) -> int:
        """1-based number of the first row, 0 for an empty list."""
        return self.offset + 1 if self.total else 0

    @property
    def last(self) -> int:
        """1-based number of the last row."""
        return min(self.offset + self.size, self.total)

    @property
    def previous(self) -> int | None:
        """The page before."""
        return self.number - 1 if self.number > 1 else None

    @property
    def next(self) -> int | None:
        """The page after."""
        return self.number + 1 if self.number < self.pages else None

    @property
    def numbers(self) -> tuple[int | None, ...]:
        """Pages to link: the first, the last, those around this one; ``None`` for a gap."""
        near = {1, self.pages, *range(self.number - 2, self.number + 3)}
        shown = sorted(n for n in near if 1 <= n <= self.pages)
        out: list[int | None] = []
        for number in shown:
            if out and out[-1] is not None and number - out[-1] > 1:
                out.append(None)
            out.append(number)
        return tuple(out)


def page_of(asked: str, total: int, *, size: int = SIZE, capped: bool = False) -> Paging:
    """The page a reader asked for; nonsense is the first page and too far is the last."""
    number = int(asked) if _NUMBER.fullmatch(asked) else 1
    last = max(1, -(-total // size))
    return Paging(min(number, last), total, size, capped)
