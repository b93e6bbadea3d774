"""Trends: what the daily snapshots of one repository, or of a whole scope, say by day, week or month.

Today is always the totals the lists show, also where no scan has written today's row yet.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal

from compliance.charts import Chart, Series, stacked, up_and_down
from compliance.models import DailySnapshot
from compliance.queries.day_sums import DaySum, day_sums
from compliance.queries.rule_changes import PolicyChange, VersionName, policy_changes
from compliance.queries.work_scope import WorkScope
from compliance.spreadsheet import Cell

PERIODS: dict[str, tuple[str, int]] = {"day": ("Day", 30), "week": ("Week", 26), "month": ("Month", 12)}
_MOST_DAYS = 120
TREND_COLUMNS = (
    "period", "begins", "evaluated", "pass", "fail", "unknown", "waived", "new", "fixed", "net", "regressed", "overdue",
    "score", "compliance_percent", "change_points", "policy", "rules_changed",
)  # fmt: skip
"""What stands above ``trend_cells``."""


@dataclass(frozen=True, slots=True)
class Period:
    """One day, week or month: totals at its end, comings and goings within it.

    ``regressed``: of the new ones, those that passed before. ``overdue``: findings past their due date at its end.

    :param last: the day whose totals these are; ``None`` where nothing was put together.
    :param policy: the version that counted at its end; empty for the fleet, where several may.
    :param change: difference of the compliance in percentage points to the period before.
    :param rules: policy versions that began to count within it.
    """

    start: date
    label: str
    evaluated: int
    passed: int
    failed: int
    unknown: int
    new: int
    fixed: int
    score: Decimal | None
    policy: str = ""
    change: float | None = None
    rules: tuple[str, ...] = ()
    waived: int = 0
    regressed: int = 0
    overdue: int = 0
    last: date | None = None

    @property
    def compliance(self) -> float | None:
        """Share of the evaluated tags that pass."""
        return self.passed / self.evaluated if self.evaluated else None

    @property
    def net(self) -> int:
        """By how many more tags began to fail than stopped."""
        return self.new - self.fixed


@dataclass(frozen=True, slots=True)
class RuleChange:
    """A line in the chart, explained: from this period on these versions counted."""

    label: str
    versions: tuple[VersionName, ...]


@dataclass(frozen=True, slots=True)
class Trend:
    """A chart and the same as a table, newest first; ``changes`` are the chart's marks in their order."""

    by: str
    chart: Chart
    activity: Chart
    periods: tuple[Period, ...]
    changes: tuple[RuleChange, ...] = ()

    @property
    def newest_first(self) -> tuple[Period, ...]:
        """For tables."""
        return self.periods[::-1]

    @property
    def has_policies(self) -> bool:
        """Whether a table has the column."""
        return any(period.policy for period in self.periods)


def trend_cells(period: Period) -> tuple[Cell, ...]:
    """A line of the trend table for spreadsheets, rounded as the page rounds, to a tenth."""
    share = None if period.compliance is None else round(period.compliance * 100, 1)
    change = None if period.change is None else round(period.change, 1)
    return (
        period.label, period.start.isoformat(), period.evaluated, period.passed, period.failed, period.unknown,
        period.waived, period.new, period.fixed, period.net, period.regressed, period.overdue, period.score, share,
        change, period.policy, "; ".join(period.rules),
    )  # fmt: skip


def repository_trend(repository_id: int, name: str, by: str, *, today: date, live: Period | None = None) -> Trend:
    """The trend of one repository; ``by`` is a key of ``PERIODS``, ``live`` today's totals as its page shows them."""
    start = first_day(by, today)
    rows = (
        DailySnapshot.objects.filter(repository=repository_id, day__gte=start)
        .select_related("policy_version__policy")
        .order_by("day")
    )
    days = [
        Period(
            row.day, "", row.evaluated, row.passed, row.failed, row.unknown, row.new, row.fixed, row.score,
            str(_name(row)), waived=row.waived, regressed=row.regressed, overdue=row.overdue,
        )
        for row in rows
    ]  # fmt: skip
    counted = {row.day: frozenset({_name(row)}) for row in rows}
    changes = policy_changes(counted)
    return drawn(by, f"Verdicts of the tags of {name}", _until_now(days, live), changes)


def _name(row: DailySnapshot) -> VersionName:
    return VersionName(row.policy_version.policy.name, row.policy_version.number)


def _until_now(days: list[Period], live: Period | None) -> list[Period]:
    if live is None:
        return days
    if not days:
        return [live]
    *before, last = days
    if last.start == live.start:
        return [
            *before,
            replace(live, new=last.new, fixed=last.fixed, regressed=last.regressed, policy=last.policy),
        ]
    return [*days, replace(live, policy=last.policy)]


def fleet_trend(days: int, scope: WorkScope, *, today: date, live: Period | None) -> Trend:
    """The trend of a scope, by day, a long one by week; ``live`` is today's total as the lists show it."""
    sums = day_sums(scope, today - timedelta(days=days - 1), today=today)
    periods = [_period(each) for each in sums if each.day < today]
    if live:
        now = next((each for each in sums if each.day == today), None)
        moved = replace(live, new=now.new, fixed=now.fixed, regressed=now.regressed) if now else live
        periods.append(moved)
    title = "Verdicts of all tags" if scope.everything else f"Verdicts of the tags of {scope.name}"
    changes = policy_changes({each.day: each.versions for each in sums})
    return drawn("week" if days > _MOST_DAYS else "day", title, periods, changes)


def _period(each: DaySum) -> Period:
    return Period(
        each.day, "", each.evaluated, each.passed, each.failed, each.unknown, each.new, each.fixed, each.score,
        waived=each.waived, regressed=each.regressed, overdue=each.overdue,
    )  # fmt: skip


def first_day(by: str, today: date) -> date:
    """With which day a trend begins."""
    count = PERIODS[by][1]
    if by == "month":
        years, month = divmod(today.year * 12 + today.month - 1 - (count - 1), 12)
        return date(years, month + 1, 1)
    if by == "week":
        return today - timedelta(days=today.weekday()) - timedelta(weeks=count - 1)
    return today - timedelta(days=count - 1)


def drawn(by: str, title: str, days: Sequence[Period], changed: Sequence[PolicyChange] = ()) -> Trend:
    """Days as a chart and a table of days, weeks or months."""
    grouped = tuple(_with_changes(_grouped(by, days)))
    marks = _marks(grouped, by, changed)
    rules = {at: tuple(map(str, change.versions)) for at, change in marks}
    periods = tuple(replace(period, rules=rules.get(at, ())) for at, period in enumerate(grouped))
    labels, waived = [period.label for period in periods], [period.waived for period in periods]
    return Trend(
        by,
        stacked(
            title,
            labels,
            (
                Series("pass", "Pass", [period.passed for period in periods]),
                Series("unknown", "Unknown", [period.unknown for period in periods]),
                *([Series("waived", "Waived", waived)] if any(waived) else []),
                Series("fail", "Fail", [period.failed for period in periods]),
            ),
            [(at, ", ".join(map(str, change.versions))) for at, change in marks],
        ),
        up_and_down(
            "Tags that began to fail, and tags that stopped",
            labels,
            Series("new", "New", [period.new for period in periods]),
            Series("fixed", "Fixed", [period.fixed for period in periods]),
            net=True,
        ),
        periods,
        tuple(change for _, change in marks),
    )


def _marks(periods: Sequence[Period], by: str, changed: Iterable[PolicyChange]) -> list[tuple[int, RuleChange]]:
    """Where a line says that the numbers before it were judged by other rules; those of one period are one line."""
    found: dict[int, dict[VersionName, None]] = {}
    for change in changed:
        start = _period_of(by, change.day)[0]
        # A day nobody has closed yet is not drawn: what began on it shows from the next one on.
        at = next((at for at, period in enumerate(periods) if period.start >= start), None)
        if at is not None:
            found.setdefault(at, {}).update(dict.fromkeys(change.versions))
    return [(at, RuleChange(periods[at].label, tuple(versions))) for at, versions in sorted(found.items())]


def _grouped(by: str, days: Iterable[Period]) -> list[Period]:
    found: dict[date, Period] = {}
    for day in days:
        start, label = _period_of(by, day.start)
        before = found.get(start)
        new, fixed, regressed = (before.new, before.fixed, before.regressed) if before else (0, 0, 0)
        found[start] = replace(
            day,
            start=start,
            last=day.start,
            label=label,
            new=new + day.new,
            fixed=fixed + day.fixed,
            regressed=regressed + day.regressed,
        )
    return list(found.values())


def _period_of(by: str, day: date) -> tuple[date, str]:
    if by == "month":
        return day.replace(day=1), f"{day:%b %Y}"
    if by == "week":
        year, week, _ = day.isocalendar()
        return day - timedelta(days=day.weekday()), f"{year}-W{week:02d}"
    return day, f"{day:%d %b}"


def _with_changes(periods: Iterable[Period]) -> Iterable[Period]:
    before: float | None = None
    for period in periods:
        share = period.compliance
        change = (share - before) * 100 if share is not None and before is not None else None
        yield replace(period, change=change)
        before = share if share is not None else before
