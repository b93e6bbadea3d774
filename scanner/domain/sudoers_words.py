"""Lines and words of ``/etc/sudoers``: quotes, backslashes, comments, joined lines. Source: sudoers(5), its lexer."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

_TOKEN = re.compile(
    r"""
      (?P<blank>[ \t\r\f\v]++)
    | (?P<comment>\#(?!-?[0-9]).*)
    | (?P<mark>[,=:()!])
    | (?P<word>(?:[^\s,=:()!\\"]|\\.|"(?:[^"\\]|\\.)*+")++)
    | (?P<stray>.)
    """,
    re.VERBOSE,
)
_ESCAPED_OR_QUOTE = re.compile(r"\\(.)|\"")


class Unreadable(ValueError):
    """A line sudo would call a syntax error, or that we do not understand."""


# Outside quotes as far as one line shows. A comment ends with its line, whatever its last character is.
_COMMENTED = re.compile(r"""(?:[^"#\\]|\\.|"(?:[^"\\]|\\.)*+"|\#-?[0-9])*+\#""")


def logical_lines(text: str) -> Iterator[tuple[int, str]]:
    """Line number and text; a backslash at the end of a line joins the next one, but not to a comment."""
    joined: list[str] = []
    start = 1
    for number, line in enumerate(text.split("\n"), start=1):
        if not joined:
            start = number
        line = line.rstrip("\r")
        if line.endswith("\\") and not line.endswith("\\\\") and not _COMMENTED.match(line):
            joined.append(line[:-1])
            continue
        whole = "".join((*joined, line)).strip(" \t")
        joined = []
        if whole:
            yield start, whole
    if joined:
        yield start, "".join(joined).strip(" \t")


@dataclass(frozen=True, slots=True)
class Token:
    """A word, or one of the marks ``, = : ( ) !``."""

    text: str
    is_word: bool


class Tokens:
    """Words and marks of one line, without comments."""

    def __init__(self, line: str) -> None:
        self._tokens = list(_tokens(line))
        self._at = 0

    @property
    def at_end(self) -> bool:
        """Whether nothing is left."""
        return self._at >= len(self._tokens)

    def peek(self, ahead: int = 0) -> Token | None:
        """The next token, or one behind it, without taking it."""
        return self._tokens[self._at + ahead] if self._at + ahead < len(self._tokens) else None

    def next(self) -> Token:
        """Take a token.

        :raises Unreadable: at the end.
        """
        token = self.peek()
        if token is None:
            raise Unreadable("the line ends too early")
        self._at += 1
        return token

    def skip(self, mark: str) -> bool:
        """Whether the mark is next; then it is taken."""
        token = self.peek()
        found = token is not None and not token.is_word and token.text == mark
        self._at += found
        return found

    def word(self) -> str:
        """Take a word as it is written.

        :raises Unreadable: where there is none.
        """
        token = self.next()
        if not token.is_word:
            raise Unreadable(f"{token.text} where a word belongs")
        return token.text

    def is_word_then(self, mark: str) -> bool:
        """Whether a word and then this mark are next."""
        first, second = self.peek(), self.peek(1)
        return bool(first and first.is_word and second and not second.is_word and second.text == mark)


def _tokens(line: str) -> Iterator[Token]:
    for found in _TOKEN.finditer(line):
        if found.lastgroup == "stray":
            raise Unreadable("a quote that is never closed")
        if found.lastgroup in ("word", "mark"):
            yield Token(found[0], found.lastgroup == "word")


def plain(word: str) -> str:
    """A word without its quotes and backslashes."""
    return _ESCAPED_OR_QUOTE.sub(lambda found: found[1] or "", word)
