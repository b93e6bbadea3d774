"""What most of the work comes from: causes in many repositories, and the teams with most to do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count

from compliance.models import Finding, Team
from compliance.queries.burn_down import kept
from compliance.queries.counted import Counted
from compliance.queries.remediation import Pile, by_team, paces_by_team, standing_of
from compliance.queries.work_scope import Choices, WorkScope
from compliance.remediation.metrics import Pace, in_days, last_days
from compliance.remediation.terms import NO_SUBJECT
from scanner.rulebook import RULES

_MOST = 8
_TITLES = {rule.id: rule.title for rule in RULES}


@dataclass(frozen=True, slots=True)
class Cause:
    """The same rule broken by the same USER, wherever it is."""

    rule: str
    title: str
    subject: str
    findings: Counted
    repositories: int


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
    """What is to be done, put together."""

    overdue: Counted
    protected: Counted
    causes: tuple[Cause, ...]
    teams: tuple[TeamLine, ...]


def work_of(scope: WorkScope, choices: Choices, found: Sequence[Pile], days: int, *, now: datetime) -> Work:
    """Causes and teams of a scope.

    :param choices: where names of teams are known from.
    :param found: what is unfixed in it now, by team.
    """
    window = last_days(days, now)
    piles = by_team(found)
    teams = _busiest(found) if not scope.team else []

    def make() -> tuple[tuple[Cause, ...], dict[int | None, Pace]]:
        owned = scope.repositories.filter(team__in=teams)
        return _causes(scope), paces_by_team(owned, window) if teams else {}

    lasting = scope.actor.sees_everything and not scope.team
    causes, paces = kept(f"overview-{scope.registry}", window, found, make) if lasting else make()
    names = _names(teams, choices)
    return Work(
        overdue=Counted(sum(pile.overdue for pile in found), scope.address(due="overdue")),
        protected=Counted(sum(pile.protected for pile in found), scope.address(**{"is": "protected"})),
        causes=causes,
        teams=tuple(_line(names[team], piles[team], paces.get(team, Pace())) for team in teams if team in names),
    )


def _names(teams: Sequence[int], choices: Choices) -> dict[int, tuple[str, str]]:
    labels = dict(choices.teams)
    known = {pk: (slug, labels[slug]) for slug, pk in choices.ids.items()}
    if set(teams) <= known.keys():
        return known
    return {row.pk: (row.slug, row.name) for row in Team.objects.filter(pk__in=teams)}


def _busiest(found: Sequence[Pile]) -> list[int]:
    totals = {team: standing_of(piles) for team, piles in by_team(found).items() if team is not None}
    return sorted(totals, key=lambda team: (-totals[team].overdue, -totals[team].open, team))[:_MOST]


def _line(name: tuple[str, str], found: Sequence[Pile], pace: Pace) -> TeamLine:
    standing = standing_of(found)
    return TeamLine(
        name[0],
        name[1],
        Counted(standing.open, f"?team={name[0]}"),
        Counted(standing.overdue, f"?team={name[0]}&due=overdue"),
        in_days(pace.median),
    )


def _causes(scope: WorkScope) -> tuple[Cause, ...]:
    rows = (
        scope.of(Finding.objects.to_do())
        .order_by()
        .values_list("rule", "subject")
        .annotate(findings=Count("pk"), repositories=Count("repository", distinct=True))
        .order_by("-findings", "rule", "subject")[:_MOST]
    )
    return tuple(
        Cause(
            rule,
            _TITLES.get(rule, rule),
            subject,
            Counted(findings, scope.address(rule=rule, subject=subject or NO_SUBJECT)),
            repositories,
        )
        for rule, subject, findings, repositories in rows
    )
