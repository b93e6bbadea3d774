"""Globs of ``*`` and ``?`` over names, in time that grows with the text times the longest piece, whatever the pattern.

Between two stars stands fixed text; the leftmost place where a piece fits leaves most room for the pieces after it, so
no choice is ever taken back.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache


@dataclass(frozen=True, slots=True)
class Glob:
    """A compiled pattern: the text between its stars."""

    pieces: tuple[str, ...]

    def fits(self, text: str) -> bool:
        """Whether the pattern is the whole text; upper and lower case differ."""
        first, last = self.pieces[0], self.pieces[-1]
        if len(self.pieces) == 1:
            return len(text) == len(first) and _fits_at(first, text, 0)
        end = len(text) - len(last)
        if end < len(first) or not _fits_at(first, text, 0) or not _fits_at(last, text, end):
            return False
        at = len(first)
        for piece in self.pieces[1:-1]:
            found = _find(piece, text, at, end)
            if found < 0:
                return False
            at = found + len(piece)
        return at <= end


@lru_cache(maxsize=1_000)
def compile_glob(pattern: str) -> Glob:
    """``*`` is any text, also none and slashes, ``?`` any character; nothing else is special."""
    return Glob(tuple(pattern.split("*")))


def fits_any(text: str, patterns: Iterable[str]) -> bool:
    """Whether one of the patterns is the whole text."""
    return any(compile_glob(pattern).fits(text) for pattern in patterns)


def _fits_at(piece: str, text: str, at: int) -> bool:
    if "?" not in piece:
        return text.startswith(piece, at)
    return all(want in ("?", text[at + offset]) for offset, want in enumerate(piece))


def _find(piece: str, text: str, start: int, end: int) -> int:
    if "?" not in piece:
        return text.find(piece, start, end)
    return next((at for at in range(start, end - len(piece) + 1) if _fits_at(piece, text, at)), -1)
