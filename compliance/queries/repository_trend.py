"""The trend of one repository up to now, as its tab and its file have it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Final

from compliance.models import Repository
from compliance.policy.weighed_again import replay
from compliance.queries.filters import choice_of
from compliance.queries.repository import Header
from compliance.queries.trend import (
    PERIODS,
    TREND_COLUMNS,
    Period,
    Trend,
    drawn,
    first_day,
    repository_trend,
    trend_cells,
)
from compliance.queries.weighed_again import moves_of
from compliance.spreadsheet import Cell

RULES: dict[str, str] = {"recorded": "As recorded", "today": "By today's rules"}
"""By which rules the days are shown."""

_NOT_WEIGHED: Final = frozenset({"waived", "overdue", "score"})


@dataclass(frozen=True, slots=True)
class TrendPage:
    """The tab.

    :param trend: ``None`` where there is too much to weigh again.
    :param periods: key and label of each, and whether it is shown.
    :param rules: the same of ``RULES``.
    """

    trend: Trend | None
    periods: tuple[tuple[str, str, bool], ...]
    rules: tuple[tuple[str, str, bool], ...]
    weighed_again: bool

    @property
    def lines(self) -> Iterator[tuple[Cell, ...]]:
        """Of a file, below ``TREND_COLUMNS``; what is not weighed again is empty, not 0."""
        for period in self.trend.newest_first if self.trend else ():
            cells = zip(TREND_COLUMNS, trend_cells(period), strict=True)
            yield tuple(None if self.weighed_again and name in _NOT_WEIGHED else cell for name, cell in cells)


def trend_page(header: Header, params: Mapping[str, str], *, overdue: int, kept: timedelta, now: datetime) -> TrendPage:
    """The trend with what may be chosen instead.

    As recorded it is one query, and one more where rules changed; weighed again, seven.

    :param overdue: findings that are past their due date now.
    :param kept: how long a verdict counts that the registry does not confirm.
    """
    by = choice_of(params, "by", PERIODS) or "day"
    rules = choice_of(params, "rules", RULES) or "recorded"
    again = rules == "today"
    if again:
        trend = _weighed_again(header, by, kept=kept, now=now)
    else:
        live = _live(header, overdue, now)
        trend = repository_trend(header.id, header.name, by, today=now.date(), live=live)
    return TrendPage(
        trend,
        tuple((key, label, key == by) for key, (label, _) in PERIODS.items()),
        tuple((key, label, key == rules) for key, label in RULES.items()),
        again,
    )


def _weighed_again(header: Header, by: str, *, kept: timedelta, now: datetime) -> Trend | None:
    row = Repository.objects.select_related("registry", "policy__current").get(pk=header.id)
    moves = moves_of(row, kept=kept, now=now)
    if moves is None:
        return None
    days = [
        Period(each.day, "", each.passed + each.failed + each.unknown, each.passed, each.failed, each.unknown, each.new,
               each.fixed, None, regressed=each.regressed)
        for each in replay(moves, list(_days(first_day(by, now.date()), now.date())))
    ]  # fmt: skip
    return drawn(by, f"Verdicts of the tags of {header.name}, by today's rules", days)


def _days(first: date, last: date) -> Iterator[date]:
    return (first + timedelta(days=after) for after in range((last - first).days + 1))


def _live(header: Header, overdue: int, now: datetime) -> Period | None:
    if header.deleted_at or not header.scanned_at:
        return None
    score = None if header.score is None else Decimal(str(header.score))
    return Period(
        now.date(), "", header.evaluated, header.passed, header.failed, header.unknown, new=0, fixed=0, score=score,
        waived=header.waived, overdue=overdue,
    )  # fmt: skip
