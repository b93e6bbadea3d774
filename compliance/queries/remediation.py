"""How remediation goes, asked of Postgres in whole sets: what ``compliance.remediation.metrics`` says of single spans.

What was unfixed at the end of a day follows from what is unfixed now and from what came and went since.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from hashlib import sha256
from typing import Any

from django.core.cache import caches
from django.core.exceptions import EmptyResultSet
from django.db import connection
from django.db.models import (
    Aggregate,
    Avg,
    Count,
    DurationField,
    ExpressionWrapper,
    F,
    FloatField,
    Max,
    Min,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
)
from django.db.models.functions import Extract

from compliance.models import Finding, FindingSpan, Repository, StatusChoice
from compliance.remediation.metrics import AGES, FIXED_BY, Day, Pace, Standing, Window
from compliance.remediation.sla import SOON
from compliance.remediation.status import TO_DO

_TO_DO = Q(status__in=sorted(status.value for status in TO_DO))
_UNFIXED = sorted({*(status.value for status in TO_DO), StatusChoice.WAIVED.value})
_FIXED_BY = sorted(resolution.value for resolution in FIXED_BY)
_DAY = timedelta(days=1)
_CACHE_SECONDS = 3_600


class _Quantile(Aggregate):
    """Postgres's ``percentile_cont``."""

    function = "percentile_cont"
    template = "%(function)s(%(share)s) WITHIN GROUP (ORDER BY %(expressions)s)"
    output_field = FloatField()


@dataclass(frozen=True, slots=True)
class Pile:
    """Unfixed findings of one team and severity, to be done unless ``waived``."""

    team: int | None
    rank: int
    open: int
    overdue: int
    due: int
    waived: int
    ages: tuple[int, ...]
    oldest: datetime | None


def piles(repositories: QuerySet[Repository] | None, *, now: datetime) -> tuple[Pile, ...]:
    """What is unfixed now, by team and severity.

    :param repositories: the scope; ``None`` for everything.
    """
    to_do = _TO_DO
    ages = {f"age{at}": Count("pk", filter=to_do & _aged(least, most, now)) for at, (_, _, least, most) in _ages()}
    rows = (
        _within(Finding.objects.filter(status__in=_UNFIXED), repositories)
        .order_by()
        .values("repository__team", "rank")
        .annotate(
            open=Count("pk", filter=to_do),
            overdue=Count("pk", filter=to_do & Q(due_at__lt=now)),
            due=Count("pk", filter=to_do & Q(due_at__gte=now, due_at__lte=now + SOON)),
            waived_=Count("pk", filter=~to_do),
            oldest=Min("opened_at", filter=to_do),
            **ages,
        )
    )
    return tuple(
        Pile(
            row["repository__team"], row["rank"], row["open"], row["overdue"], row["due"], row["waived_"],
            tuple(row[name] for name in ages), row["oldest"],
        )
        for row in rows
    )  # fmt: skip


def standing_of(found: Iterable[Pile]) -> Standing:
    """Piles put together."""
    all_of = tuple(found)
    return Standing(
        open=sum(pile.open for pile in all_of),
        overdue=sum(pile.overdue for pile in all_of),
        due=sum(pile.due for pile in all_of),
        waived=sum(pile.waived for pile in all_of),
        ages=tuple(sum(pile.ages[at] for pile in all_of) for at in range(len(AGES))),
    )


def _ages() -> Iterable[tuple[int, tuple[str, str, int, int | None]]]:
    return enumerate(AGES)


def _aged(least: int, most: int | None, now: datetime) -> Q:
    youngest = Q(opened_at__lte=now - least * _DAY) if least else Q()
    return youngest if most is None else youngest & Q(opened_at__gt=now - (most + 1) * _DAY)


def pace_of(repositories: QuerySet[Repository] | None, window: Window) -> Pace:
    """How fast findings were fixed within a window."""
    spans = _spans(repositories)
    gone = _fixed(spans, window).aggregate(
        fixed=Count("finding", distinct=True), kept=Count("pk", filter=_kept(window)), **_speed()
    )
    came = spans.filter(opened_at__gte=window.since, opened_at__lt=window.until).aggregate(
        opened=Count("finding", distinct=True), reopened=Count("finding", distinct=True, filter=Q(reopened=True))
    )
    return _pace({**gone, **came})


def paces_by_team(repositories: QuerySet[Repository], window: Window) -> dict[int | None, Pace]:
    """How long fixing took and how often it was in time, by team; the other numbers stay zero."""
    rows = _fixed(_spans(repositories), window).order_by().values("repository__team").annotate(**_speed())
    return {row["repository__team"]: _pace(row) for row in rows}


def _pace(row: Mapping[str, Any]) -> Pace:
    return Pace(
        fixed=row.get("fixed", 0),
        kept=row.get("kept", 0),
        opened=row.get("opened", 0),
        reopened=row.get("reopened", 0),
        dated=row["dated"],
        in_time=row["in_time"],
        median=_seconds(row["median"]),
        mean=row["mean"],
        p90=_seconds(row["p90"]),
    )


def _seconds(value: float | None) -> timedelta | None:
    return None if value is None else timedelta(seconds=value)


def _fixed(spans: QuerySet[FindingSpan], window: Window) -> QuerySet[FindingSpan]:
    return spans.filter(closed_at__gte=window.since, closed_at__lt=window.until, resolution__in=_FIXED_BY)


def _speed() -> dict[str, Aggregate]:
    lasted = ExpressionWrapper(F("closed_at") - F("opened_at"), output_field=DurationField())
    seconds = Extract(lasted, "epoch")
    return {
        "dated": Count("due_at"),
        "in_time": Count("pk", filter=Q(closed_at__lt=F("due_at"))),
        "median": _Quantile(seconds, share=0.5),
        "mean": Avg(lasted),
        "p90": _Quantile(seconds, share=0.9),
    }


def _kept(window: Window) -> Q:
    """Not opened again before the window ends."""
    newest = (
        FindingSpan.objects.filter(finding=OuterRef("finding"), opened_at__lt=window.until)
        .order_by()
        .values("finding")
        .annotate(newest=Max("opened_at"))
        .values("newest")
    )
    return Q(opened_at=Subquery(newest))


def days_of(
    repositories: QuerySet[Repository] | None, window: Window, standing: Standing, *, now: datetime
) -> tuple[Day, ...]:
    """Each day of a window that ends today: what came, what went, what was left.

    :param standing: of the same repositories, now.
    """
    flows = _flows(repositories, window, now)
    unfixed, late, waived = standing.open + standing.waived, standing.overdue, standing.waived
    found: list[Day] = []
    for day in reversed(window.days):
        flow = flows.get(day, _Flow())
        found.append(Day(day, flow.opened, flow.fixed, flow.dropped, unfixed - late - waived, late, waived))
        unfixed += flow.fixed + flow.dropped - flow.opened
        late += flow.late_out - flow.late_in
        waived -= flow.waived
    return tuple(reversed(found))


def history(
    repositories: QuerySet[Repository] | None, window: Window, standing: Standing, *, now: datetime
) -> tuple[Pace, tuple[Day, ...]]:
    """Pace and days; those of everything are kept until any finding changes."""
    if repositories is not None:
        return pace_of(repositories, window), days_of(repositories, window, standing, now=now)
    key = f"remediation:{window.first:%Y%m%d}:{window.last:%Y%m%d}:{_stamp()}"
    kept: tuple[Pace, tuple[Day, ...]] | None = caches["process"].get(key)
    if kept is None:
        kept = pace_of(None, window), days_of(None, window, standing, now=now)
        caches["process"].set(key, kept, _CACHE_SECONDS)
    pace, (*before, today) = kept
    # What falls due while nobody touches anything is the one thing that changes without a finding being written.
    late = standing.overdue
    return pace, (*before, replace(today, late=late, on_time=standing.open - late, waived=standing.waived))


_STAMP = """
SELECT (SELECT count(*) FROM compliance_registry), (SELECT max(id) FROM compliance_findingspan),
    (SELECT string_agg(last.at::text, ',') FROM unnest(%s::text[]) status CROSS JOIN LATERAL (
        SELECT max(changed_at) AS at FROM compliance_finding f WHERE f.status = status) last)
"""


def _stamp() -> str:
    """Another one whenever a finding was written or a registry went with its own."""
    with connection.cursor() as cursor:
        cursor.execute(_STAMP, [StatusChoice.values])
        return sha256(repr(cursor.fetchone()).encode()).hexdigest()[:24]


# Episodes that ended in the window are read from their spans, the others from their findings, whose columns say the
# same. Days are compared as days: who is late at the end of a day was due by then and had not left.
_FLOWS = """
WITH closed AS MATERIALIZED (
    SELECT (s.opened_at AT TIME ZONE 'UTC')::date AS opened, (s.closed_at AT TIME ZONE 'UTC')::date AS closed,
        s.resolution = ANY(%(fixed_by)s) AS fixed,
        CASE WHEN s.due_at IS NOT NULL THEN (GREATEST(s.due_at, s.opened_at) AT TIME ZONE 'UTC')::date END AS late
    FROM compliance_findingspan s
    WHERE s.closed_at >= %(since)s AND s.closed_at < %(until)s
        AND s.finding_id NOT IN (SELECT id FROM compliance_finding WHERE status = 'false_positive') {spans}
), unfixed AS MATERIALIZED (
    SELECT (f.opened_at AT TIME ZONE 'UTC')::date AS opened,
        CASE WHEN f.due_at < %(now)s THEN (GREATEST(f.due_at, f.opened_at) AT TIME ZONE 'UTC')::date END AS late,
        CASE WHEN f.status = 'waived' THEN (COALESCE((SELECT max(e.at) FROM compliance_findingevent e
            WHERE e.finding_id = f.id AND e.kind = 'waiver' AND e.was = ''), f.changed_at) AT TIME ZONE 'UTC')::date
        END AS waived
    FROM compliance_finding f
    WHERE f.status = ANY(%(unfixed)s)
        AND (f.opened_at >= %(since)s OR f.due_at >= %(since)s OR f.status = 'waived') {findings}
)
SELECT day, sum(opened)::int, sum(fixed)::int, sum(dropped)::int, sum(late_in)::int, sum(late_out)::int,
    sum(waived)::int
FROM (
    SELECT opened AS day, count(*) AS opened, 0 AS fixed, 0 AS dropped, 0 AS late_in, 0 AS late_out, 0 AS waived
        FROM closed GROUP BY opened
    UNION ALL SELECT closed, 0, count(*) FILTER (WHERE fixed), count(*) FILTER (WHERE NOT fixed), 0,
        count(*) FILTER (WHERE late < closed), 0 FROM closed GROUP BY closed
    UNION ALL SELECT late, 0, 0, 0, count(*), 0, 0 FROM closed WHERE late < closed GROUP BY late
    UNION ALL SELECT opened, count(*), 0, 0, 0, 0, 0 FROM unfixed GROUP BY opened
    UNION ALL SELECT late, 0, 0, 0, count(*), 0, 0 FROM unfixed
        WHERE late IS NOT NULL AND (waived IS NULL OR late < waived) GROUP BY late
    UNION ALL SELECT waived, 0, 0, 0, 0, count(*) FILTER (WHERE late < waived), count(*) FROM unfixed
        WHERE waived IS NOT NULL GROUP BY waived
) flows WHERE day >= %(first)s GROUP BY day
"""


@dataclass(frozen=True, slots=True)
class _Flow:
    """What changed on one day."""

    opened: int = 0
    fixed: int = 0
    dropped: int = 0
    late_in: int = 0
    late_out: int = 0
    waived: int = 0


def _flows(repositories: QuerySet[Repository] | None, window: Window, now: datetime) -> dict[date, _Flow]:
    scope, params = _scope_sql(repositories)
    sql = _FLOWS.format(
        spans=f"AND s.repository_id IN ({scope})" if scope else "",
        findings=f"AND f.repository_id IN ({scope})" if scope else "",
    )
    values = {
        "since": window.since,
        "until": window.until,
        "first": window.first,
        "now": now,
        "unfixed": _UNFIXED,
        "fixed_by": _FIXED_BY,
        **params,
    }
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        return {day: _Flow(*counts) for day, *counts in cursor.fetchall()}


def _scope_sql(repositories: QuerySet[Repository] | None) -> tuple[str, dict[str, object]]:
    """A subquery of ids with named parameters."""
    if repositories is None:
        return "", {}
    try:
        sql, params = repositories.order_by().values("pk").query.sql_with_params()
    except EmptyResultSet:  # somebody without a team
        return "SELECT 0", {}
    names = [f"scope{at}" for at in range(len(params))]
    return sql % tuple(f"%({name})s" for name in names), dict(zip(names, params, strict=True))


def _spans(repositories: QuerySet[Repository] | None) -> QuerySet[FindingSpan]:
    """The episodes that count."""
    false = Finding.objects.filter(status=StatusChoice.FALSE_POSITIVE).order_by().values("pk")
    return _within(FindingSpan.objects.exclude(finding__in=false), repositories)


def _within(rows: QuerySet[Any], repositories: QuerySet[Repository] | None) -> QuerySet[Any]:
    return rows if repositories is None else rows.filter(repository__in=repositories.order_by().values("pk"))
