"""JSON of strangers (an image's config, a request's body), laid out for reading: each token stays as it came."""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from scanner.domain.printable import printable

LONGEST = 200 * 1024
"""Characters on the page."""

_DEEPEST_INDENT = 32
# A string with its escapes, one that never ends, structure, white space, or anything else.
_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|".*|[{}\[\],:]|\s+|[^\s"{}\[\],:]+', re.DOTALL)


@dataclass(frozen=True, slots=True)
class ConfigText:
    """``is_cut``: there is more of it than is shown."""

    text: str
    is_cut: bool


def config_text(stored: bytes | memoryview | None) -> ConfigText | None:
    """Lay out ``Image.config_document``; ``None`` where none was kept."""
    if stored is None:
        return None
    document = zlib.decompress(bytes(stored)).decode("utf-8", "replace")
    found = lay_out(document)
    return ConfigText(found.text, is_cut=found.is_cut or not document.strip().endswith("}"))


def lay_out(document: str) -> ConfigText:
    """Lay out any text as the JSON it says it is."""
    shown = printable(_cut(_laid_out(document)), keep_lines=True)
    return ConfigText(shown[:LONGEST], is_cut=len(shown) > LONGEST)


def _cut(pieces: Iterable[str]) -> str:
    """One character more than is shown, so that it is seen that there is more."""
    out: list[str] = []
    room = LONGEST + 1
    for piece in pieces:
        out.append(piece[:room])
        room -= len(out[-1])
        if not room:
            break
    return "".join(out)


def _laid_out(document: str) -> Iterator[str]:
    """Lexical, so that a repeated key or a strange number is shown as it stands; a parser would drop or change it."""
    depth, opened = 0, False
    for match in _TOKEN.finditer(document):
        token = match[0]
        if token.isspace():
            continue
        closing = token in ("}", "]")
        depth = max(0, depth - closing)
        if opened != closing:  # an empty object or array stays on one line
            yield _line(depth)
        opened = token in ("{", "[")
        depth += opened
        yield from _with_space(token, depth)


def _with_space(token: str, depth: int) -> Iterator[str]:
    yield token
    if token == ",":
        yield _line(depth)
    elif token == ":":
        yield " "


def _line(depth: int) -> str:
    return "\n" + "  " * min(depth, _DEEPEST_INDENT)
