"""The first page: where the fleet stands, what got worse, what needs somebody."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from django.db.models import Avg, Case, Count, F, Min, Q, Sum, When, Window

from compliance.access import Actor, may_see_operations
from compliance.charts import Part, parts
from compliance.models import ACTIVE, Scan, State, TagChange, VerdictChoice
from compliance.queries.counted import Counted
from compliance.queries.day_sums import protected_on
from compliance.queries.filters import VERDICTS, Chip, choice_of, registries_for
from compliance.queries.overview_causes import Work, work_of
from compliance.queries.trend import Period, Trend, fleet_trend
from compliance.queries.waivers import count_expiring
from compliance.queries.work_scope import Choices, WorkScope, choices_for, read_scope

WINDOWS: dict[str, str] = {"7": "7 days", "30": "30 days", "90": "90 days", "365": "1 year"}
_LIST = 8
_WORST = 10
_MISSED = Case(When(webhook__enabled=True, then="webhook__unannounced"))
_MOVED = ("failed", "unknown", "waived", "overdue")


@dataclass(frozen=True, slots=True)
class Totals:
    """Everything the cards count; ``announcing`` registries tell of pushes and are heard, ``missing`` not of all."""

    repositories: int
    never_scanned: int
    tags: int
    passed: int
    failed: int
    failed_protected: int
    unknown: int
    waived: int
    not_applicable: int
    registries: int
    registries_in_error: int
    running: int
    announcing: int
    missing: int
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
    """A tag that began to fail; ``pusher`` is who pushed it so, where that is known."""

    registry_slug: str
    repository: str
    tag: str
    was: str
    became: str
    at: datetime
    digest: str
    pusher: str | None


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
    """The page.

    :param change: of the compliance since the day ``since``, in points; ``moved``: of other cards' numbers since then,
        ``None`` for one that was not kept on that day.
    """

    scope: WorkScope
    choices: Choices
    window: str
    totals: Totals
    work: Work
    expiring: Counted
    worse_since: datetime
    last_visit: bool
    trend: Trend
    change: float | None
    since: date | None
    moved: Mapping[str, int | None]
    worse: tuple[Worse, ...]
    worst: tuple[WorstRepository, ...]
    running: tuple[RunningScan, ...]
    last_scan: LastScan | None

    @property
    def chips(self) -> tuple[Chip, ...]:
        """What the page is kept to."""
        return self.scope.chips(days=self.window)

    @property
    def links(self) -> dict[str, str]:
        """The query strings of the lists that the cards count."""
        verdicts = {verdict: self.scope.address(verdict=verdict) for verdict in VERDICTS}
        shows = {show: self.scope.address(show=show) for show in ("never", "failing")}
        protected = self.scope.address(verdict="fail", **{"is": "protected"})
        remediation = self.scope.page(days=self.window)
        return {"all": self.scope.address(), **verdicts, **shows, "protected": protected, "remediation": remediation}

    @property
    def empty(self) -> bool:
        """Whether there is nothing to show but the way to begin."""
        return not self.scope.pairs and self.totals.evaluated + self.totals.not_applicable == 0


def overview(params: Mapping[str, str], actor: Actor, *, now: datetime, last_visit: datetime | None = None) -> Overview:
    """Sum up what somebody sees of the scope and the window that the address asks for.

    :param last_visit: since when "got worse" counts; otherwise within the window.
    """
    window = choice_of(params, "days", WINDOWS) or "30"
    homes = _Homes(
        tuple(registries_for(actor).values_list("slug", "name", "problem_code", "pk", "environment", _MISSED))
    )
    choices = choices_for(actor, [(slug, name, pk, place) for slug, name, _, pk, place, _ in homes.rows])
    scope = read_scope(params, actor, choices)
    active = _active() if may_see_operations(actor) else _Active()
    totals, score = _totals(scope, homes, active)
    work = work_of(scope, choices, int(window), now=now)
    worse_since = last_visit or now - timedelta(days=int(window))
    live = Period(
        now.date(), "", totals.evaluated, totals.passed, totals.failed, totals.unknown, 0, 0, score,
        waived=totals.waived, overdue=work.overdue.count,
    )  # fmt: skip
    trend = fleet_trend(int(window), scope, today=now.date(), live=live if totals.evaluated else None)
    judged = [period for period in trend.periods if period.compliance is not None]
    began = judged[0].last if len(judged) > 1 else None
    expiring, expired = count_expiring(scope.pairs, actor, now=now, then=_end_of(began))
    return Overview(
        scope=scope,
        choices=choices,
        window=window,
        totals=totals,
        work=work,
        expiring=Counted(expiring, scope.address(state="expiring")),
        worse_since=worse_since,
        last_visit=last_visit is not None,
        trend=trend,
        change=_points(judged[0], judged[-1]) if len(judged) > 1 else None,
        since=judged[0].last if judged else None,
        moved={}
        if began is None
        else {
            **{name: getattr(judged[-1], name) - getattr(judged[0], name) for name in _MOVED},
            "failed_protected": _less(totals.failed_protected, protected_on(scope, began)),
            "expiring": _less(expiring, expired),
        },
        worse=_worse(scope, worse_since),
        worst=_worst(scope),
        running=active.scans,
        last_scan=active.last,
    )


def _end_of(day: date | None) -> datetime | None:
    return None if day is None else datetime.combine(day + timedelta(days=1), time(), UTC)


def _less(count: int, before: int | None) -> int | None:
    return None if before is None else count - before


def _points(first: Period, last: Period) -> float:
    return ((last.compliance or 0) - (first.compliance or 0)) * 100


@dataclass(frozen=True, slots=True)
class _Homes:
    """Registries that hold something somebody may see: slug, name, problem, id, environment, ``_MISSED``."""

    rows: tuple[tuple[str, str, str, int, str, int | None], ...]


def _totals(scope: WorkScope, homes: _Homes, active: _Active) -> tuple[Totals, Any]:
    sums: dict[str, Any] = scope.repositories.listed().aggregate(
        repositories=Count("pk"),
        never_scanned=Count("pk", filter=Q(scanned_at=None)),
        tags=Sum("tags_total"),
        passed_=Sum("passed"),
        failed_=Sum("failed"),
        protected=Sum("failed_protected"),
        unknown_=Sum("unknown"),
        waived_=Sum("waived"),
        na=Sum("not_applicable"),
        oldest_scan=Min("scanned_at"),
        mean=Avg("score"),
    )
    return Totals(
        repositories=sums["repositories"],
        never_scanned=sums["never_scanned"],
        tags=sums["tags"] or 0,
        passed=sums["passed_"] or 0,
        failed=sums["failed_"] or 0,
        failed_protected=sums["protected"] or 0,
        unknown=sums["unknown_"] or 0,
        waived=sums["waived_"] or 0,
        not_applicable=sums["na"] or 0,
        registries=len(homes.rows),
        registries_in_error=sum(problem != "" for _, _, problem, _, _, _ in homes.rows),
        running=active.count,
        announcing=sum(missed is not None for *_, missed in homes.rows),
        missing=sum(bool(missed) for *_, missed in homes.rows),
        oldest_scan=sums["oldest_scan"],
    ), sums["mean"]


def _worse(scope: WorkScope, since: datetime) -> tuple[Worse, ...]:
    rows = (
        scope.of(TagChange.objects.all())
        .filter(at__gte=since, became=VerdictChoice.FAIL, repository__deleted_at=None)
        .exclude(was=VerdictChoice.FAIL)
        .select_related("repository__registry", "tag")
        .order_by("-at", "-pk")[:_LIST]
    )
    return tuple(
        Worse(r.repository.registry.slug, r.repository.name, r.tag.name, r.was, r.became, r.at, r.to_digest, r.pusher)
        for r in rows
    )


def _worst(scope: WorkScope) -> tuple[WorstRepository, ...]:
    failing = scope.repositories.listed().filter(failed__gt=0)
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
        for row in rows[:_WORST]
    )


@dataclass(frozen=True, slots=True)
class _Active:
    """Scans under way, the first few and how many, and the one that ended last."""

    scans: tuple[RunningScan, ...] = ()
    count: int = 0
    last: LastScan | None = None


def _active() -> _Active:
    newest = Scan.objects.filter(state=State.DONE).order_by("-finished_at").values("pk")[:1]
    rows = list(
        Scan.objects.filter(Q(state__in=ACTIVE) | Q(pk__in=newest))
        .select_related("registry")
        .annotate(active=Window(Count("pk", filter=Q(state__in=ACTIVE))))
        .order_by(F("finished_at").desc(nulls_last=True), "pk")[: _LIST + 1]
    )
    running = [row for row in rows if row.state in ACTIVE]
    done = next((row for row in rows if row.state == State.DONE), None)
    return _Active(
        tuple(RunningScan(row.pk, row.registry.name, row.tags_done, row.tags_total) for row in running[:_LIST]),
        vars(rows[0])["active"] if rows else 0,
        LastScan(done.pk, done.registry.name, done.finished_at, done.new, done.fixed) if done else None,
    )
