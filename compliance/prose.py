"""The little Markdown that rules write, as values a template can render with escaping switched on.

Paragraphs, ``-`` lists, fenced code, inline code and bold; everything else is text. No HTML ever passes through, so a
name from an image that ends up in a sentence can only ever be shown.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

_FENCE = re.compile(r"^(`{3,})([a-z0-9+-]*)\s*$")
_INLINE = re.compile(r"(`+)(?!`)(.+?)(?<!`)\1(?!`)|\*\*([^*]+)\*\*", re.DOTALL)


class BlockKind(StrEnum):
    """How a block is drawn."""

    TEXT = "text"
    LIST = "list"
    CODE = "code"


@dataclass(frozen=True, slots=True)
class Span:
    """A run of text; ``kind`` is ``text``, ``code`` or ``bold``."""

    kind: str
    text: str


@dataclass(frozen=True, slots=True)
class Block:
    """A paragraph, a list (one tuple of spans per item) or a block of code."""

    kind: BlockKind
    items: tuple[tuple[Span, ...], ...] = ()
    code: str = ""
    language: str = ""


def parse_prose(text: str) -> tuple[Block, ...]:
    """Split into blocks; a fence that is never closed runs to the end."""
    blocks: list[Block] = []
    lines = text.split("\n")
    at = 0
    while at < len(lines):
        if fence := _FENCE.match(lines[at]):
            at, block = _code(lines, at + 1, fence[1], fence[2])
        elif not lines[at].strip():
            at += 1
            continue
        else:
            at, block = _paragraph(lines, at)
        blocks.append(block)
    return tuple(blocks)


def _code(lines: list[str], at: int, fence: str, language: str) -> tuple[int, Block]:
    end = next((n for n in range(at, len(lines)) if lines[n].rstrip() == fence), len(lines))
    return end + 1, Block(BlockKind.CODE, code="\n".join(lines[at:end]), language=language)


def _paragraph(lines: list[str], at: int) -> tuple[int, Block]:
    listed = lines[at].startswith("- ")
    items: list[str] = []
    while at < len(lines) and lines[at].strip() and not _FENCE.match(lines[at]):
        item = lines[at].startswith("- ")
        if item != listed and item:
            break
        if item or not items:
            items.append(lines[at][2:] if item else lines[at])
        else:
            items[-1] += " " + lines[at].strip()
        at += 1
    kind = BlockKind.LIST if listed else BlockKind.TEXT
    return at, Block(kind, tuple(spans(item) for item in items))


def spans(text: str) -> tuple[Span, ...]:
    """One line's code, bold and plain runs."""
    found: list[Span] = []
    end = 0
    for match in _INLINE.finditer(text):
        if match.start() > end:
            found.append(Span("text", text[end : match.start()]))
        found.append(Span("bold", match[3]) if match[3] else Span("code", _unpadded(match[2])))
        end = match.end()
    if end < len(text):
        found.append(Span("text", text[end:]))
    return tuple(found)


def _unpadded(code: str) -> str:
    # CommonMark 6.1: one space on both sides is padding for code that begins or ends with a backtick.
    return code[1:-1] if len(code) > 2 and code[0] == code[-1] == " " and not code.isspace() else code
