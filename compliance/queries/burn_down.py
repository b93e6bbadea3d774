"""Trends of remediation: what came and went each day, and what was left, for a scope or for each of several teams.

What was unfixed at the end of a day follows from what is unfixed now and from what came and went since.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any

from django.core.exceptions import EmptyResultSet
from django.db import connection
from django.db.models import QuerySet

from compliance.models import Repository
from compliance.queries.remediation import FIXED_BY_VALUES, UNFIXED, Pile, pace_of, standing_of
from compliance.queries.shelf import NO_SHELF, Shelf
from compliance.remediation.metrics import Day, Pace, Standing, Window

POINTS = 12


def days_of(
    repositories: QuerySet[Repository] | None, window: Window, standing: Standing, *, now: datetime
) -> tuple[Day, ...]:
    """Each day of a window that ends today: what came, what went, what was left.

    :param standing: of the same repositories, now.
    """
    return _days(window, standing, _flows(repositories, window, now).get(0, {}))


def days_by_team(
    repositories: QuerySet[Repository], window: Window, standings: Mapping[int | None, Standing], *, now: datetime
) -> dict[int | None, tuple[Day, ...]]:
    """The same of several teams, and of what none owns, by one query.

    :param standings: of the teams whose days are asked for.
    """
    flows = _flows(repositories, window, now, by_team=True)
    return {team: _days(window, standing, flows.get(team or 0, {})) for team, standing in standings.items()}


def _days(window: Window, standing: Standing, flows: Mapping[date, _Flow]) -> tuple[Day, ...]:
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
    repositories: QuerySet[Repository] | None,
    window: Window,
    found: Sequence[Pile],
    *,
    now: datetime,
    shelf: Shelf = NO_SHELF,
) -> tuple[Pace, tuple[Day, ...]]:
    """Pace and days.

    :param found: what is unfixed of the same repositories now.
    :param shelf: where those of the same repositories are kept; it was asked for before ``found`` was read.
    """
    standing = standing_of(found)

    def make() -> tuple[Pace, tuple[Day, ...]]:
        return pace_of(repositories, window), days_of(repositories, window, standing, now=now)

    pace, (*before, today) = shelf.kept("history", window, make)
    # What falls due while nobody touches anything is the one thing that changes without a finding being written.
    late = standing.overdue
    return pace, (*before, replace(today, late=late, on_time=standing.open - late, waived=standing.waived))


# Episodes that ended in the window are read from their spans, the others from their findings, whose columns say the
# same. Days are compared as days: who is late at the end of a day was due by then and had not left.
_FLOWS = """
WITH closed AS MATERIALIZED (
    SELECT {team} AS team, (s.opened_at AT TIME ZONE 'UTC')::date AS opened,
        (s.closed_at AT TIME ZONE 'UTC')::date AS closed,
        s.resolution = ANY(%(fixed_by)s) AS fixed,
        CASE WHEN s.due_at IS NOT NULL THEN (GREATEST(s.due_at, s.opened_at) AT TIME ZONE 'UTC')::date END AS late
    FROM compliance_findingspan s {home_of_span}
    WHERE s.closed_at >= %(since)s AND s.closed_at < %(until)s
        AND NOT EXISTS (SELECT FROM compliance_finding n WHERE n.id = s.finding_id AND n.status = 'false_positive')
        {spans}
), unfixed AS MATERIALIZED (
    SELECT {team} AS team, (f.opened_at AT TIME ZONE 'UTC')::date AS opened,
        CASE WHEN f.due_at < %(now)s THEN (GREATEST(f.due_at, f.opened_at) AT TIME ZONE 'UTC')::date END AS late,
        CASE WHEN f.status = 'waived' THEN (COALESCE(w.at, f.changed_at) AT TIME ZONE 'UTC')::date END AS waived
    FROM compliance_finding f {home_of_finding} LEFT JOIN (
        SELECT e.finding_id, max(e.at) AS at FROM compliance_findingevent e WHERE e.kind = 'waiver' AND e.was = ''
        GROUP BY e.finding_id
    ) w ON w.finding_id = f.id AND f.status = 'waived'
    WHERE f.status = ANY(%(unfixed)s)
        AND (f.opened_at >= %(since)s OR f.due_at >= %(since)s OR f.status = 'waived') {findings}
)
SELECT team, day, sum(opened)::int, sum(fixed)::int, sum(dropped)::int, sum(late_in)::int, sum(late_out)::int,
    sum(waived)::int
FROM (
    SELECT team, opened AS day, count(*) AS opened, 0 AS fixed, 0 AS dropped, 0 AS late_in, 0 AS late_out, 0 AS waived
        FROM closed GROUP BY team, opened
    UNION ALL SELECT team, closed, 0, count(*) FILTER (WHERE fixed), count(*) FILTER (WHERE NOT fixed), 0,
        count(*) FILTER (WHERE late < closed), 0 FROM closed GROUP BY team, closed
    UNION ALL SELECT team, late, 0, 0, 0, count(*), 0, 0 FROM closed WHERE late < closed GROUP BY team, late
    UNION ALL SELECT team, opened, count(*), 0, 0, 0, 0, 0 FROM unfixed GROUP BY team, opened
    UNION ALL SELECT team, late, 0, 0, 0, count(*), 0, 0 FROM unfixed
        WHERE late IS NOT NULL AND (waived IS NULL OR late < waived) GROUP BY team, late
    UNION ALL SELECT team, waived, 0, 0, 0, 0, count(*) FILTER (WHERE late < waived), count(*) FROM unfixed
        WHERE waived IS NOT NULL GROUP BY team, waived
) flows WHERE day >= %(first)s GROUP BY team, day
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


def _flows(
    repositories: QuerySet[Repository] | None, window: Window, now: datetime, *, by_team: bool = False
) -> dict[int, dict[date, _Flow]]:
    """By team and day; team 0 is nobody, or everybody where teams are not told apart."""
    scope, params = scope_sql(repositories)
    home = "JOIN compliance_repository home ON home.id = {}.repository_id"
    sql = _FLOWS.format(
        team="COALESCE(home.team_id, 0)" if by_team else "0",
        home_of_span=home.format("s") if by_team else "",
        home_of_finding=home.format("f") if by_team else "",
        spans=f"AND s.repository_id IN ({scope})" if scope else "",
        findings=f"AND f.repository_id IN ({scope})" if scope else "",
    )
    values: dict[str, Any] = {
        "since": window.since,
        "until": window.until,
        "first": window.first,
        "now": now,
        "unfixed": UNFIXED,
        "fixed_by": FIXED_BY_VALUES,
        **params,
    }
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        found: dict[int, dict[date, _Flow]] = {}
        for team, day, *counts in cursor.fetchall():
            found.setdefault(team, {})[day] = _Flow(*counts)
        return found


def scope_sql(repositories: QuerySet[Repository] | None) -> tuple[str, dict[str, Any]]:
    """A subquery of the ids of repositories, with named parameters; empty for everything."""
    if repositories is None:
        return "", {}
    try:
        sql, params = repositories.order_by().values("pk").query.sql_with_params()
    except EmptyResultSet:  # somebody without a team
        return "SELECT 0", {}
    names = [f"scope{at}" for at in range(len(params))]
    return sql % tuple(f"%({name})s" for name in names), dict(zip(names, params, strict=True))


_SPARKS = """
SELECT team, bucket, sum(opened)::int - sum(closed)::int
FROM (
    SELECT COALESCE(r.team_id, 0) AS team,
        width_bucket(extract(epoch FROM s.opened_at), %(since)s, %(until)s, %(points)s) AS bucket, 1 AS opened,
        0 AS closed
    FROM compliance_findingspan s JOIN compliance_repository r ON r.id = s.repository_id
    WHERE s.opened_at >= to_timestamp(%(since)s) AND COALESCE(r.team_id, 0) = ANY(%(teams)s)
        {registries}
        AND NOT EXISTS (SELECT FROM compliance_finding n WHERE n.id = s.finding_id AND n.status = 'false_positive')
    UNION ALL
    SELECT COALESCE(r.team_id, 0), width_bucket(extract(epoch FROM s.closed_at), %(since)s, %(until)s, %(points)s), 0, 1
    FROM compliance_findingspan s JOIN compliance_repository r ON r.id = s.repository_id
    WHERE s.closed_at >= to_timestamp(%(since)s) AND COALESCE(r.team_id, 0) = ANY(%(teams)s)
        {registries}
        AND NOT EXISTS (SELECT FROM compliance_finding n WHERE n.id = s.finding_id AND n.status = 'false_positive')
) flows GROUP BY team, bucket
"""


def courses(
    unfixed: Mapping[int | None, int], window: Window, registry_ids: Sequence[int] | None = None
) -> dict[int | None, tuple[int, ...]]:
    """How many findings of each team were unfixed, at ``POINTS`` moments of a window that ends today.

    :param unfixed: how many there are now, by team.
    :param registry_ids: those of these registries; ``None`` for all.
    """
    sql = _SPARKS.format(registries="" if registry_ids is None else "AND r.registry_id = ANY(%(registries)s)")
    values: dict[str, Any] = {
        "since": window.since.timestamp(),
        "until": window.until.timestamp(),
        "points": POINTS,
        "teams": [team or 0 for team in unfixed],
        "registries": list(registry_ids or ()),
    }
    change: dict[int, dict[int, int]] = {team or 0: {} for team in unfixed}
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        for team, bucket, difference in cursor.fetchall():
            change[team][bucket] = difference
    found: dict[int | None, tuple[int, ...]] = {}
    for team, now in unfixed.items():
        course = [now]
        for bucket in range(POINTS, 0, -1):
            course.append(course[-1] - change[team or 0].get(bucket, 0))
        found[team] = tuple(reversed(course))
    return found
