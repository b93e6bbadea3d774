"""The days on which other rules began to count, read from what the daily snapshots were judged by."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from itertools import pairwise


@dataclass(frozen=True, slots=True)
class VersionName:
    """A policy version, as a link to it needs it."""

    policy: str
    number: int

    def __str__(self) -> str:
        return f"{self.policy} v{self.number}"


@dataclass(frozen=True, slots=True)
class PolicyChange:
    """A day from which on other rules counted: numbers before and after it do not compare.

    :param versions: those that began to count; a repository has one.
    """

    day: date
    versions: tuple[VersionName, ...]


def policy_changes(counted: Mapping[date, frozenset[VersionName]]) -> tuple[PolicyChange, ...]:
    """The days on which a version began to count that did not the day before, oldest first; the first is none.

    :param counted: the versions that counted on each day.
    """
    days = [(day, counted[day]) for day in sorted(counted)]
    began = [(day, versions - before) for (_, before), (day, versions) in pairwise(days)]
    return tuple(PolicyChange(day, tuple(sorted(versions, key=str))) for day, versions in began if versions)
