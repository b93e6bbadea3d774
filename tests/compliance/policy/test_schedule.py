from __future__ import annotations

from datetime import UTC, datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from compliance.policy import schedule as module
from compliance.policy.schedule import InvalidSchedule, Schedule, next_scan, schedule_problems, schedule_sentence

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
BERLIN = "Europe/Berlin"


@pytest.fixture
def punctual(monkeypatch: pytest.MonkeyPatch) -> None:
    """A registry whose own place is the first."""
    monkeypatch.setattr(module, "_share", lambda _: 0.0)


def _utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


# Berlin: 02:00 is followed by 03:00 on 2026-03-29, at 01:00 UTC; 03:00 by 02:00 on 2026-10-25, at 01:00 UTC.
CRON = [
    ("0 3 * * *", "UTC", "2026-03-01T12:00", "2026-03-02T03:00"),
    ("0 3 * * *", BERLIN, "2026-03-28T12:00", "2026-03-29T01:00"),
    ("0 3 * * *", BERLIN, "2026-03-29T12:00", "2026-03-30T01:00"),
    ("30 2 * * *", BERLIN, "2026-03-28T12:00", "2026-03-29T01:00"),  # 02:30 does not exist that night
    ("30 2 * * *", BERLIN, "2026-03-29T01:00", "2026-03-30T00:30"),
    ("30 2 * * *", BERLIN, "2026-10-24T12:00", "2026-10-25T00:30"),  # the first of two
    ("30 2 * * *", BERLIN, "2026-10-25T00:30", "2026-10-26T01:30"),  # and not the second
    ("30 2 * * *", BERLIN, "2026-10-25T01:10", "2026-10-26T01:30"),  # asked at the second 02:10
    ("*/30 * * * *", BERLIN, "2026-10-25T00:30", "2026-10-25T01:00"),
    ("*/30 * * * *", BERLIN, "2026-03-29T00:45", "2026-03-29T01:00"),
    ("0 */6 * * *", BERLIN, "2026-10-24T22:00", "2026-10-25T05:00"),
    ("0 12 * * SUN", "America/New_York", "2026-03-01T12:00", "2026-03-01T17:00"),
    ("0 0 29 2 *", "UTC", "2026-03-01T12:00", "2028-02-29T00:00"),
    ("0 0 * * *", "Pacific/Kiritimati", "2026-03-01T12:00", "2026-03-02T10:00"),
]


@pytest.mark.parametrize(("cron", "zone", "after", "due"), CRON)
@pytest.mark.usefixtures("punctual")
def test_cron(cron: str, zone: str, after: str, due: str) -> None:
    assert next_scan(Schedule(cron=cron, time_zone=zone), _utc(after), "r") == _utc(due)


def test_only_when_asked_for() -> None:
    assert next_scan(Schedule(interval_minutes=0), NOON, "r") is None


@given(st.integers(1, 60 * 24 * 7), st.text(max_size=9))
def test_an_interval_does_not_drift(minutes: int, seed: str) -> None:
    schedule, interval = Schedule(minutes), timedelta(minutes=minutes)

    first = next_scan(schedule, NOON, seed)
    assert first is not None
    assert abs(first - NOON - interval) <= min(interval / 20, timedelta(minutes=5)) / 2 + timedelta(milliseconds=1)
    late = next_scan(schedule, first + min(interval / 20, timedelta(minutes=5)) / 3, seed)
    assert late is not None
    assert abs(late - first - interval) < timedelta(milliseconds=1)


def test_a_thousand_registries_begin_apart() -> None:
    hourly = {next_scan(Schedule(60), NOON, f"registry-{number}") for number in range(1_000)}
    nightly = {next_scan(Schedule(cron="0 3 * * *"), NOON, f"registry-{number}") for number in range(1_000)}

    assert len(hourly) == len(nightly) == 1_000
    assert {due.minute for due in nightly if due} == {0}
    again = {next_scan(Schedule(cron="0 3 * * *"), due, "registry-7") for due in nightly if due}
    assert len(again) == 2  # that night's and the next's: nobody is called twice by one time of the expression


QUIET = [
    (time(8), time(18), "UTC", "2026-03-01T12:00", "2026-03-01T18:00"),
    (time(22), time(6), "UTC", "2026-03-01T23:00", "2026-03-02T06:00"),
    (time(22), time(6), "UTC", "2026-03-02T03:00", "2026-03-02T06:00"),
    (time(22), time(6), "UTC", "2026-03-01T06:00", "2026-03-01T06:00"),
    (time(22), time(6), "UTC", "2026-03-01T22:00", "2026-03-02T06:00"),
    (time(8), time(18), BERLIN, "2026-07-01T06:00", "2026-07-01T16:00"),
    (time(8), time(18), BERLIN, "2026-07-01T05:59", "2026-07-01T05:59"),
    (time(1), time(2, 30), BERLIN, "2026-03-29T00:30", "2026-03-29T01:00"),  # ends with the gap
    (time(1), time(2, 30), BERLIN, "2026-10-25T00:10", "2026-10-25T00:30"),
    (time(1), time(2, 30), BERLIN, "2026-10-25T01:10", "2026-10-25T01:30"),  # the second 02:10
]


@pytest.mark.parametrize(("begin", "end", "zone", "wanted", "due"), QUIET)
@pytest.mark.usefixtures("punctual")
def test_quiet_hours_put_off(begin: time, end: time, zone: str, wanted: str, due: str) -> None:
    schedule = Schedule(20, time_zone=zone, quiet_from=begin, quiet_until=end)

    assert next_scan(schedule, _utc(wanted) - timedelta(minutes=20), "r") == _utc(due)


def test_quiet_hours_do_not_end_with_a_crowd() -> None:
    schedule = Schedule(cron="0 3 * * *", quiet_from=time(2), quiet_until=time(4))

    begun = {next_scan(schedule, NOON, f"registry-{number}") for number in range(100)}

    assert len(begun) == 100
    assert all(due and (due.hour, due.minute) == (4, 0) for due in begun)


@given(st.datetimes(datetime(2020, 1, 1), datetime(2035, 1, 1)), st.times(), st.times(), st.text(max_size=5))
def test_nothing_begins_in_quiet_hours(after: datetime, begin: time, end: time, seed: str) -> None:
    zone = module.zone_named(BERLIN)
    schedule = Schedule(55, "", BERLIN, begin.replace(second=0, microsecond=0), end.replace(second=0, microsecond=0))

    due = next_scan(schedule, after.replace(tzinfo=UTC), seed)

    assert due is not None
    assert due > after.replace(tzinfo=UTC)
    assert not module._is_quiet(schedule, due, zone)


WRONG = [
    (Schedule(-1), "interval_minutes", "Enter 0 to"),
    (Schedule(10**9), "interval_minutes", "a year"),
    (Schedule(cron="0 3 * *"), "cron", "five fields"),
    (Schedule(cron="0 0 3 * * *"), "cron", "five fields"),
    (Schedule(cron="@daily"), "cron", "five fields"),
    (Schedule(cron="61 3 * * *"), "cron", "bad minute"),
    (Schedule(cron="*/0 3 * * *"), "cron", "bad minute"),
    (Schedule(cron="0 3 * * ²L"), "cron", "five fields"),
    (Schedule(cron="0 0 30 2 *"), "cron", "bad day-of-month"),
    (Schedule(cron="* * */20 * 1L"), "cron", "never comes"),
    (Schedule(cron="1," * 200 + "1 * * * *"), "cron", "five fields"),
    (Schedule(time_zone="Europe"), "time_zone", "IANA name"),
    (Schedule(time_zone="Mars/Olympus"), "time_zone", "IANA name"),
    (Schedule(time_zone="../../etc/passwd"), "time_zone", "IANA name"),
    (Schedule(time_zone="A\0"), "time_zone", "IANA name"),
    (Schedule(time_zone=""), "time_zone", "IANA name"),
    (Schedule(quiet_from=time(8)), "quiet_until", "when the quiet hours end"),
    (Schedule(quiet_until=time(8)), "quiet_from", "when the quiet hours begin"),
    (Schedule(quiet_from=time(8), quiet_until=time(8)), "quiet_until", "no time for a scan"),
]


@pytest.mark.parametrize(("schedule", "field", "told"), WRONG)
def test_what_is_wrong_is_said(schedule: Schedule, field: str, told: str) -> None:
    problems = schedule_problems(schedule)

    assert list(problems) == [field]
    assert told in problems[field]


@given(st.text("0123456789*/,-#LWSUNMOTEHRFIA ", max_size=60))
def test_any_text_is_a_cron_expression_or_is_told_not_to_be_one(text: str) -> None:
    schedule = Schedule(cron=text or "x")

    try:
        due = next_scan(schedule, NOON, "r")
    except InvalidSchedule:
        assert schedule_problems(schedule)
    else:
        assert not schedule_problems(schedule)
        assert due is not None
        assert due > NOON
        assert schedule_sentence(schedule)


WORDS = [
    (Schedule(0), "only when somebody asks"),
    (Schedule(60), "every hour"),
    (Schedule(90), "every 90 minutes"),
    (Schedule(1440), "every day"),
    (
        Schedule(120, time_zone=BERLIN, quiet_from=time(22), quiet_until=time(6)),
        "every 2 hours, not between 22:00 and 06:00 Europe/Berlin",
    ),
    (Schedule(cron="0 3 * * *", time_zone=BERLIN), "every day at 03:00 Europe/Berlin"),
    (Schedule(cron="*/15 * * * *"), "every 15th minute of every hour UTC"),
    (Schedule(cron="0 0 * * SUN"), "at 00:00 on Sunday UTC"),
    (
        Schedule(cron="0 3 * * *", time_zone=BERLIN, quiet_from=time(8), quiet_until=time(18)),
        "every day at 03:00 Europe/Berlin, not between 08:00 and 18:00",
    ),
]


@pytest.mark.parametrize(("schedule", "words"), WORDS)
def test_the_schedule_in_words(schedule: Schedule, words: str) -> None:
    assert schedule_sentence(schedule) == words
