"""Days of waivers, in time zones on both sides of UTC."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from compliance.remediation.waiver_dates import day_of, end_of, last_day, presets, zone_of

EVENING = datetime(2026, 3, 10, 23, 30, tzinfo=UTC)
ZONES = ["UTC", "Pacific/Kiritimati", "Pacific/Pago_Pago", "Europe/Berlin", "Asia/Kathmandu"]


@pytest.mark.parametrize(
    ("zone", "day", "end"),
    [
        ("UTC", date(2026, 3, 10), datetime(2026, 3, 10, 23, 59, 59, tzinfo=UTC)),
        ("Europe/Berlin", date(2026, 3, 11), datetime(2026, 3, 11, 22, 59, 59, tzinfo=UTC)),
        ("America/New_York", date(2026, 3, 10), datetime(2026, 3, 11, 3, 59, 59, tzinfo=UTC)),
        ("Nowhere/At_All", date(2026, 3, 10), datetime(2026, 3, 10, 23, 59, 59, tzinfo=UTC)),
        ("../etc/passwd", date(2026, 3, 10), datetime(2026, 3, 10, 23, 59, 59, tzinfo=UTC)),
    ],
)
def test_a_day_counts_to_its_end_where_the_person_is(zone: str, day: date, end: datetime) -> None:
    assert day_of(EVENING, zone) == day
    assert end_of(day, zone) == end
    assert end_of(day, zone).tzinfo is UTC


@pytest.mark.parametrize("name", ["", "Nowhere/At_All", "../etc/passwd", "Europe", "\x00"])
def test_what_is_no_zone_is_utc(name: str) -> None:
    assert zone_of(name).key == "UTC"


def test_the_last_day_there_is_ends_before_there_is_no_other() -> None:
    assert end_of(date.max, "America/New_York") == datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)


@given(st.dates(date(2020, 1, 1), date(2040, 1, 1)), st.sampled_from(ZONES))
def test_the_end_of_a_day_is_in_it(day: date, zone: str) -> None:
    assert day_of(end_of(day, zone), zone) == day


@pytest.mark.parametrize(
    ("most", "offered"),
    [
        (180, [("30 days", date(2026, 4, 9)), ("90 days", date(2026, 6, 8)), ("180 days", date(2026, 9, 6))]),
        (91, [("30 days", date(2026, 4, 9)), ("90 days", date(2026, 6, 8)), ("91 days", date(2026, 6, 9))]),
        (90, [("30 days", date(2026, 4, 9)), ("90 days", date(2026, 6, 8))]),
        (30, [("30 days", date(2026, 4, 9))]),
        (1, [("1 day", date(2026, 3, 11))]),
    ],
)
def test_the_last_of_the_offers_is_the_longest(most: int, offered: list[tuple[str, date]]) -> None:
    longest = (f"{offered[-1][0]}, the longest", offered[-1][1])
    assert presets(EVENING, most, "UTC") == (*offered[:-1], longest)
    assert last_day(EVENING, most, "UTC") == longest[1]


def test_days_begin_where_the_person_is() -> None:
    assert last_day(EVENING, 30, "Europe/Berlin") == date(2026, 4, 10)
    assert presets(EVENING, 30, "Europe/Berlin") == (("30 days, the longest", date(2026, 4, 10)),)
