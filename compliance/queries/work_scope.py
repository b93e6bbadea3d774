"""Whose work a board, a team's page or the overview shows: what the address asks for, within what somebody may see."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlencode

from compliance.access import Actor
from compliance.models import Registry, Repository, Team
from compliance.models.repository import RepositoryQuerySet
from compliance.queries.filters import registries_for, slug_of
from compliance.queries.teams import teams_for
from compliance.remediation.terms import NO_TEAM

MOST_CHOICES = 200


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

    def address(self, **terms: str) -> str:
        """The query string of a list of this scope with further filters; empty ones are left out."""
        return "?" + urlencode({name: value for name, value in {**self.pairs, **terms}.items() if value})


@dataclass(frozen=True, slots=True)
class Choices:
    """What a scope may be set to: slugs and names."""

    teams: tuple[tuple[str, str], ...]
    registries: tuple[tuple[str, str], ...] = ()


def team_scope(team: Team, actor: Actor) -> WorkScope:
    """The work of a team that somebody may see."""
    return WorkScope(actor, team.slug, team.name, team.pk)


def read_scope(params: Mapping[str, str], actor: Actor, choices: Choices) -> WorkScope:
    """What the address asks for; what somebody may not see is everything they may."""
    slug = slug_of(params, "team")
    if slug == NO_TEAM and actor.sees_everything:
        return WorkScope(actor, team=NO_TEAM)
    team = teams_for(actor).filter(slug=slug).first() if slug else None
    if team is not None:
        return team_scope(team, actor)
    registry = dict(choices.registries).get(params.get("registry", ""), "")
    return WorkScope(actor, registry=params["registry"], registry_name=registry) if registry else WorkScope(actor)


def choices_for(actor: Actor, *, registries: bool = False) -> Choices:
    """The first teams, and registries, by name."""
    teams = tuple(teams_for(actor).order_by("name").values_list("slug", "name")[:MOST_CHOICES])
    rows: tuple[tuple[str, str], ...] = ()
    if registries:
        rows = tuple(registries_for(actor).values_list("slug", "name")[:MOST_CHOICES])
    return Choices(teams, rows)


def registry_ids(scope: WorkScope) -> list[int]:
    """The registry of a scope, where it is one."""
    return list(Registry.objects.filter(slug=scope.registry).values_list("pk", flat=True)) if scope.registry else []
