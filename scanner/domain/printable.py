"""Strings from images, made safe to show.

Names, paths and account lines come from whoever built the image. They may hold NUL (which Postgres refuses), terminal
escapes, bidirectional overrides that make one name look like another, or bytes that are not UTF-8 (which arrive as
lone surrogates and cannot be encoded again). Everything a person could not see is written as an escape instead.
"""

from __future__ import annotations

_LONGEST = 2_000
_ELLIPSIS = "…"


def printable(text: str, *, keep_lines: bool = False, longest: int | None = None) -> str:
    """Write every character that cannot be seen as a Python-style escape.

    :param keep_lines: leave line feeds alone, for text of several lines that we wrote ourselves.
    :param longest: characters after which the text is cut with an ellipsis.
    """
    if not (text.isprintable() or (keep_lines and text.replace("\n", "").isprintable())):
        text = "".join(_visible(character, keep_lines=keep_lines) for character in text)
    if longest is not None and len(text) > longest:
        return text[: longest - 1] + _ELLIPSIS
    return text


def quoted(text: str) -> str:
    """A string from an image as Markdown inline code, cut to a readable length."""
    shown = printable(text, longest=200)
    if not shown:
        return '`""`'
    # A fence longer than any run of backticks inside cannot be closed from within (CommonMark 6.1).
    longest_run = max((len(run) for run in _backtick_runs(shown)), default=0)
    fence = "`" * (longest_run + 1)
    pad = " " if shown.startswith(("`", " ")) or shown.endswith(("`", " ")) else ""
    return f"{fence}{pad}{shown}{pad}{fence}"


def safe_evidence(value: str | int | None) -> str | int | None:
    """One evidence value, ready to be stored or shown."""
    return printable(value, longest=_LONGEST) if isinstance(value, str) else value


def _visible(character: str, *, keep_lines: bool) -> str:
    if character.isprintable() or (keep_lines and character == "\n"):
        return character
    code = ord(character)
    if 0xDC80 <= code <= 0xDCFF:  # surrogateescape: one byte that is not UTF-8
        return f"\\x{code - 0xDC00:02x}"
    return character.encode("unicode_escape", "surrogatepass").decode("ascii")


def _backtick_runs(text: str) -> list[str]:
    runs, current = [], ""
    for character in text:
        if character == "`":
            current += character
        elif current:
            runs.append(current)
            current = ""
    return [*runs, current]
