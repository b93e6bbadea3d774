"""When a registry is scanned next.

A cron expression is read as Debian's cron reads it: a time that the clock skips in spring comes right after the gap, a
time that it passes twice in autumn counts the first time, and what repeats within the hour goes by real time.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from itertools import count
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from cronsim import CronSim, CronSimError

LONGEST_CRON = 100
LONGEST_INTERVAL = 366 * 24 * 60
"""Minutes."""

_MOST_CRON_JITTER = timedelta(minutes=1)
_MOST_SLOT = timedelta(minutes=5)
_SLOTS_PER_INTERVAL = 20
_EPOCH = datetime(2000, 1, 1, tzinfo=UTC)
_ZONE = re.compile(r"[A-Za-z][A-Za-z0-9_+-]*(/[A-Za-z0-9_+-]+){0,2}", re.ASCII)
_NEVER = "This never comes, for example on the 30th of February."


@dataclass(frozen=True, slots=True)
class Schedule:
    """By interval, or by a cron expression of five fields, which counts instead.

    :param interval_minutes: 0: only when asked for.
    :param time_zone: IANA name, of the cron expression and the quiet hours.
    :param quiet_from: no scheduled scan begins from here until ``quiet_until``, which may be the next day.
    """

    interval_minutes: int = 60
    cron: str = ""
    time_zone: str = "UTC"
    quiet_from: time | None = None
    quiet_until: time | None = None


class InvalidSchedule(ValueError):
    """A schedule that names no time."""


def next_scan(schedule: Schedule, after: datetime, seed: str) -> datetime | None:
    """When the next scan is to begin; ``None``: when somebody asks.

    A thousand registries of one schedule do not begin at once: each has a place of its own, up to a minute after the
    times of a cron expression, or within 5 % of an interval and 5 minutes. Within these, intervals do not drift.

    :param after: when the last one was asked for, or now. Times that were missed in between are not made up for.
    :param seed: what names the registry for ever.
    :raises InvalidSchedule: see ``schedule_problems``.
    """
    if not schedule.cron and not schedule.interval_minutes:
        return None
    own = _own_place(schedule, seed)
    if schedule.cron:
        due = _cron_time(schedule.cron, (after - own).astimezone(zone_named(schedule.time_zone))) + own
    else:
        interval = timedelta(minutes=schedule.interval_minutes)
        due = _nearest_slot(after + interval, _slot(interval), own)
    return outside_quiet_hours(schedule, due, seed)


def outside_quiet_hours(schedule: Schedule, moment: datetime, seed: str) -> datetime:
    """The moment itself or, where that is in the quiet hours, a time soon after their end.

    :raises InvalidSchedule: see ``schedule_problems``.
    """
    zone = zone_named(schedule.time_zone)
    if not _is_quiet(schedule, moment, zone):
        return moment.astimezone(UTC)
    end = _end_of_quiet(schedule, moment, zone)
    # Their end is a time that many share, so everybody's own place counts after it too, where that is not quiet again.
    apart = end + _own_place(schedule, seed)
    return end if _is_quiet(schedule, apart, zone) else apart


def schedule_problems(schedule: Schedule) -> dict[str, str]:
    """What is wrong, by the name of the field, in sentences for whoever filled in the form."""
    found: dict[str, str] = {}
    if not 0 <= schedule.interval_minutes <= LONGEST_INTERVAL:
        found["interval_minutes"] = f"Enter 0 to {LONGEST_INTERVAL:,} minutes, which is a year."
    try:
        zone_named(schedule.time_zone)
    except InvalidSchedule as error:
        found["time_zone"] = str(error)
    if schedule.cron:
        try:
            _cron_time(schedule.cron, _EPOCH)
        except InvalidSchedule as error:
            found["cron"] = str(error)
    if schedule.quiet_from is not None and schedule.quiet_until is None:
        found["quiet_until"] = "Say when the quiet hours end."
    elif schedule.quiet_from is None and schedule.quiet_until is not None:
        found["quiet_from"] = "Say when the quiet hours begin."
    elif schedule.quiet_from is not None and schedule.quiet_from == schedule.quiet_until:
        found["quiet_until"] = "Quiet hours that end when they begin leave no time for a scan."
    return found


def zone_named(name: str) -> ZoneInfo:
    """Find a time zone.

    :raises InvalidSchedule: when there is none of this name.
    """
    try:
        # The pattern first: a name is a path below the zones' folder.
        if len(name) <= 64 and _ZONE.fullmatch(name):
            return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):  # OSError: the name of a folder, such as Europe
        pass
    raise InvalidSchedule("There is no such time zone. Write its IANA name, for example Europe/Berlin or UTC.")


def schedule_sentence(schedule: Schedule) -> str:
    """The schedule in words, for example ``every day at 03:00 Europe/Berlin, not between 08:00 and 18:00``."""
    if not schedule.cron and not schedule.interval_minutes:
        return "only when somebody asks"
    when = f"{_cron_words(schedule.cron)} {schedule.time_zone}" if schedule.cron else _every(schedule.interval_minutes)
    if schedule.quiet_from is None or schedule.quiet_until is None:
        return when
    quiet = f"{when}, not between {schedule.quiet_from:%H:%M} and {schedule.quiet_until:%H:%M}"
    return quiet if schedule.cron else f"{quiet} {schedule.time_zone}"


def _share(seed: str) -> float:
    """Of a registry's own, in [0, 1)."""
    return int.from_bytes(hashlib.sha256(seed.encode()).digest()[:4], "big") / 2**32


def _own_place(schedule: Schedule, seed: str) -> timedelta:
    """How long after a time that many share this registry has its own."""
    most = _MOST_CRON_JITTER if schedule.cron else _slot(timedelta(minutes=schedule.interval_minutes))
    return _share(seed) * most


def _slot(interval: timedelta) -> timedelta:
    """An interval's twentieth, or the part of it that is just under 5 minutes; intervals are whole numbers of slots."""
    return interval / max(_SLOTS_PER_INTERVAL, -(-interval // _MOST_SLOT))


def _nearest_slot(wanted: datetime, slot: timedelta, own: timedelta) -> datetime:
    """Whoever asks some seconds late, as ticks do, still gets the time that is one interval after the last."""
    since = wanted - _EPOCH - own
    return _EPOCH + own + slot * ((since + slot / 2) // slot)


def _cron_time(cron: str, after: datetime) -> datetime:
    if len(cron) > LONGEST_CRON or not cron.isascii() or len(cron.split()) != 5:
        raise InvalidSchedule("Write five fields: minute, hour, day of the month, month, day of the week.")
    try:
        # Where the clock is turned back, cronsim may name the first of two equal times, which is over.
        times = (found.astimezone(UTC) for found in CronSim(cron, after))
        return next(found for found in times if found > after.astimezone(UTC))
    except CronSimError as error:
        raise InvalidSchedule(f"This is no cron expression: {_lower_first(str(error))}.") from error
    except StopIteration as error:
        raise InvalidSchedule(_NEVER) from error


def _lower_first(text: str) -> str:
    return text[:1].lower() + text[1:]


def _is_quiet(schedule: Schedule, moment: datetime, zone: ZoneInfo) -> bool:
    begin, end = schedule.quiet_from, schedule.quiet_until
    if begin is None or end is None:
        return False
    now = moment.astimezone(zone).time()
    return begin <= now < end if begin <= end else now >= begin or now < end


def _end_of_quiet(schedule: Schedule, moment: datetime, zone: ZoneInfo) -> datetime:
    """The first minute after ``moment`` that is not quiet: by the wall's clock, whatever it does that night."""
    begin = moment.astimezone(UTC).replace(second=0, microsecond=0)
    minutes = (begin + timedelta(minutes=number) for number in count(1))
    return next(later for later in minutes if not _is_quiet(schedule, later, zone))


def _cron_words(cron: str) -> str:
    """Times of every day as people say them; the rest as cronsim explains it."""
    words = CronSim(cron, _EPOCH).explain()
    at = re.fullmatch(r"At (\d\d:\d\d(?: and \d\d:\d\d)?) every day", words)
    return f"every day at {at[1]}" if at else _lower_first(words)


def _every(minutes: int) -> str:
    for size, name in ((24 * 60, "day"), (60, "hour"), (1, "minute")):
        if minutes % size == 0:
            number = minutes // size
            return f"every {name}" if number == 1 else f"every {number:,} {name}s"
    raise AssertionError("every number is a multiple of one")
