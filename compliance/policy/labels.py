"""Labels that people give to repositories: short words, the same in forms, addresses and the search box.

They are apart from the labels that images carry, which ``compliance.policy.ownership`` reads.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

MOST_GIVEN: Final = 20
"""Labels of one repository."""
LONGEST_GIVEN: Final = 40
GRAMMAR: Final = f"A label is 1 to {LONGEST_GIVEN} of the characters a-z, 0-9, “.”, “_”, “-” and “/”."

_LABEL: Final = re.compile(rf"[a-z0-9._/-]{{1,{LONGEST_GIVEN}}}", re.ASCII)
_BETWEEN: Final = re.compile(r"[\s,]+")
_LONGEST_SHOWN: Final = 60


class InvalidLabel(ValueError):
    """What was entered is no label, or they are too many; in words for whoever entered it."""


@dataclass(frozen=True, slots=True)
class Relabel:
    """What is done to the labels of a repository: so, two people who do it at once both get what they asked for."""

    add: frozenset[str] = frozenset()
    remove: frozenset[str] = frozenset()

    def of(self, labels: Iterable[str]) -> tuple[str, ...]:
        """The labels after it, in their order."""
        return tuple(sorted(set(labels) - self.remove | self.add))

    @property
    def undone(self) -> Relabel:
        """What takes it back where all of it was done."""
        return Relabel(self.remove, self.add)


def parse_label(text: str) -> str:
    """Read one label; capital letters count as small ones.

    :raises InvalidLabel: when it is none.
    """
    label = text.strip().lower()
    if not _LABEL.fullmatch(label):
        said = f"“{_shown(text)}” is no label. " if label else ""
        raise InvalidLabel(f"{said}{GRAMMAR}")
    return label


def parse_labels(text: str) -> tuple[str, ...]:
    """Read labels that stand between blanks or commas, in their order, each once.

    :raises InvalidLabel: when one of them is none, or they are too many.
    """
    labels = {parse_label(each) for each in _BETWEEN.split(text.strip(" \t\r\n,")) if each}
    if len(labels) > MOST_GIVEN:
        raise InvalidLabel(f"A repository has up to {MOST_GIVEN} labels; these are {len(labels)}.")
    return tuple(sorted(labels))


def canonical_labels(text: str) -> str:
    """The one spelling of a filter by labels, with commas between; nothing where it is none."""
    try:
        return ",".join(parse_labels(text))
    except InvalidLabel:
        return ""


def _shown(text: str) -> str:
    printable = "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text.strip())
    return printable if len(printable) <= _LONGEST_SHOWN else f"{printable[: _LONGEST_SHOWN - 1]}…"
