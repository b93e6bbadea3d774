"""Whose work a board, a team's page or the overview shows: what the address asks for, within what somebody may see."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any, TypeVar
from urllib.parse import urlencode

from django.db.models import QuerySet

from compliance.access import Actor
from compliance.models import Repository, Team
from compliance.models.repository import RepositoryQuerySet
from compliance.queries.filters import slug_of
from compliance.queries.teams import teams_for
from compliance.remediation.terms import NO_TEAM

MOST_CHOICES = 200
Rows = TypeVar("Rows", bound=QuerySet[Any])


@dataclass(frozen=True, slots=True)
class WorkScope:
    """Repositories of a team, of none, of a registry, or all that somebody may see.

    :param team: the slug of a team, or ``none``.
    :param everything: nobody and nothing is left out.
    """

    actor: Actor
    team: str = ""
    team_name: str = ""
    team_id: int | None = None
    registry: str = ""
    registry_name: str = ""

    @property
    def everything(self) -> bool:
        """Whether nothing is left out."""
        return self.actor.sees_everything and not self.team and not self.registry

    @property
    def name(self) -> str:
        """What it is called in titles."""
        if self.team == NO_TEAM:
            return "what no team owns"
        return self.team_name or self.registry_name or ("everything" if self.actor.sees_everything else "your teams")

    @property
    def pairs(self) -> dict[str, str]:
        """What addresses of lists that show the same hold."""
        return {name: value for name, value in (("team", self.team), ("registry", self.registry)) if value}

    @property
    def repositories(self) -> RepositoryQuerySet:
        """The repositories of it, also those the registry no longer has."""
        rows = Repository.objects.for_user(self.actor)
        if self.team:
            rows = rows.filter(team=self.team_id)
        return rows.filter(registry__slug=self.registry) if self.registry else rows

    @property
    def narrowed(self) -> RepositoryQuerySet | None:
        """The same, or ``None`` where that is everything."""
        return None if self.everything else self.repositories

    def of(self, rows: Rows) -> Rows:
        """Those of these rows that belong to a repository of it."""
        narrowed = self.narrowed
        return rows if narrowed is None else rows.filter(repository__in=narrowed.order_by().values("pk"))

    def address(self, **terms: str) -> str:
        """The query string of a list of this scope with further filters; empty ones are left out."""
        return "?" + urlencode({name: value for name, value in {**self.pairs, **terms}.items() if value})


@dataclass(frozen=True, slots=True)
class Choices:
    """What a scope may be set to: slugs and names of teams and registries, and the ids of the teams."""

    teams: tuple[tuple[str, str], ...]
    ids: Mapping[str, int]
    registries: tuple[tuple[str, str], ...] = ()


def team_scope(team: Team, actor: Actor) -> WorkScope:
    """The work of a team that somebody may see."""
    return WorkScope(actor, team.slug, team.name, team.pk)


def read_scope(params: Mapping[str, str], actor: Actor, choices: Choices) -> WorkScope:
    """What the address asks for; what somebody may not see is everything they may."""
    slug = slug_of(params, "team")
    if slug == NO_TEAM and actor.sees_everything:
        return WorkScope(actor, team=NO_TEAM)
    if slug in choices.ids:
        return WorkScope(actor, slug, dict(choices.teams)[slug], choices.ids[slug])
    team = teams_for(actor).filter(slug=slug).first() if slug else None  # one that is too far down to be offered
    if team is not None:
        return team_scope(team, actor)
    registry = dict(choices.registries).get(params.get("registry", ""), "")
    return WorkScope(actor, registry=params["registry"], registry_name=registry) if registry else WorkScope(actor)


def choices_for(actor: Actor, registries: Iterable[tuple[str, str]] = ()) -> Choices:
    """The first teams by name, and the registries."""
    teams = list(teams_for(actor).order_by("name").values_list("pk", "slug", "name")[:MOST_CHOICES])
    return Choices(
        tuple((slug, name) for _, slug, name in teams),
        {slug: pk for pk, slug, _ in teams},
        tuple(islice(registries, MOST_CHOICES)),
    )
