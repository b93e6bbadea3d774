"""Days as they would have been: a table of moves, and that nothing is counted twice whatever happened."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from compliance.policy.weighed_again import DayTotals, Move, replay
from scanner.domain.verdict import Verdict

FIRST = date(2026, 3, 1)
PASS, FAIL, UNKNOWN, NOTHING = Verdict.PASS, Verdict.FAIL, Verdict.UNKNOWN, Verdict.NOT_APPLICABLE
GONE = None

# (day, hour, tag, digest, verdict), then for each of three days: passed, failed, unknown, new, fixed, regressed
CASES = [
    ([], []),
    ([(0, 9, 1, "a", PASS)], [(1, 0, 0, 0, 0, 0), (1, 0, 0, 0, 0, 0), (1, 0, 0, 0, 0, 0)]),
    ([(1, 9, 1, "a", FAIL)], [(0, 1, 0, 1, 0, 0), (0, 1, 0, 0, 0, 0)]),
    ([(0, 9, 1, "a", PASS), (1, 0, 1, "b", FAIL)], [(1, 0, 0, 0, 0, 0), (0, 1, 0, 1, 0, 1), (0, 1, 0, 0, 0, 0)]),
    ([(0, 9, 1, "a", FAIL), (2, 9, 1, "b", PASS)], [(0, 1, 0, 1, 0, 0), (0, 1, 0, 0, 0, 0), (1, 0, 0, 0, 1, 0)]),
    # Through unknown a failure goes on: neither fixed nor new.
    (
        [(0, 9, 1, "a", FAIL), (1, 9, 1, "b", UNKNOWN), (2, 9, 1, "c", FAIL)],
        [(0, 1, 0, 1, 0, 0), (0, 0, 1, 0, 0, 0), (0, 1, 0, 0, 0, 0)],
    ),
    # Deleted is not fixed; what comes back begins again.
    (
        [(0, 9, 1, "a", FAIL), (1, 9, 1, "", GONE), (2, 9, 1, "a", FAIL)],
        [(0, 1, 0, 1, 0, 0), (0, 0, 0, 0, 0, 0), (0, 1, 0, 1, 0, 0)],
    ),
    # There and back within a day are both counted; what cannot run is in no column.
    (
        [(0, 9, 1, "a", PASS), (0, 10, 1, "b", FAIL), (0, 11, 1, "a", PASS), (1, 9, 2, "c", NOTHING)],
        [(1, 0, 0, 1, 1, 1), (1, 0, 0, 0, 0, 0), (1, 0, 0, 0, 0, 0)],
    ),
    # Before the first day shown: counted in its totals, not in its comings.
    ([(-9, 9, 1, "a", FAIL)], [(0, 1, 0, 0, 0, 0), (0, 1, 0, 0, 0, 0), (0, 1, 0, 0, 0, 0)]),
    # Midnight begins the next day.
    ([(0, 24, 1, "a", FAIL)], [(0, 1, 0, 1, 0, 0), (0, 1, 0, 0, 0, 0)]),
]


@pytest.mark.parametrize(("moves", "days"), CASES)
def test_days(
    moves: list[tuple[int, int, int, str, Verdict | None]], days: list[tuple[int, int, int, int, int, int]]
) -> None:
    found = list(replay([_move(*each) for each in moves], _days(3)))

    expected = [DayTotals(day, *totals) for day, totals in zip(_days(3)[3 - len(days) :], days, strict=True)]
    assert found == expected


@given(
    st.lists(
        st.tuples(
            st.integers(0, 9), st.integers(0, 3), st.sampled_from("ab"), st.sampled_from([*Verdict, None])
        )
    )
)  # fmt: skip
def test_all_days_add_up(moves: list[tuple[int, int, str, Verdict | None]]) -> None:
    rows = [_move(day, 9, tag, digest, verdict) for day, tag, digest, verdict in sorted(moves, key=lambda row: row[0])]
    found = list(replay(rows, _days(10)))

    last = {row.tag: row.verdict for row in rows}
    for total, verdict in (("passed", PASS), ("failed", FAIL), ("unknown", UNKNOWN)):
        assert (getattr(found[-1], total) if found else 0) == sum(each is verdict for each in last.values())
    assert all(day.regressed <= day.new for day in found)


def _move(day: int, hour: int, tag: int, digest: str, verdict: Verdict | None) -> Move:
    at = datetime(2026, 3, 1, tzinfo=UTC) + timedelta(days=day, hours=hour)
    return Move(at, tag, digest, verdict)


def _days(count: int) -> list[date]:
    return [FIRST + timedelta(days=after) for after in range(count)]
