"""Which columns of the large lists somebody looks at, and how close the rows stand.

What is *hidden* is kept, so a column that a later release brings is shown to who chose before. What a row is called is
no column here: it cannot be hidden.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from compliance.models import Density, User

_OF_TAGS: Final = {
    "verdict": "Verdict",
    "runs_as": "Runs as",
    "platforms": "Platforms",
    "rules": "Rules broken",
    "digest": "Digest",
    "size": "Size",
    "moved": "Moved",
}
LISTS: Final[Mapping[str, Mapping[str, str]]] = {
    "findings": {
        "severity": "Severity",
        "repository": "Repository",
        "status": "Status",
        "who": "Assigned to",
        "found": "Found",
        "due": "Due",
        "tags": "Tags",
        "seen": "Last seen",
    },
    "repositories": {
        "team": "Team",
        "verdict": "Verdict",
        "grade": "Grade",
        "passed": "Tags that pass",
        "findings": "Findings",
        "month": "30 days",
        "change": "Δ 7 days",
        "latest": "Latest tag",
        "pushed": "Pushed",
        "scanned": "Scanned",
        "labels": "Labels",
    },
    "tags": _OF_TAGS,
    "repository": {**_OF_TAGS, "moved": "Moved here", "scanned": "Scanned", "built": "Built"},
}
"""By the name of a list's URL: the columns that can be hidden, with what stands above them."""
HIDDEN_AT_FIRST: Final[Mapping[str, frozenset[str]]] = {"repository": frozenset({"digest"})}
"""What is left out for who has chosen nothing yet: the table would not fit beside the times; a row's menu has it."""
NAMES: Final[Mapping[str, str]] = {
    "findings": "Findings",
    "repositories": "Repositories",
    "tags": "Tags",
    "repository": "Tags of a repository",
}
DENSITIES: Final[Mapping[str, str]] = {str(choice): str(choice.label) for choice in Density}


@dataclass(frozen=True, slots=True)
class Columns:
    """What the chooser of a list offers, and what the list shows.

    :param shown: for each column that can be hidden, whether it is shown.
    """

    list: str
    shown: Mapping[str, bool]
    density: str

    @property
    def choices(self) -> tuple[tuple[str, str, bool], ...]:
        """Key and label of each column, and whether it is shown."""
        return tuple((key, label, self.shown[key]) for key, label in LISTS[self.list].items())

    @property
    def densities(self) -> Mapping[str, str]:
        """How rows may stand."""
        return DENSITIES


@dataclass(frozen=True, slots=True)
class Hidden:
    """How many columns somebody does not see in a list."""

    list: str
    name: str
    count: int


def columns_of(person: User, name: str) -> Columns:
    """What somebody chose for a list; no query, the person is loaded."""
    hidden = frozenset(person.hidden_columns.get(name, HIDDEN_AT_FIRST.get(name, ())))
    return Columns(name, {key: key not in hidden for key in LISTS[name]}, person.density)


def hidden_of(person: User) -> tuple[Hidden, ...]:
    """The lists in which somebody does not see something."""
    counts = {name: sum(not shown for shown in columns_of(person, name).shown.values()) for name in LISTS}
    return tuple(Hidden(name, NAMES[name], count) for name, count in counts.items() if count)
