"""``/teams/<slug>/``: how a team's fixing goes, its repositories with the worst first, and who is in it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlencode

from django.db.models import Count, Min, Q

from compliance.access import Actor, may_see_unowned
from compliance.models import Finding, Repository, Team
from compliance.queries.counted import Counted
from compliance.queries.remediation import piles
from compliance.queries.remediation_page import Remediation, read_window, remediation_of
from compliance.queries.teams import Member, members_of
from compliance.queries.work_scope import team_scope

MOST_REPOSITORIES = 20


@dataclass(frozen=True, slots=True)
class RepositoryLine:
    """A repository with what is to be done in it."""

    registry_slug: str
    name: str
    open: Counted
    overdue: Counted
    oldest: datetime | None
    failed: int
    evaluated: int


@dataclass(frozen=True, slots=True)
class TeamWork:
    """The page.

    :param owned: how many listed repositories there are; ``repositories`` are those with open findings, worst first.
    :param unowned: how many nobody owns, for those who may claim them.
    """

    team: Team
    numbers: Remediation
    repositories: tuple[RepositoryLine, ...]
    owned: int
    members: tuple[Member, ...]
    unowned: int


def team_work(team: Team, params: Mapping[str, str], actor: Actor, *, now: datetime) -> TeamWork:
    """A team that somebody may see."""
    scope = team_scope(team, actor)
    found = piles(scope.narrowed, now=now)
    owned, unowned = _owned(team, actor)
    return TeamWork(
        team,
        remediation_of(scope, found, read_window(params), now=now),
        repositories=_worst(team, now),
        owned=owned,
        members=members_of(team),
        unowned=unowned,
    )


def _owned(team: Team, actor: Actor) -> tuple[int, int]:
    """How many repositories the team owns, and how many nobody owns."""
    counted = Q(team=team) | Q(team=None) if may_see_unowned(actor) else Q(team=team)
    counts = Repository.objects.listed().filter(counted).aggregate(owned=Count("team"), all=Count("pk"))
    return counts["owned"], counts["all"] - counts["owned"]


def _worst(team: Team, now: datetime) -> tuple[RepositoryLine, ...]:
    counts = (
        Finding.objects.to_do()
        .filter(repository__team=team)
        .order_by()
        .values("repository")
        .annotate(
            open=Count("pk"), overdue=Count("pk", filter=Q(due_at__lt=now)), oldest=Min("opened_at"), worst=Min("rank")
        )
        .order_by("-overdue", "worst", "-open", "repository")[:MOST_REPOSITORIES]
    )
    rows = list(counts)
    repositories = Repository.objects.select_related("registry").in_bulk([row["repository"] for row in rows])
    return tuple(
        _line(repositories[row["repository"]], row["open"], row["overdue"], row["oldest"])
        for row in rows
        if row["repository"] in repositories
    )


def _line(row: Repository, open_: int, overdue: int, oldest: datetime | None) -> RepositoryLine:
    named = "?" + urlencode({"repository": f"{row.registry.slug}/{row.name}"})
    return RepositoryLine(
        row.registry.slug,
        row.name,
        Counted(open_, named),
        Counted(overdue, f"{named}&due=overdue"),
        oldest,
        row.failed,
        row.passed + row.failed + row.unknown + row.waived,
    )
