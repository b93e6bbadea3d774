"""Numbers of remediation from hand-made histories, and what must hold of any."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from compliance.remediation.metrics import (
    AGES,
    DEFINITIONS,
    Pace,
    Span,
    Standing,
    burn_down,
    in_days,
    in_weeks,
    last_days,
    pace,
    standing,
)
from compliance.remediation.status import Resolution
from tests.support.rows import NOW
from tests.support.spans import ago, histories

WEEK = last_days(7, NOW)
PROVED, GONE, POLICY = Resolution.PROVED, Resolution.GONE, Resolution.POLICY


def span(opened: float, closed: float | None = None, how: Resolution = PROVED, **more: object) -> Span:
    """An episode between two moments, in days before now; ``due`` likewise."""
    due = more.pop("due", None)
    values = {
        "finding": 1,
        "closed_at": None if closed is None else ago(closed),
        "resolution": Resolution.NONE if closed is None else how,
        "due_at": None if due is None else ago(due),  # type: ignore[arg-type]  # days
        **more,
    }
    return Span(opened_at=ago(opened), **values)  # type: ignore[arg-type]  # as the caller says


@pytest.mark.parametrize(
    ("episode", "fixed", "in_time", "lasted"),
    [
        (span(3), False, False, None),
        (span(3, due=-1), False, False, None),
        (span(3, resolution=PROVED), False, False, None),
        (span(3, 1), True, False, timedelta(days=2)),
        (span(3, 1, GONE, due=0), True, True, timedelta(days=2)),
        (span(3, 1, POLICY, due=1), False, False, timedelta(days=2)),
    ],
)
def test_how_an_episode_ended(episode: Span, fixed: bool, in_time: bool, lasted: timedelta | None) -> None:
    assert (episode.fixed, episode.in_time, episode.lasted) == (fixed, in_time, lasted)


STANDINGS = {
    "nothing": ([], Standing()),
    "open without a due date": ([span(3)], Standing(1, ages=(1, 0, 0, 0))),
    "overdue since a moment": ([span(3, due=0.001)], Standing(1, overdue=1, ages=(1, 0, 0, 0))),
    "due this moment is not overdue": ([span(3, due=0)], Standing(1, due=1, ages=(1, 0, 0, 0))),
    "due in seven days": ([span(3, due=-7)], Standing(1, due=1, ages=(1, 0, 0, 0))),
    "due later": ([span(3, due=-7.01)], Standing(1, ages=(1, 0, 0, 0))),
    "fixed": ([span(3, 1)], Standing()),
    "waived, also past its date": ([span(3, due=1, waived_at=ago(2))], Standing(0, waived=1)),
    "false positive": ([span(3, due=1, false_positive=True)], Standing()),
    "ages at their edges": (
        [span(days) for days in (0, 7.99, 8, 30.99, 31, 90.99, 91, 400)],
        Standing(8, ages=(2, 2, 2, 2)),
    ),
}


@pytest.mark.parametrize("name", STANDINGS)
def test_where_things_stand(name: str) -> None:
    spans, expected = STANDINGS[name]
    assert standing(spans, NOW) == expected


def test_waived_share_is_of_what_is_unfixed() -> None:
    assert standing([span(3), span(3), span(3), span(3, waived_at=ago(1)), span(9, 1)], NOW).waived_share == 0.25
    assert standing([span(9, 1)], NOW).waived_share is None


DAY = timedelta(days=1)
PACES = {
    "nothing": ([], Pace()),
    "fixed by a scan": (
        [span(5, 1)],
        Pace(fixed=1, kept=1, opened=1, median=4 * DAY, mean=4 * DAY, p90=4 * DAY),
    ),
    "its last tag is gone": (
        [span(40, 1, GONE)],
        Pace(fixed=1, kept=1, median=39 * DAY, mean=39 * DAY, p90=39 * DAY),
    ),
    "a policy asks no more": ([span(5, 1, POLICY)], Pace(opened=1)),
    "a false positive": ([span(5, 1, false_positive=True)], Pace()),
    "closed before the window": ([span(50, 20)], Pace()),
    "waived is not closed": ([span(5, waived_at=ago(1))], Pace(opened=1)),
    "back again": (
        [span(6, 4), span(2, reopened=True)],
        Pace(fixed=1, kept=0, opened=1, reopened=1, median=2 * DAY, mean=2 * DAY, p90=2 * DAY),
    ),
    "fixed twice counts once, and twice for its time": (
        [span(6, 4), span(3, 2, reopened=True)],
        Pace(fixed=1, kept=1, opened=1, reopened=1, median=1.5 * DAY, mean=1.5 * DAY, p90=1.9 * DAY),
    ),
    "one that took long lies about the others": (
        [span(4, 3, finding=1), span(4, 2, finding=2), span(103, 3, finding=3)],
        Pace(fixed=3, kept=3, opened=2, median=2 * DAY, mean=timedelta(days=103 / 3), p90=80.4 * DAY),
    ),
    "between two of an even number": (
        [span(days, 0, finding=days) for days in (1, 2, 4, 8)],
        Pace(fixed=4, kept=4, opened=3, median=3 * DAY, mean=3.75 * DAY, p90=6.8 * DAY),
    ),
    "in time and late": (
        [span(5, 2, finding=at, due=due) for at, due in enumerate((1, 3, None, 2))],
        Pace(fixed=4, kept=4, opened=4, dated=3, in_time=1, median=3 * DAY, mean=3 * DAY, p90=3 * DAY),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", PACES)
def test_how_fast_things_are_fixed(name: str) -> None:
    spans, expected = PACES[name]
    assert pace(spans, WEEK) == expected


def test_what_came_back_is_told_from_the_newest_episode_whatever_the_order() -> None:
    spans, expected = PACES["back again"]
    assert pace(reversed(spans), WEEK) == expected


@pytest.mark.parametrize(("back", "kept"), [(WEEK.until - timedelta(seconds=1), 0), (WEEK.until, 1)])
def test_what_comes_back_after_a_window_was_kept_at_its_end(back: datetime, kept: int) -> None:
    spans = [span(5, 1), Span(1, back, reopened=True)]
    assert pace(spans, WEEK).kept == kept


def test_rates() -> None:
    assert Pace(kept=6, opened=4).net_rate == 1.5
    assert Pace(kept=6).net_rate is None
    assert Pace(dated=4, in_time=3).sla_hit == 0.75
    assert Pace().sla_hit is None


def test_a_window_ends_with_today() -> None:
    assert (WEEK.first, WEEK.last) == (date(2026, 3, 4), date(2026, 3, 10))
    assert len(WEEK.days) == 7
    assert WEEK.holds(datetime(2026, 3, 4, tzinfo=UTC))
    assert not WEEK.holds(datetime(2026, 3, 3, 23, 59, tzinfo=UTC))
    assert not WEEK.holds(WEEK.until)
    night = datetime(2026, 3, 10, 1, tzinfo=timezone(timedelta(hours=2)))
    assert last_days(1, night).days == (date(2026, 3, 9),)


def test_each_day_tells_what_came_what_went_and_what_is_left() -> None:
    spans = [
        span(20, finding=1, due=2),  # late since Sunday
        span(20, 1, finding=2, due=15),  # late until it was fixed on Monday
        span(1, finding=3),
        span(20, 1, POLICY, finding=4),
        span(20, finding=5, due=15, waived_at=ago(2)),
        span(20, finding=6, false_positive=True),
    ]
    found = {str(day.day)[5:]: day for day in burn_down(spans, last_days(4, NOW), NOW)}
    table = {
        day: (each.opened, each.fixed, each.dropped, each.on_time, each.late, each.waived)
        for day, each in found.items()
    }
    assert table == {
        "03-07": (0, 0, 0, 2, 2, 0),
        "03-08": (0, 0, 0, 1, 2, 1),
        "03-09": (1, 1, 1, 1, 1, 1),
        "03-10": (0, 0, 0, 1, 1, 1),
    }
    assert found["03-09"].closed == 2
    assert found["03-09"].unfixed == 3


def test_what_is_waived_at_midnight_is_waived_from_that_day_on() -> None:
    midnight = datetime(2026, 3, 9, tzinfo=UTC)
    days = burn_down([span(5, waived_at=midnight)], last_days(3, NOW), NOW)
    assert [(day.on_time, day.waived) for day in days] == [(1, 0), (0, 1), (0, 1)]


def test_the_target_is_what_is_left_without_what_is_overdue() -> None:
    histories = [
        span(9, due=2),  # overdue for two days
        span(9, due=-3, finding=2),
        span(9, finding=3),  # without a due date
        span(9, due=5, finding=4, waived_at=ago(9)),  # past its date, and waived
        span(9, 1, due=4, finding=5),  # fixed, three days late
    ]
    days = burn_down(histories, WEEK, NOW)
    assert [(day.unfixed, day.late, day.target) for day in (days[0], days[3], days[-1])] == [
        (5, 0, 5),
        (5, 1, 4),
        (4, 1, 3),
    ]
    assert all(day.target == day.unfixed - day.late for day in days)


def test_every_number_has_its_sentence() -> None:
    assert all(words.endswith(".") for words in DEFINITIONS.values())
    on_pages = ("open", "overdue", "due", "mttr", "net", "reopened", "waived", "sla", "burndown", "flow", "ages")
    assert tuple(DEFINITIONS) == on_pages
    assert [least for _, _, least, _ in AGES[1:]] == [most + 1 for _, _, _, most in AGES[:-1] if most is not None]


@given(histories())
def test_what_is_left_is_what_was_and_what_came_less_what_went(spans: list[Span]) -> None:
    days = burn_down(spans, last_days(30, NOW), NOW)
    for before, after in pairwise(days):
        assert after.unfixed == before.unfixed + after.opened - after.closed


@given(histories())
def test_today_is_what_the_tiles_say(spans: list[Span]) -> None:
    today, now = burn_down(spans, WEEK, NOW)[-1], standing(spans, NOW)
    assert (today.late, today.waived, today.on_time + today.late) == (now.overdue, now.waived, now.open)
    assert sum(now.ages) == now.open


def test_no_days_are_no_weeks() -> None:
    assert in_weeks(()) == ()


@given(histories(), st.integers(1, 40))
def test_weeks_hold_what_their_days_do(spans: list[Span], count: int) -> None:
    days = burn_down(spans, last_days(count, NOW), NOW)
    weeks = in_weeks(days)
    assert len(weeks) == -(-count // 7)
    assert sum(week.closed for week in weeks) == sum(day.closed for day in days)
    for before, after in pairwise(weeks):
        assert after.unfixed == before.unfixed + after.opened - after.closed


@pytest.mark.parametrize(
    ("span", "words"),
    [
        (None, "–"),
        (timedelta(minutes=3), "under 1 hour"),
        (timedelta(hours=1), "1 hour"),
        (timedelta(hours=1.4), "1 hour"),
        (timedelta(hours=23), "23 hours"),
        (timedelta(days=1), "1 day"),
        (timedelta(days=3.25), "3.2 days"),
        (timedelta(days=9.96), "10 days"),
        (timedelta(days=12.4), "12 days"),
        (timedelta(days=100), "100 days"),
    ],
)
def test_times_in_words(span: timedelta | None, words: str) -> None:
    assert in_days(span) == words


@given(histories())
def test_a_window_is_its_days(spans: list[Span]) -> None:
    days, found = burn_down(spans, WEEK, NOW), pace(spans, WEEK)
    assert found.fixed <= sum(day.fixed for day in days)
    assert found.kept <= found.fixed
    assert found.reopened <= found.opened <= sum(day.opened for day in days)
