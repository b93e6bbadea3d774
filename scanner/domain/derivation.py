"""How an answer came about, step by step, for people."""

from __future__ import annotations

from dataclasses import dataclass, field

_LONGEST_QUOTE = 200


@dataclass(frozen=True, slots=True)
class Step:
    """One step of the derivation, for people.

    :param text: one sentence: ``"app" is not a number, so it is looked up by name in /etc/passwd``.
    :param path: the file it looked at, ``line`` the 1-based line that decided, ``quote`` that line.
    """

    text: str
    path: str | None = None
    line: int | None = None
    quote: str | None = None


class StartRefused(Exception):
    """The runtime does not start the container; the message is its own words."""


@dataclass(slots=True)
class Trail:
    """The steps taken so far, in order."""

    steps: list[Step] = field(default_factory=list)

    def say(self, text: str) -> None:
        """Add a step that looked at no file."""
        self.steps.append(Step(text))

    def show(self, text: str, path: str, line: int, quote: str) -> None:
        """Add a step that a line of a file decided."""
        shown = quote if len(quote) <= _LONGEST_QUOTE else quote[:_LONGEST_QUOTE] + "…"
        self.steps.append(Step(text, path, line, shown))
