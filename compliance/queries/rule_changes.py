"""The days on which other rules began to count, read from what the daily snapshots were judged by.

Closed days never change, so what they say is kept in Django's cache like the fleet's sums.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from itertools import pairwise

from django.core.cache import caches
from django.db.models import Max, QuerySet

from compliance.models import DailySnapshot

_CACHE_SECONDS = 3_600


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


_Versions = dict[date, frozenset[VersionName]]


def policy_changes_of(rows: QuerySet[DailySnapshot], start: date, *, today: date) -> tuple[PolicyChange, ...]:
    """The days after ``start`` on which another policy version began to count in some snapshots, oldest first."""
    return _changes_of(_versions_by_day(rows.filter(day__gte=start, day__lte=today)))


def policy_changes(start: date, *, today: date, newest: int | None = None) -> tuple[PolicyChange, ...]:
    """The same of the fleet, where a version counts from the first repository it judges.

    :param newest: the newest closed snapshot, where the caller has asked for it.
    """
    rows = DailySnapshot.objects.filter(day__gte=start, day__lte=today)
    key = f"policy-changes:{start:%Y%m%d}:{today:%Y%m%d}:{newest_closed(today) if newest is None else newest}"
    found: _Versions | None = caches["process"].get(key)
    if found is None:
        found = _versions_by_day(rows.filter(day__lt=today, closed=True))
        caches["process"].set(key, found, _CACHE_SECONDS)
    return _changes_of(found | _versions_by_day(rows.filter(day=today)))


def newest_closed(today: date) -> int | None:
    """The newest closed snapshot: every process has its own cache, and it alone tells of a day closed late."""
    newest: int | None = DailySnapshot.objects.filter(day__lt=today, closed=True).aggregate(newest=Max("pk"))["newest"]
    return newest


def _versions_by_day(rows: QuerySet[DailySnapshot]) -> _Versions:
    found: dict[date, set[VersionName]] = {}
    columns = ("day", "policy_version__policy__name", "policy_version__number")
    for day, policy, number in rows.order_by().values_list(*columns).distinct():
        found.setdefault(day, set()).add(VersionName(policy, number))
    return {day: frozenset(found[day]) for day in sorted(found)}


def _changes_of(by_day: _Versions) -> tuple[PolicyChange, ...]:
    began = [(day, versions - before) for (_, before), (day, versions) in pairwise(by_day.items())]
    return tuple(PolicyChange(day, tuple(sorted(versions, key=str))) for day, versions in began if versions)
