"""Trends: what the daily snapshots of one repository, or of the whole fleet, say by day, week or month.

Closed days never change, so the fleet's sums of closed days are kept in Django's cache, under a key that changes when
another row is closed. Today is always the totals the lists show, also where no scan has written today's row yet.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal

from django.core.cache import caches
from django.db.models import Avg, QuerySet, Sum

from compliance.charts import Chart, Series, stacked, up_and_down
from compliance.models import DailySnapshot
from compliance.queries.rule_changes import (
    PolicyChange,
    VersionName,
    newest_closed,
    policy_changes,
    policy_changes_of,
)
from compliance.queries.work_scope import WorkScope

PERIODS: dict[str, tuple[str, int]] = {"day": ("Day", 30), "week": ("Week", 26), "month": ("Month", 12)}
_CACHE_SECONDS = 3_600


@dataclass(frozen=True, slots=True)
class Period:
    """One day, week or month: totals at its end, comings and goings within it.

    ``regressed``: of the new ones, those that passed before. ``overdue``: findings past their due date at its end.

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

    @property
    def compliance(self) -> float | None:
        """Share of the evaluated tags that pass."""
        return self.passed / self.evaluated if self.evaluated else None


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


def repository_trend(repository_id: int, name: str, by: str, *, today: date, live: Period | None = None) -> Trend:
    """The trend of one repository; ``by`` is a key of ``PERIODS``, ``live`` today's totals as its page shows them."""
    start = _start(by, today)
    rows = (
        DailySnapshot.objects.filter(repository=repository_id, day__gte=start)
        .select_related("policy_version__policy")
        .order_by("day")
    )
    days = [
        Period(
            row.day, "", row.evaluated, row.passed, row.failed, row.unknown, row.new, row.fixed, row.score,
            str(row.policy_version), waived=row.waived, regressed=row.regressed, overdue=row.overdue,
        )
        for row in rows
    ]  # fmt: skip
    changes = policy_changes_of(DailySnapshot.objects.filter(repository=repository_id), start, today=today)
    return _trend(by, f"Verdicts of the tags of {name}", _until_now(days, live), changes)


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
    """The trend of a scope, by day; ``live`` is today's total as the lists show it."""
    start = today - timedelta(days=days - 1)
    newest = (newest_closed(today) or 0) if _is_large(scope) else None
    closed = _closed_days(start, scope, today=today, newest=newest)
    seen = scope.of(DailySnapshot.objects.all())
    sums = {name: Sum(name, default=0) for name in ("new", "fixed", "regressed")}
    activity = seen.filter(day=today).aggregate(**sums)
    last = [replace(live, **activity)] if live else []
    if scope.everything:
        title, changes = "Verdicts of all tags", policy_changes(start, today=today, newest=newest)
    else:
        title, changes = f"Verdicts of the tags of {scope.name}", policy_changes_of(seen, start, today=today)
    return _trend("day", title, [*closed, *last], changes)


def _is_large(scope: WorkScope) -> bool:
    """Everything, or a registry of it; who sees that cannot tell by it what others see."""
    return scope.actor.sees_everything and not scope.team


def _closed_days(start: date, scope: WorkScope, *, today: date, newest: int | None) -> list[Period]:
    """Sums of the whole fleet are kept; those of teams are few rows and are summed each time."""
    past = scope.of(DailySnapshot.objects.filter(day__gte=start, day__lt=today, closed=True))
    if not _is_large(scope):
        return _fleet_days(past)
    key = f"fleet-trend:{scope.registry}:{start:%Y%m%d}:{today:%Y%m%d}:{newest}"
    closed: list[Period] | None = caches["process"].get(key)
    if closed is None:
        closed = _fleet_days(past)
        caches["process"].set(key, closed, _CACHE_SECONDS)
    return closed


def _fleet_days(past: QuerySet[DailySnapshot]) -> list[Period]:
    # A day that is over but not closed yet lacks the repositories nobody scanned; it is left out until it is whole.
    rows = (
        past.values("day")
        .annotate(
            e=Sum("evaluated"), p=Sum("passed"), f=Sum("failed"), u=Sum("unknown"), n=Sum("new"), x=Sum("fixed"),
            s=Avg("score"), w=Sum("waived"), r=Sum("regressed"), o=Sum("overdue"),
        )
        .order_by("day")
    )  # fmt: skip
    return [
        Period(
            r["day"], "", r["e"], r["p"], r["f"], r["u"], r["n"], r["x"], r["s"],
            waived=r["w"], regressed=r["r"], overdue=r["o"],
        )
        for r in rows
    ]  # fmt: skip


def _start(by: str, today: date) -> date:
    count = PERIODS[by][1]
    if by == "month":
        years, month = divmod(today.year * 12 + today.month - 1 - (count - 1), 12)
        return date(years, month + 1, 1)
    if by == "week":
        return today - timedelta(days=today.weekday()) - timedelta(weeks=count - 1)
    return today - timedelta(days=count - 1)


def _trend(by: str, title: str, days: Sequence[Period], changed: Sequence[PolicyChange]) -> Trend:
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
