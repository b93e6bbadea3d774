"""Weeks as people are told of them: from Monday at eight to Monday at eight where they are."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import Final

from compliance.policy.schedule import InvalidSchedule, zone_named

DIGEST_HOUR: Final = time(8)
"""On Mondays."""

_WEEK: Final = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Week:
    """From one Monday morning to the next, which are not always 168 hours apart.

    :param monday: the day it ends on. It is everybody's, so it names the week also for who moves to another zone.
    """

    begins: datetime
    ends: datetime
    monday: date


def latest_week(now: datetime, zone: tzinfo) -> Week:
    """The last one that is over in a time zone."""
    today = now.astimezone(zone).date()
    monday = today - timedelta(days=today.weekday())
    if datetime.combine(monday, DIGEST_HOUR, zone) > now:
        monday -= _WEEK
    begins, ends = (datetime.combine(day, DIGEST_HOUR, zone) for day in (monday - _WEEK, monday))
    return Week(begins.astimezone(UTC), ends.astimezone(UTC), monday)


def zone_of(name: str) -> tzinfo:
    """A zone that is no more is UTC."""
    try:
        return zone_named(name)
    except InvalidSchedule:
        return UTC
