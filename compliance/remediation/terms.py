"""What findings can be asked for: the names of filters, and what their values may be. Everything else is nothing.

Addresses and the text box (``query.py``) are read by the same functions, so that both mean the same by a word.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from compliance.policy.environment import ENVIRONMENT
from compliance.policy.labels import canonical_labels
from compliance.remediation.status import Status
from scanner.domain.declared_base import base_name
from scanner.domain.verdict import Severity
from scanner.rulebook import RULES

STATUSES: Final = tuple(status.value for status in Status)
SEVERITIES: Final = tuple(severity.value for severity in Severity)
RULE_IDS: Final = tuple(rule.id for rule in RULES)
FLAGS: Final = ("protected", "unprotected", "regression", "baseline", "new-since-baseline")
DUES: Final = ("overdue", "week", "none")
"""Past its date; not yet, but within seven days; without a date."""
OPPOSITES: Final = {"protected": "unprotected", "unprotected": "protected"}
ME: Final = "me"
NOBODY: Final = "nobody"
SOMEBODY: Final = "somebody"
NO_TEAM: Final = "none"
NO_SUBJECT: Final = '""'
NO_BASE: Final = "none"
LONGEST_VALUE: Final = 4_000
"""Characters of a filter's value: the ids of the largest page."""

_SLUG = re.compile(r"[A-Za-z0-9_-]{1,60}", re.ASCII)
_REPOSITORY = re.compile(r"([A-Za-z0-9_-]{1,60})/([^\s\"]{1,255})", re.ASCII)
_TAG = re.compile(r"\w[\w.-]{0,127}", re.ASCII)
_USERNAME = re.compile(r"[\w.@+-]{1,150}")
_PLATFORM = re.compile(r"[\w/.:+-]{1,100}", re.ASCII)
_NUMBER = re.compile(r"[1-9][0-9]{0,8}", re.ASCII)
_IDS = re.compile(r"[1-9][0-9]{0,11}(?:,[1-9][0-9]{0,11}){0,249}", re.ASCII)
_DAYS = re.compile(r"([0-9]{1,4})d?", re.ASCII)
_AGE = re.compile(r"([<>])([0-9]{1,4})d?|([0-9]{1,4})-([0-9]{1,4})d?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Ages:
    """Whole days since a finding was opened: at least, and at most."""

    least: int
    most: int | None


def ages_of(value: str) -> Ages | None:
    """Read ``>14d``, ``<7d`` or ``8-30d``."""
    match = _AGE.fullmatch(value)
    if match is None:
        return None
    sign, days, least, most = match.groups()
    if sign == ">":
        return Ages(int(days) + 1, None)
    if sign == "<":
        return Ages(0, int(days) - 1) if int(days) else None
    return Ages(int(least), int(most)) if int(least) <= int(most) else None


def members_of(value: str, allowed: Sequence[str]) -> tuple[str, ...]:
    """The members of a canonical list; one that begins with ``-`` is all but these."""
    named = set(value.removeprefix("-").split(","))
    return tuple(each for each in allowed if (each in named) is not value.startswith("-"))


def split_repository(value: str) -> tuple[str, str]:
    """The slug of the registry and the name in it, of a canonical ``slug/name``."""
    slug, _, name = value.partition("/")
    return slug, name


def canonical(name: str, value: str) -> str:
    """The one spelling of a filter's value; nothing where the value is none."""
    read = TERMS.get(name)
    return read(value.strip()) if read else ""


def _list(allowed: Sequence[str], fold: Callable[[str], str] = str.lower) -> Callable[[str], str]:
    def read(value: str) -> str:
        sign = "-" if value.startswith("-") else ""
        named = {fold(each) for each in value.removeprefix("-").split(",")}
        if not named <= set(allowed) or (sign and len(named) == len(allowed)):
            return ""
        return sign + ",".join(each for each in allowed if each in named)

    return read


def _flags(value: str) -> str:
    return "" if value.startswith("-") else _list(FLAGS)(value)


def _one_of(allowed: Iterable[str]) -> Callable[[str], str]:
    known = frozenset(allowed)
    return lambda value: value.lower() if value.lower() in known else ""


def _like(pattern: re.Pattern[str]) -> Callable[[str], str]:
    return lambda value: value if pattern.fullmatch(value) and value.isprintable() else ""


def _age(value: str) -> str:
    if ages_of(value) is None:
        return ""
    if value[0] in "<>":
        return f"{value[0]}{int(value[1:].removesuffix('d'))}d"
    least, _, most = value.removesuffix("d").partition("-")
    return f"{int(least)}-{int(most)}d"


def _ids(value: str) -> str:
    return ",".join(sorted(set(value.split(",")), key=int)) if _IDS.fullmatch(value) else ""


def _subject(value: str) -> str:
    return value if len(value) <= 200 and value.isprintable() else ""


def _environment(value: str) -> str:
    return value.lower() if ENVIRONMENT.fullmatch(value.lower()) else ""


def _base(value: str) -> str:
    return NO_BASE if value.lower() == NO_BASE else base_name(value)


def _days(value: str) -> str:
    match = _DAYS.fullmatch(value)
    return f"{int(match[1])}d" if match and int(match[1]) else ""


def days_of(value: str) -> int:
    """Days of a canonical ``30d``: that many, the present one included."""
    return int(value.removesuffix("d"))


PAST: Final = ("opened", "fixed", "reopened")
"""What happened to findings within so many days, whatever their status is now."""

TERMS: Final[Mapping[str, Callable[[str], str]]] = {
    "status": _list(STATUSES),
    "severity": _list(SEVERITIES),
    "rule": _list(RULE_IDS, str.upper),
    "team": _like(_SLUG),
    "repository": _like(_REPOSITORY),
    "tag": _like(_TAG),
    "registry": _like(_SLUG),
    "environment": _environment,
    "label": canonical_labels,
    "base": _base,
    "assignee": _like(_USERNAME),
    "is": _flags,
    "due": _one_of(DUES),
    "age": _age,
    "subject": _subject,
    "opened": _days,
    "fixed": _days,
    "reopened": _days,
    "platform": _like(_PLATFORM),
    "waiver": _like(_NUMBER),
    "id": _ids,
}
"""Every filter but the text, in the order of canonical addresses."""
