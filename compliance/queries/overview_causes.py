"""What most of the work comes from: causes in many repositories, and the teams with most to do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection

from compliance.models import Team
from compliance.queries.burn_down import scope_sql
from compliance.queries.counted import Counted
from compliance.queries.remediation import Load, loads, paces_by_team
from compliance.queries.work_scope import Choices, WorkScope
from compliance.remediation.metrics import Pace, in_days, last_days
from compliance.remediation.status import TO_DO
from compliance.remediation.terms import NO_SUBJECT
from scanner.rulebook import RULES

_MOST = 8
_MOST_LOOKED = 1_000
_TO_DO = sorted(status.value for status in TO_DO)
_TITLES = {rule.id: rule.title for rule in RULES}


@dataclass(frozen=True, slots=True)
class Cause:
    """The same rule broken by the same USER, wherever it is.

    :param tags: how many show it; ``has_more`` where they were not counted to the end.
    """

    rule: str
    title: str
    subject: str
    findings: Counted
    repositories: int
    tags: Counted
    has_more: bool


@dataclass(frozen=True, slots=True)
class TeamLine:
    """A team with what it has to do."""

    slug: str
    name: str
    open: Counted
    overdue: Counted
    median: str


@dataclass(frozen=True, slots=True)
class Work:
    """What is to be done, put together; ``unowned``: what of it no team owns."""

    open: int
    unowned: int
    overdue: Counted
    protected: Counted
    regressions: Counted
    causes: tuple[Cause, ...]
    teams: tuple[TeamLine, ...]


def work_of(scope: WorkScope, choices: Choices, days: int, *, now: datetime) -> Work:
    """Causes and teams of a scope.

    :param choices: where names of teams are known from.
    """
    window = last_days(days, now)
    found = loads(scope.narrowed, now=now)
    owned_by = [(load.team, load) for load in found if load.team is not None and not scope.team]
    busiest = sorted(owned_by, key=lambda each: (-each[1].overdue, -each[1].open, each[0]))[:_MOST]
    teams = [team for team, _ in busiest]

    owned = scope.repositories.filter(team__in=teams)
    paces = paces_by_team(owned, window) if teams else {}
    names = _names(teams, choices)
    return Work(
        open=sum(load.open for load in found),
        unowned=sum(load.open for load in found if load.team is None),
        overdue=Counted(sum(load.overdue for load in found), scope.address(due="overdue")),
        protected=Counted(sum(load.protected for load in found), scope.address(**{"is": "protected"})),
        regressions=Counted(sum(load.regressions for load in found), scope.address(**{"is": "regression"})),
        causes=_causes(scope),
        teams=tuple(
            _line(scope, *names[team], load, paces.get(team, Pace())) for team, load in busiest if team in names
        ),
    )


def _names(teams: Sequence[int], choices: Choices) -> dict[int, tuple[str, str]]:
    labels = dict(choices.teams)
    known = {pk: (slug, labels[slug]) for slug, pk in choices.ids.items()}
    if set(teams) <= known.keys():
        return known
    return {row.pk: (row.slug, row.name) for row in Team.objects.filter(pk__in=teams)}


def _line(scope: WorkScope, slug: str, name: str, load: Load, pace: Pace) -> TeamLine:
    return TeamLine(
        slug,
        name,
        Counted(load.open, scope.address(team=slug)),
        Counted(load.overdue, scope.address(team=slug, due="overdue")),
        in_days(pace.median),
    )


# Tags are looked at for those causes alone that are shown, and only so far.
_CAUSES = """
WITH causes AS MATERIALIZED (
    SELECT f.rule, f.subject, count(*) AS findings, count(DISTINCT f.repository_id) AS repositories
    FROM compliance_finding f
    WHERE f.status = ANY(%(to_do)s) {hashed}
    GROUP BY f.rule, f.subject ORDER BY findings DESC, f.rule, f.subject LIMIT %(most)s
)
SELECT c.rule, c.subject, c.findings, c.repositories, shown.tags, shown.looked_at
FROM causes c CROSS JOIN LATERAL (
    SELECT count(DISTINCT tag_id) AS tags, count(*) AS looked_at
    FROM (
        SELECT o.tag_id FROM compliance_finding f JOIN compliance_occurrence o ON o.finding_id = f.id
        WHERE f.rule = c.rule AND f.subject = c.subject AND f.status = ANY(%(to_do)s) {scope}
        LIMIT %(most_looked)s
    ) looked
) shown
ORDER BY c.findings DESC, c.rule, c.subject
"""


def _causes(scope: WorkScope) -> tuple[Cause, ...]:
    within, params = scope_sql(scope.narrowed)
    condition = f"AND f.repository_id IN ({within})" if within else ""
    # Of very many repositories: no join, but the findings in the order of their index, each looked up in a hash.
    hashed = f"AND (f.repository_id IN ({within})) IS TRUE" if scope.of_registries else condition
    sql = _CAUSES.format(scope=condition, hashed=hashed)
    values: dict[str, Any] = {"to_do": _TO_DO, "most": _MOST, "most_looked": _MOST_LOOKED, **params}
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        return tuple(_cause(scope, row) for row in cursor.fetchall())


def _cause(scope: WorkScope, row: tuple[str, str, int, int, int, int]) -> Cause:
    rule, subject, findings, repositories, tags, looked_at = row
    address = scope.address(rule=rule, subject=subject or NO_SUBJECT)
    return Cause(
        rule,
        _TITLES.get(rule, rule),
        subject,
        Counted(findings, address),
        repositories,
        Counted(tags, address),
        looked_at == _MOST_LOOKED,
    )
