"""Days of waivers and due dates: a person chooses one, in the person's time zone, and it counts to its end."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

PRESETS: Final = (30, 90)
"""Days that are offered beside the longest."""

_LAST_SECOND = time(23, 59, 59)


def zone_of(name: str) -> ZoneInfo:
    """A time zone; UTC where this machine does not know it."""
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        return ZoneInfo("UTC")


def end_of(day: date, zone: str) -> datetime:
    """The last second of a day in a time zone, in UTC; of the last there is, wherever that is."""
    moment = datetime.combine(day, _LAST_SECOND, tzinfo=zone_of(zone))
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        return moment.replace(tzinfo=UTC)


def day_of(moment: datetime, zone: str) -> date:
    """The day a moment falls on in a time zone."""
    return moment.astimezone(zone_of(zone)).date()


def last_day(now: datetime, most_days: int, zone: str) -> date:
    """The last day that may be chosen."""
    return day_of(now, zone) + timedelta(days=most_days)


def days_in_words(count: int) -> str:
    """``1 day``, ``30 days``."""
    return f"{count} day{'' if count == 1 else 's'}"


def presets(now: datetime, most_days: int, zone: str) -> tuple[tuple[str, date], ...]:
    """Days to choose with a click, with what they are called; the longest is the last."""
    today = day_of(now, zone)
    shorter = tuple((f"{days} days", today + timedelta(days=days)) for days in PRESETS if days < most_days)
    return (*shorter, (f"{days_in_words(most_days)}, the longest", today + timedelta(days=most_days)))
