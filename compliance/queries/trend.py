"""Trends: what the daily snapshots of one repository, or of the whole fleet, say by day, week or month.

Closed days never change, so the fleet's sums of closed days are kept in Django's cache, under a key that changes when
another row is closed. Today is always the totals the lists show, also where no scan has written today's row yet.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal
from itertools import pairwise

from django.core.cache import cache
from django.db.models import Avg, Max, QuerySet, Sum

from compliance.charts import Chart, Series, stacked, up_and_down
from compliance.models import DailySnapshot, PolicyVersion

PERIODS: dict[str, tuple[str, int]] = {"day": ("Day", 30), "week": ("Week", 26), "month": ("Month", 12)}
_CACHE_SECONDS = 3_600


@dataclass(frozen=True, slots=True)
class Period:
    """One day, week or month: totals at its end, comings and goings within it.

    :param policy: the version that counted at its end; empty for the fleet, where several may.
    :param change: difference of the compliance in percentage points to the period before.
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

    @property
    def compliance(self) -> float | None:
        """Share of the evaluated tags that pass."""
        return self.passed / self.evaluated if self.evaluated else None


@dataclass(frozen=True, slots=True)
class Trend:
    """A chart and the same as a table, newest first."""

    by: str
    chart: Chart
    activity: Chart
    periods: tuple[Period, ...]

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
            str(row.policy_version),
        )
        for row in rows
    ]  # fmt: skip
    return _trend(by, f"Verdicts of the tags of {name}", _until_now(days, live))


def _until_now(days: list[Period], live: Period | None) -> list[Period]:
    if live is None:
        return days
    if not days:
        return [live]
    *before, last = days
    if last.start == live.start:
        return [*before, replace(live, new=last.new, fixed=last.fixed, policy=last.policy)]
    return [*days, replace(live, policy=last.policy)]


@dataclass(frozen=True, slots=True)
class PolicyChange:
    """A day from which on other rules counted: numbers before and after it do not compare.

    :param versions: those that began to count, as ``kubernetes v3``; a repository has one.
    """

    day: date
    versions: tuple[str, ...]


def policy_changes(start: date, *, today: date, repository_id: int | None = None) -> tuple[PolicyChange, ...]:
    """The days after ``start`` on which another policy version began to count, oldest first.

    :param repository_id: of one repository; ``None`` for the fleet, where a version counts from the first repository
        it judges.
    """
    rows = DailySnapshot.objects.filter(day__gte=start, day__lte=today)
    if repository_id is not None:
        return _changes_of(_versions_by_day(rows.filter(repository=repository_id)))
    closed = rows.filter(day__lt=today, closed=True)
    newest = DailySnapshot.objects.filter(day__lt=today, closed=True).aggregate(newest=Max("pk"))["newest"]
    key = f"policy-changes:{start:%Y%m%d}:{today:%Y%m%d}:{newest}"
    found: dict[date, frozenset[int]] | None = cache.get(key)
    if found is None:
        found = _versions_by_day(closed)
        cache.set(key, found, _CACHE_SECONDS)
    return _changes_of(found | _versions_by_day(rows.filter(day=today)))


def _versions_by_day(rows: QuerySet[DailySnapshot]) -> dict[date, frozenset[int]]:
    found: dict[date, set[int]] = {}
    for day, version in rows.order_by().values_list("day", "policy_version_id").distinct():
        found.setdefault(day, set()).add(version)
    return {day: frozenset(found[day]) for day in sorted(found)}


def _changes_of(by_day: Mapping[date, frozenset[int]]) -> tuple[PolicyChange, ...]:
    began = [(day, versions - before) for (_, before), (day, versions) in pairwise(by_day.items())]
    wanted = {version for _, versions in began for version in versions}
    rows = PolicyVersion.objects.filter(pk__in=wanted).select_related("policy") if wanted else ()
    names = {row.pk: str(row) for row in rows}
    return tuple(
        PolicyChange(day, tuple(sorted(names[version] for version in versions))) for day, versions in began if versions
    )


def fleet_trend(days: int, *, today: date, live: Period | None) -> Trend:
    """The trend of everything, by day; ``live`` is today's total as the lists show it."""
    start = today - timedelta(days=days - 1)
    past = DailySnapshot.objects.filter(day__lt=today, closed=True)
    # Every process has its own cache and none is told of a day closed late: the newest closed row tells.
    key = f"fleet-trend:{start:%Y%m%d}:{today:%Y%m%d}:{past.aggregate(newest=Max('pk'))['newest']}"
    closed: list[Period] | None = cache.get(key)
    if closed is None:
        closed = _fleet_days(past.filter(day__gte=start))
        cache.set(key, closed, _CACHE_SECONDS)
    activity = _activity_of(today)
    last = [replace(live, new=activity[0], fixed=activity[1])] if live else []
    return _trend("day", "Verdicts of all tags", [*closed, *last])


def _fleet_days(past: QuerySet[DailySnapshot]) -> list[Period]:
    # A day that is over but not closed yet lacks the repositories nobody scanned; it is left out until it is whole.
    rows = (
        past.values("day")
        .annotate(
            e=Sum("evaluated"), p=Sum("passed"), f=Sum("failed"), u=Sum("unknown"), n=Sum("new"), x=Sum("fixed"),
            s=Avg("score"),
        )
        .order_by("day")
    )  # fmt: skip
    return [Period(r["day"], "", r["e"], r["p"], r["f"], r["u"], r["n"], r["x"], r["s"]) for r in rows]


def _activity_of(day: date) -> tuple[int, int]:
    sums = DailySnapshot.objects.filter(day=day).aggregate(new=Sum("new"), fixed=Sum("fixed"))
    return sums["new"] or 0, sums["fixed"] or 0


def _start(by: str, today: date) -> date:
    count = PERIODS[by][1]
    if by == "month":
        years, month = divmod(today.year * 12 + today.month - 1 - (count - 1), 12)
        return date(years, month + 1, 1)
    if by == "week":
        return today - timedelta(days=today.weekday()) - timedelta(weeks=count - 1)
    return today - timedelta(days=count - 1)


def _trend(by: str, title: str, days: Sequence[Period]) -> Trend:
    periods = tuple(_with_changes(_grouped(by, days)))
    labels = [period.label for period in periods]
    return Trend(
        by,
        stacked(
            title,
            labels,
            (
                Series("pass", "Pass", [period.passed for period in periods]),
                Series("unknown", "Unknown", [period.unknown for period in periods]),
                Series("fail", "Fail", [period.failed for period in periods]),
            ),
            _policy_changes(periods),
        ),
        up_and_down(
            "Tags that began to fail, and tags that stopped",
            labels,
            Series("new", "New", [period.new for period in periods]),
            Series("fixed", "Fixed", [period.fixed for period in periods]),
        ),
        periods,
    )


def _policy_changes(periods: Sequence[Period]) -> list[tuple[int, str]]:
    """Where a line says that the numbers before it were judged by other rules."""
    pairs = enumerate(pairwise(periods), start=1)
    return [(at, period.policy) for at, (before, period) in pairs if period.policy != before.policy]


def _grouped(by: str, days: Iterable[Period]) -> list[Period]:
    found: dict[date, Period] = {}
    for day in days:
        start, label = _period_of(by, day.start)
        before = found.get(start)
        new, fixed = (before.new, before.fixed) if before else (0, 0)
        found[start] = replace(day, start=start, label=label, new=new + day.new, fixed=fixed + day.fixed)
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
