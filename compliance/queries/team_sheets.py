"""``/remediation/print/``: a sheet of paper for each team, and for what no team owns, so many at a time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from django.db.models import BooleanField, Exists, ExpressionWrapper, OuterRef, Q, QuerySet, Window
from django.db.models.functions import RowNumber

from compliance.access import Actor
from compliance.charts import Chart
from compliance.models import Finding, Team
from compliance.models.repository import RepositoryQuerySet
from compliance.queries.burn_down import days_by_team
from compliance.queries.filters import Chip
from compliance.queries.finding_rows import FindingRow, rows_of
from compliance.queries.paging import Paging, page_of
from compliance.queries.remediation import by_team, piles, standing_of, whole_paces_by_team
from compliance.queries.remediation_page import (
    Age,
    Tile,
    ages_of,
    burn_down_of,
    by_day_or_week,
    read_window,
    repositories_of,
    tiles_of,
)
from compliance.queries.teams import teams_for
from compliance.queries.work_scope import Choices, WorkScope, all_choices_for, read_scope
from compliance.remediation.metrics import Pace, last_days
from compliance.remediation.terms import NO_TEAM

MOST_TEAMS: Final = 10
"""On one page of the site: each is a page of paper."""
MOST_URGENT: Final = 5


@dataclass(frozen=True, slots=True)
class TeamSheet:
    """One team, or ``none``; ``urgent`` are the first of what it has to do.

    :param by: whether the burn-down is by day or by week.
    """

    slug: str
    name: str
    scope: WorkScope
    tiles: tuple[Tile, ...]
    burn_down: Chart
    by: str
    ages: tuple[Age, ...]
    urgent: tuple[FindingRow, ...]


@dataclass(frozen=True, slots=True)
class TeamSheets:
    """The page."""

    scope: WorkScope
    choices: Choices
    window: str
    sheets: tuple[TeamSheet, ...]
    paging: Paging

    @property
    def address(self) -> str:
        """The query string of another page about the same."""
        return self.scope.page(days=self.window)

    @property
    def chips(self) -> tuple[Chip, ...]:
        """What the page is kept to."""
        return self.scope.chips(days=self.window)


def team_sheets(params: Mapping[str, str], actor: Actor, *, now: datetime) -> TeamSheets:
    """The teams somebody may see, or the one the address asks for, by name; last what no team owns."""
    choices = all_choices_for(actor)
    scope, window = read_scope(params, actor, choices), read_window(params)
    teams, unowned = _teams(scope), _leaves_out(scope)
    paging = page_of(params.get("page", ""), teams.count() + unowned, size=MOST_TEAMS)
    shown = list(teams.order_by("name", "pk")[paging.offset : paging.offset + paging.size])
    homes: dict[int | None, WorkScope] = {
        team.pk: replace(scope, team=team.slug, team_name=team.name, team_id=team.pk) for team in shown
    }
    if unowned and paging.offset + paging.size >= paging.total:
        homes[None] = replace(scope, team=NO_TEAM, team_name="", team_id=None)
    return TeamSheets(scope, choices, window, _sheets(scope, homes, window, now), paging)


def _teams(scope: WorkScope) -> QuerySet[Team]:
    teams = teams_for(scope.actor)
    if scope.team:
        return teams.filter(pk=scope.team_id or 0)
    if scope.registry_ids is None:
        return teams
    return teams.filter(Exists(scope.repositories.listed().filter(team=OuterRef("pk"))))


def _leaves_out(scope: WorkScope) -> bool:
    """Whether there is something that no team owns, for those who see its verdicts."""
    if not scope.actor.sees_everything or scope.team not in ("", NO_TEAM):
        return False
    return scope.repositories.listed().filter(team=None).exists()


def _sheets(
    scope: WorkScope, homes: Mapping[int | None, WorkScope], window: str, now: datetime
) -> tuple[TeamSheet, ...]:
    owned, past = repositories_of(scope, list(homes)), last_days(int(window), now)
    found, paces = by_team(piles(owned, now=now)), whole_paces_by_team(owned, past)
    standings = {team: standing_of(found.get(team, ())) for team in homes}
    days = days_by_team(owned, past, standings, now=now)
    urgent = _urgent(owned, scope.actor, now)
    sheets = []
    for team, home in homes.items():
        shown, by = by_day_or_week(days[team])
        mine = tuple(row for row in urgent if row.team_slug == (home.team if team else ""))
        tiles = tiles_of(home, window, standings[team], paces.get(team, Pace()))
        name = home.team_name or "No team"
        sheets.append(
            TeamSheet(home.team, name, home, tiles, burn_down_of(shown), by, ages_of(home, standings[team]), mine)
        )
    return tuple(sheets)


def _urgent(repositories: RepositoryQuerySet, actor: Actor, now: datetime) -> tuple[FindingRow, ...]:
    """The first of each team, as the board orders them."""
    late = ExpressionWrapper(Q(due_at__isnull=False, due_at__lt=now), output_field=BooleanField())
    order = ["-regression", "-late", "-protected", "rank", "opened_at", "pk"]
    rows = Finding.objects.to_do().filter(repository__in=repositories.order_by().values("pk")).order_by()
    placed = rows.annotate(late=late, place=Window(RowNumber(), partition_by="repository__team", order_by=order))
    first = placed.filter(place__lte=MOST_URGENT).order_by("repository__team", "place")
    return rows_of(first.values_list("pk", flat=True), actor, now=now)
