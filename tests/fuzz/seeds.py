"""Inputs to begin with: those that are kept, and those that are made.

``corpus/TARGET/seeds.txt`` has one input a line, written as the inside of a Python bytes literal in single quotes:
``\\x00`` for a byte that is no letter. Lines that begin with ``#`` say what is behind the next ones. What once broke a
target, made as small as can be, is added there.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

CORPUS = Path(__file__).parent / "corpus"


def kept_seeds(target: str) -> list[bytes]:
    """The inputs in the target's file."""
    file = CORPUS / target / "seeds.txt"
    return [from_line(line) for line in _lines(file)] if file.exists() else []


def from_line(line: str) -> bytes:
    """The input a line stands for.

    :raises ValueError: for a line that is no bytes literal.
    """
    try:
        found = ast.literal_eval(f"b'{line}'")
    except (SyntaxError, ValueError) as error:
        raise ValueError(f"not an input: {line[:100]}") from error
    if not isinstance(found, bytes):
        raise ValueError(f"not an input: {line[:100]}")
    return found


def to_line(content: bytes) -> str:
    """The line for an input."""
    # A double quote in front makes repr choose single quotes around.
    return repr(b'"' + content)[3:-1]


def _lines(file: Path) -> Iterator[str]:
    return (line for line in file.read_text("ascii").splitlines() if line and not line.startswith("#"))
