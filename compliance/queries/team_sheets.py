"""``/remediation/print/``: a sheet of paper for each team, so many at a time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.db.models import BooleanField, ExpressionWrapper, Q, Window
from django.db.models.functions import RowNumber

from compliance.access import Actor
from compliance.models import Finding, Repository
from compliance.queries.filters import number_of
from compliance.queries.finding_rows import FindingRow, rows_of
from compliance.queries.paging import Paging
from compliance.queries.remediation import by_team, piles, standing_of, whole_paces_by_team
from compliance.queries.remediation_page import Age, Tile, ages_of, read_window, tiles_of
from compliance.queries.teams import teams_for
from compliance.queries.work_scope import WorkScope, choices_for, read_scope, team_scope
from compliance.remediation.metrics import Pace, last_days

MOST_TEAMS: Final = 20
"""On one page of the site: each is a page of paper."""
MOST_URGENT: Final = 5


@dataclass(frozen=True, slots=True)
class TeamSheet:
    """One team; ``urgent`` are the first of what it has to do."""

    slug: str
    name: str
    scope: WorkScope
    tiles: tuple[Tile, ...]
    ages: tuple[Age, ...]
    urgent: tuple[FindingRow, ...]


@dataclass(frozen=True, slots=True)
class TeamSheets:
    """The page."""

    scope: WorkScope
    window: str
    sheets: tuple[TeamSheet, ...]
    paging: Paging


def team_sheets(params: Mapping[str, str], actor: Actor, *, now: datetime) -> TeamSheets:
    """The teams somebody may see, or the one the address asks for, by name."""
    scope, window = read_scope(params, actor, choices_for(actor)), read_window(params)
    teams = teams_for(actor).filter(pk=scope.team_id or 0) if scope.team else teams_for(actor)
    whole = Paging(1, teams.count(), MOST_TEAMS)
    paging = Paging(min(number_of(params, "page") or 1, whole.pages), whole.total, MOST_TEAMS)
    shown = list(teams.order_by("name", "pk")[paging.offset : paging.offset + paging.size])
    owned = Repository.objects.filter(team__in=[team.pk for team in shown])
    found, paces = by_team(piles(owned, now=now)), whole_paces_by_team(owned, last_days(int(window), now))
    urgent = _urgent([team.pk for team in shown], actor, now)
    sheets = []
    for team in shown:
        home, standing = team_scope(team, actor), standing_of(found.get(team.pk, ()))
        tiles = tiles_of(home, window, standing, paces.get(team.pk, Pace()))
        mine = tuple(row for row in urgent if row.team_slug == team.slug)
        sheets.append(TeamSheet(team.slug, team.name, home, tiles, ages_of(home, standing), mine))
    return TeamSheets(scope, window, tuple(sheets), paging)


def _urgent(teams: Sequence[int], actor: Actor, now: datetime) -> tuple[FindingRow, ...]:
    """The first of each team, as the board orders them."""
    late = ExpressionWrapper(Q(due_at__isnull=False, due_at__lt=now), output_field=BooleanField())
    order = ["-regression", "-late", "-protected", "rank", "opened_at", "pk"]
    rows = Finding.objects.to_do().filter(repository__team__in=teams).order_by().annotate(late=late)
    placed = rows.annotate(place=Window(RowNumber(), partition_by="repository__team", order_by=order))
    first = placed.filter(place__lte=MOST_URGENT).order_by("repository__team", "place")
    return rows_of(first.values_list("pk", flat=True), actor, now=now)
