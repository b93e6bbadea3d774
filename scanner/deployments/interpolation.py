"""``${VARIABLE}`` in Compose files, of which only the file is at hand, not the environment.

Source: compose-go ``template``. A default is taken, because it is what the file says; a variable without one is unknown
(Compose would put an empty text there, and warn).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from scanner.domain.printable import printable

_DEEPEST = 10
_OPERATORS = (":-", ":?", ":+", "-", "?", "+")
_NAME_START = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_")
_NAME = _NAME_START | frozenset("0123456789")


@dataclass(slots=True)
class Interpolated:
    """A value with its variables replaced.

    :param text: ``None`` where a variable without a default stands in it, or it is malformed.
    :param unknown: names of such variables.
    :param assumed: ``NAME=default`` for each default that was taken.
    """

    text: str | None
    unknown: list[str] = field(default_factory=list)
    assumed: list[str] = field(default_factory=list)
    malformed: bool = False


def interpolate(text: str) -> Interpolated:
    """Replace what can be replaced."""
    found = Interpolated(text)
    if "$" not in text:
        return found
    written = "".join(_pieces(text, found, 0))
    found.text = None if found.unknown or found.malformed else written
    return found


def _pieces(text: str, found: Interpolated, depth: int) -> Iterator[str]:
    at = 0
    while at < len(text):
        dollar = text.find("$", at)
        if dollar < 0 or dollar + 1 == len(text):
            # A lone dollar at the end is no variable, and compose-go refuses it.
            found.malformed = found.malformed or dollar >= 0
            yield text[at:]
            return
        yield text[at:dollar]
        following = text[dollar + 1]
        if following == "$":
            yield "$"
            at = dollar + 2
        elif following == "{":
            end = _closing(text, dollar + 2)
            yield _braced(text[dollar + 2 : end], found, depth)
            at = end + 1
        else:
            at = _name_end(text, dollar + 1)
            _unknown(text[dollar + 1 : at], found)


def _closing(text: str, start: int) -> int:
    """Where the brace of a variable closes; behind the end where it does not."""
    depth, at = 1, start
    while at < len(text):
        if text.startswith("${", at):
            depth, at = depth + 1, at + 1
        elif text[at] == "}":
            depth -= 1
            if depth == 0:
                return at
        at += 1
    return len(text) + 1


def _braced(inside: str, found: Interpolated, depth: int) -> str:
    end = _name_end(inside, 0)
    name, rest = inside[:end], inside[end:]
    operator = next((known for known in _OPERATORS if rest.startswith(known)), "")
    if depth >= _DEEPEST or not name or (rest and not operator):
        found.malformed = True
        return ""
    if operator in (":-", "-"):
        found.assumed.append(printable(f"{name}={rest[len(operator) :]}", longest=200))
        return "".join(_pieces(rest[len(operator) :], found, depth + 1))
    if operator in (":+", "+"):
        found.assumed.append(printable(f"{name}=", longest=200))
        return ""
    _unknown(name, found)
    return ""


def _unknown(name: str, found: Interpolated) -> None:
    if name:
        found.unknown.append(printable(name, longest=100))
    else:
        found.malformed = True


def _name_end(text: str, start: int) -> int:
    if start >= len(text) or text[start] not in _NAME_START:
        return start
    at = start
    while at < len(text) and text[at] in _NAME:
        at += 1
    return at
