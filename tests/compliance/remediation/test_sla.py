"""Due dates from terms, and what they say on a day."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from compliance.remediation.sla import Due, DueState, due_at, due_state, due_text, due_words, is_overdue, read_due_text

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
