"""Mondays at eight, also where the clock changes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, tzinfo
from zoneinfo import ZoneInfo

import pytest

from compliance.policy.weeks import latest_week, zone_of

BERLIN, NEW_YORK = ZoneInfo("Europe/Berlin"), ZoneInfo("America/New_York")


@pytest.mark.parametrize(
    ("zone", "now", "monday", "hours"),
    [
        (UTC, datetime(2026, 3, 9, 8, 0, tzinfo=UTC), datetime(2026, 3, 9, 8, tzinfo=UTC), 168),
        (UTC, datetime(2026, 3, 9, 7, 59, tzinfo=UTC), datetime(2026, 3, 2, 8, tzinfo=UTC), 168),
        (UTC, datetime(2026, 3, 15, 23, 59, tzinfo=UTC), datetime(2026, 3, 9, 8, tzinfo=UTC), 168),
        # Clocks in Berlin go forward on Sunday, 29 March 2026, and back on Sunday, 25 October.
        (BERLIN, datetime(2026, 3, 30, 5, 59, tzinfo=UTC), datetime(2026, 3, 23, 7, tzinfo=UTC), 168),
        (BERLIN, datetime(2026, 3, 30, 6, 0, tzinfo=UTC), datetime(2026, 3, 30, 6, tzinfo=UTC), 167),
        (BERLIN, datetime(2026, 10, 26, 7, 0, tzinfo=UTC), datetime(2026, 10, 26, 7, tzinfo=UTC), 169),
        # It is Sunday still in New York, and Tuesday already on Kiritimati.
        (NEW_YORK, datetime(2026, 3, 9, 3, 0, tzinfo=UTC), datetime(2026, 3, 2, 13, tzinfo=UTC), 168),
        (
            ZoneInfo("Pacific/Kiritimati"),
            datetime(2026, 3, 9, 12, 0, tzinfo=UTC),
            datetime(2026, 3, 8, 18, tzinfo=UTC),
            168,
        ),
    ],
)
def test_mondays_at_eight(zone: tzinfo, now: datetime, monday: datetime, hours: int) -> None:
    week = latest_week(now, zone)
    assert (week.ends, week.ends - week.begins) == (monday, timedelta(hours=hours))
    assert week.monday == week.ends.astimezone(zone).date()
    assert week.monday.weekday() == 0


def test_a_zone_that_is_no_more() -> None:
    assert zone_of("Asia/Tokyo") == ZoneInfo("Asia/Tokyo")
    assert zone_of("Mars/Phobos") is UTC
