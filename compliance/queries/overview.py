"""The first page: where the fleet stands, what got worse, what needs somebody."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from django.db.models import Avg, Count, Min, Q, Sum

from compliance.access import Actor, may_see_operations
from compliance.charts import Part, parts
from compliance.models import ACTIVE, Repository, Scan, State, TagChange, VerdictChoice
from compliance.queries.filters import choice_of, registries_for
from compliance.queries.trend import Period, Trend, fleet_trend

WINDOWS: dict[str, str] = {"7": "7 days", "30": "30 days", "90": "90 days", "365": "1 year"}
_LIST = 8


@dataclass(frozen=True, slots=True)
class Totals:
    """Everything the cards count."""

    repositories: int
    never_scanned: int
    tags: int
    passed: int
    failed: int
    unknown: int
    waived: int
    not_applicable: int
    registries: int
    registries_in_error: int
    running: int
    oldest_scan: datetime | None

    @property
    def evaluated(self) -> int:
        """Tags with a verdict that counts."""
        return self.passed + self.failed + self.unknown + self.waived

    @property
    def compliance(self) -> float | None:
        """Share of the evaluated tags that pass."""
        return self.passed / self.evaluated if self.evaluated else None

    @property
    def coverage(self) -> float | None:
        """Share of the repositories that were scanned at least once."""
        return (self.repositories - self.never_scanned) / self.repositories if self.repositories else None

    @property
    def water(self) -> tuple[float, float]:
        """Height of the dry part and of the water in the gauge, whose disc is 52 units high."""
        full = round(52 * (self.compliance or 0), 1)
        return 6 + 52 - full, full


@dataclass(frozen=True, slots=True)
class Worse:
    """A tag that began to fail."""

    registry_slug: str
    repository: str
    tag: str
    was: str
    became: str
    at: datetime
    digest: str


@dataclass(frozen=True, slots=True)
class WorstRepository:
    """A repository with many failing tags."""

    registry_slug: str
    name: str
    failed: int
    evaluated: int
    grade: str
    failing_since: datetime | None
    bar: tuple[Part, ...]


@dataclass(frozen=True, slots=True)
class RunningScan:
    """A scan that is under way."""

    id: int
    registry: str
    done: int
    total: int


@dataclass(frozen=True, slots=True)
class LastScan:
    """The scan that ended last."""

    id: int
    registry: str
    finished_at: datetime | None
    new: int
    fixed: int


@dataclass(frozen=True, slots=True)
class Overview:
    """The page."""

    window: str
    totals: Totals
    trend: Trend
    change: float | None
    since: date | None
    worse: tuple[Worse, ...]
    worst: tuple[WorstRepository, ...]
    running: tuple[RunningScan, ...]
    last_scan: LastScan | None

    @property
    def empty(self) -> bool:
        """Whether there is nothing to show but the way to begin."""
        return self.totals.evaluated + self.totals.not_applicable == 0


def overview(params: Mapping[str, str], actor: Actor, *, now: datetime) -> Overview:
    """Sum up what somebody sees of the fleet, over the window the address asks for."""
    window = choice_of(params, "days", WINDOWS) or "30"
    totals, score = _totals(actor)
    live = Period(
        now.date(), "", totals.evaluated, totals.passed, totals.failed, totals.unknown, 0, 0, score,
        waived=totals.waived,
    )  # fmt: skip
    trend = fleet_trend(int(window), actor, today=now.date(), live=live if totals.evaluated else None)
    judged = [period for period in trend.periods if period.compliance is not None]
    return Overview(
        window=window,
        totals=totals,
        trend=trend,
        change=_points(judged[0], judged[-1]) if len(judged) > 1 else None,
        since=judged[0].start if judged else None,
        worse=_worse(actor, now - timedelta(days=int(window))),
        worst=_worst(actor),
        running=_running() if may_see_operations(actor) else (),
        last_scan=_last_scan() if may_see_operations(actor) else None,
    )


def _points(first: Period, last: Period) -> float:
    return ((last.compliance or 0) - (first.compliance or 0)) * 100


def _totals(actor: Actor) -> tuple[Totals, Any]:
    sums: dict[str, Any] = (
        Repository.objects.listed()
        .for_user(actor)
        .aggregate(
            repositories=Count("pk"),
            never_scanned=Count("pk", filter=Q(scanned_at=None)),
            tags=Sum("tags_total"),
            passed_=Sum("passed"),
            failed_=Sum("failed"),
            unknown_=Sum("unknown"),
            waived_=Sum("waived"),
            na=Sum("not_applicable"),
            oldest_scan=Min("scanned_at"),
            mean=Avg("score"),
        )
    )
    registries = registries_for(actor).aggregate(all=Count("pk"), error=Count("pk", filter=~Q(problem_code="")))
    return Totals(
        repositories=sums["repositories"],
        never_scanned=sums["never_scanned"],
        tags=sums["tags"] or 0,
        passed=sums["passed_"] or 0,
        failed=sums["failed_"] or 0,
        unknown=sums["unknown_"] or 0,
        waived=sums["waived_"] or 0,
        not_applicable=sums["na"] or 0,
        registries=registries["all"],
        registries_in_error=registries["error"],
        running=Scan.objects.filter(state__in=ACTIVE).count() if may_see_operations(actor) else 0,
        oldest_scan=sums["oldest_scan"],
    ), sums["mean"]


def _worse(actor: Actor, since: datetime) -> tuple[Worse, ...]:
    rows = (
        TagChange.objects.for_user(actor)
        .filter(at__gte=since, became=VerdictChoice.FAIL, repository__deleted_at=None)
        .exclude(was=VerdictChoice.FAIL)
        .select_related("repository__registry", "tag")
        .order_by("-at", "-pk")[:_LIST]
    )
    return tuple(
        Worse(r.repository.registry.slug, r.repository.name, r.tag.name, r.was, r.became, r.at, r.to_digest)
        for r in rows
    )


def _worst(actor: Actor) -> tuple[WorstRepository, ...]:
    failing = Repository.objects.listed().for_user(actor).filter(failed__gt=0)
    rows = failing.select_related("registry").order_by("-failed", "name")
    return tuple(
        WorstRepository(
            row.registry.slug,
            row.name,
            row.failed,
            row.passed + row.failed + row.unknown + row.waived,
            row.grade,
            row.failing_since,
            parts(row.passed, row.failed, row.unknown, row.waived),
        )
        for row in rows[:_LIST]
    )


def _running() -> tuple[RunningScan, ...]:
    rows = Scan.objects.filter(state__in=ACTIVE).select_related("registry")[:_LIST]
    return tuple(RunningScan(row.pk, row.registry.name, row.tags_done, row.tags_total) for row in rows)


def _last_scan() -> LastScan | None:
    row = Scan.objects.filter(state=State.DONE).select_related("registry").order_by("-finished_at").first()
    return LastScan(row.pk, row.registry.name, row.finished_at, row.new, row.fixed) if row else None
