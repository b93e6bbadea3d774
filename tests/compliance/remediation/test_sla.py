"""Due dates from terms, and what they say on a day."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from compliance.remediation.sla import (
    Due,
    DueState,
    due_at,
    due_state,
    due_text,
    due_words,
    is_overdue,
    is_worse,
    read_due_text,
    term_from,
)

NOW = datetime(2026, 3, 10, 12, tzinfo=UTC)
TERMS = {(0, True): 7, (0, False): 14, (3, False): 0, (4, True): None}


@pytest.mark.parametrize(
    ("rank", "protected", "days"),
    [(0, True, 7), (0, False, 14), (3, False, 0), (4, True, None), (4, False, None), (99, True, None)],
)
def test_due_at(rank: int, protected: bool, days: int | None) -> None:
    expected = None if days is None else NOW + timedelta(days=days)
    assert due_at(rank, protected, NOW, TERMS) == expected


@pytest.mark.parametrize(
    ("away", "state", "words"),
    [
        (None, DueState.NONE, "no due date"),
        (timedelta(0), DueState.SOON, "due in less than an hour"),
        (timedelta(minutes=59), DueState.SOON, "due in less than an hour"),
        (timedelta(minutes=59, seconds=59), DueState.SOON, "due in less than an hour"),
        (timedelta(hours=1), DueState.SOON, "due in 1 hour"),
        (timedelta(hours=23, minutes=59), DueState.SOON, "due in 23 hours"),
        (timedelta(days=1), DueState.SOON, "due in 1 day"),
        (timedelta(days=7), DueState.SOON, "due in 7 days"),
        (timedelta(days=7, seconds=1), DueState.LATER, "due in 7 days"),
        (timedelta(seconds=-1), DueState.OVERDUE, "less than an hour overdue"),
        (timedelta(hours=-2), DueState.OVERDUE, "2 hours overdue"),
        (timedelta(days=-3, hours=-5), DueState.OVERDUE, "3 days overdue"),
    ],
)
def test_what_a_due_date_says(away: timedelta | None, state: DueState, words: str) -> None:
    due = None if away is None else NOW + away
    assert due_state(due, NOW) is state
    assert due_words(due, NOW) == words
    assert is_overdue(due, NOW) == (state is DueState.OVERDUE)


@given(st.none() | st.datetimes(timezones=st.just(UTC)), st.booleans())
def test_what_the_timeline_keeps_can_be_read_again(at: datetime | None, edited: bool) -> None:
    found = read_due_text(due_text(Due(at, edited)))
    assert found == Due(at, edited)


@pytest.mark.parametrize("text", ["", "none", "nonsense", "2026-13-01", "edited"])
def test_what_nobody_can_read_is_no_due_date(text: str) -> None:
    assert read_due_text(text) == Due(None)


def test_moments_are_kept_in_utc() -> None:
    assert read_due_text("2026-03-10T12:00:00") == Due(NOW)
    assert read_due_text("2026-03-10T14:00:00+02:00") == Due(NOW)
    assert due_text(Due(NOW.astimezone(timezone(timedelta(hours=2))))) == "2026-03-10T12:00:00+00:00"


LOW, MEDIUM, CRITICAL = (3, False), (2, False), (0, False)
GUARDED, CRITICAL_GUARDED, UNDATED = (3, True), (0, True), (4, False)
WEIGHED = {LOW: 90, MEDIUM: 30, CRITICAL: 14, GUARDED: 45, CRITICAL_GUARDED: 7, UNDATED: None}


@pytest.mark.parametrize(
    ("was", "became", "day", "due"),
    [
        (LOW, CRITICAL, 0, 14),
        (LOW, CRITICAL, 60, 74),
        (LOW, CRITICAL, 80, 90),
        (LOW, CRITICAL, 400, 90),
        (LOW, MEDIUM, 70, 90),
        (MEDIUM, CRITICAL, 2, 16),
        (LOW, GUARDED, 10, 55),
        (CRITICAL, CRITICAL_GUARDED, 1, 8),
        (CRITICAL_GUARDED, CRITICAL, 1, 14),
        (GUARDED, CRITICAL, 40, 45),
        (CRITICAL, LOW, 5, 90),
        (CRITICAL, GUARDED, 5, 45),
        (UNDATED, CRITICAL, 100, 114),
        (UNDATED, LOW, 100, 190),
        (LOW, UNDATED, 10, None),
    ],
    ids=[
        "at once",
        "later",
        "shortly before it was due",
        "when it was overdue",
        "to a severity between",
        "early",
        "a protected tag begins to show it",
        "the same of a critical one",
        "no protected tag any more",
        "worse, though no protected tag any more",
        "better",
        "better, though a protected tag shows it",
        "without a date before",
        "without a date before, and not much worse",
        "without a term",
    ],
)
def test_when_what_is_of_another_weight_is_due(
    was: tuple[int, bool], became: tuple[int, bool], day: int, due: int | None
) -> None:
    """By days since it was found."""
    began = term_from(was, became, NOW, NOW, WEIGHED, NOW + timedelta(days=day))
    assert due_at(*became, began, WEIGHED) == (None if due is None else NOW + timedelta(days=due))


def test_worse_is_not_later_though_its_term_is_longer() -> None:
    """An administrator's terms may be anything."""
    terms = {LOW: 10, CRITICAL: 100}
    began = term_from(LOW, CRITICAL, NOW, NOW, terms, NOW + timedelta(days=5))
    assert due_at(*CRITICAL, began, terms) == NOW + timedelta(days=10)


@given(st.lists(st.tuples(st.sampled_from([LOW, MEDIUM, CRITICAL, GUARDED]), st.integers(1, 40)), min_size=1))
def test_worse_and_better_again_gains_no_time(steps: list[tuple[tuple[int, bool], int]]) -> None:
    """Never due later than the mildest term from when it was opened, and nothing becomes overdue by getting worse."""
    was, began, now = LOW, NOW, NOW
    for became, days in steps:
        now += timedelta(days=days)
        had = due_at(*was, began, WEIGHED)
        began = term_from(was, became, began, NOW, WEIGHED, now)
        due = due_at(*became, began, WEIGHED)
        assert had is not None
        assert due is not None
        assert due <= NOW + timedelta(days=90)
        assert due >= min(had, now + timedelta(days=WEIGHED[became] or 0))
        was = became


@pytest.mark.parametrize(
    ("was", "became", "worse"),
    [
        (LOW, CRITICAL, True),
        (CRITICAL, LOW, False),
        (LOW, LOW, False),
        (LOW, GUARDED, True),
        (GUARDED, LOW, False),
        (GUARDED, CRITICAL, True),
        (CRITICAL, GUARDED, False),
    ],
)
def test_what_is_worse(was: tuple[int, bool], became: tuple[int, bool], worse: bool) -> None:
    assert is_worse(was, became) == worse
