"""The trend of one repository up to now, as its tab and its file have it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from compliance.queries.filters import choice_of
from compliance.queries.repository import Header
from compliance.queries.trend import PERIODS, Period, Trend, repository_trend


@dataclass(frozen=True, slots=True)
class TrendPage:
    """The tab.

    :param periods: key and label of each, and whether it is shown.
    """

    trend: Trend
    periods: tuple[tuple[str, str, bool], ...]


def trend_page(header: Header, params: Mapping[str, str], *, overdue: int, now: datetime) -> TrendPage:
    """The trend with what may be chosen instead; one query, and one more where rules changed.

    :param overdue: findings that are past their due date now.
    """
    by = choice_of(params, "by", PERIODS) or "day"
    live = _live(header, overdue, now)
    trend = repository_trend(header.id, header.name, by, today=now.date(), live=live)
    return TrendPage(trend, tuple((key, label, key == by) for key, (label, _) in PERIODS.items()))


def _live(header: Header, overdue: int, now: datetime) -> Period | None:
    if header.deleted_at or not header.scanned_at:
        return None
    score = None if header.score is None else Decimal(str(header.score))
    return Period(
        now.date(), "", header.evaluated, header.passed, header.failed, header.unknown, new=0, fixed=0, score=score,
        waived=header.waived, overdue=overdue,
    )  # fmt: skip
