"""Whose work a board, a team's page or the overview shows: what the address asks for, within what somebody may see."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from hashlib import sha256
from typing import Any, TypeVar
from urllib.parse import urlencode

from django.db.models import QuerySet

from compliance.access import Actor
from compliance.models import Repository, Team
from compliance.models.repository import RepositoryQuerySet
from compliance.queries.filters import Chip, environment_of, registries_for, slug_of, without
from compliance.queries.teams import teams_for
from compliance.remediation.terms import NO_TEAM

MOST_CHOICES = 200
Rows = TypeVar("Rows", bound=QuerySet[Any])


@dataclass(frozen=True, slots=True)
class WorkScope:
    """Repositories of a team, of none, or all that somebody may see; of one registry, of an environment, or of every.

    :param team: the slug of a team, or ``none``.
    :param environment_ids: the registries of the environment.
    :param everything: nobody and nothing is left out.
    """

    actor: Actor
    team: str = ""
    team_name: str = ""
    team_id: int | None = None
    registry: str = ""
    registry_name: str = ""
    registry_id: int | None = None
    environment: str = ""
    environment_ids: tuple[int, ...] = ()

    @property
    def everything(self) -> bool:
        """Whether nothing is left out."""
        return self.actor.sees_everything and not self.pairs

    @property
    def name(self) -> str:
        """What it is called in titles."""
        whose = "what no team owns" if self.team == NO_TEAM else self.team_name
        where = " of ".join(part for part in (self.registry_name, self.environment) if part)
        if whose and where:
            return f"{whose} in {where}"
        return whose or where or ("everything" if self.actor.sees_everything else "your teams")

    @property
    def pairs(self) -> dict[str, str]:
        """What addresses of lists that show the same hold."""
        found = (("team", self.team), ("registry", self.registry), ("environment", self.environment))
        return {name: value for name, value in found if value}

    @property
    def in_place(self) -> bool:
        """Whether it is kept to a registry or an environment: pages of teams know neither, those of remediation do."""
        return bool(self.registry or self.environment)

    @property
    def registry_ids(self) -> tuple[int, ...] | None:
        """The registries it is kept to, as far as their ids are known; ``None``: it is kept to none."""
        chosen = (self.registry_id,) if self.registry_id is not None else None
        if not self.environment:
            return chosen
        return self.environment_ids if chosen is None else tuple(pk for pk in chosen if pk in self.environment_ids)

    @property
    def kept_as(self) -> str:
        """What numbers of whole registries are kept under for all who see everything; empty where teams decide."""
        if not self.actor.sees_everything or self.team:
            return ""
        if self.registry_ids is None:
            return "" if self.registry else "all"
        return "of-" + sha256(repr(sorted(self.registry_ids)).encode()).hexdigest()[:24]

    def chips(self, **kept: str) -> tuple[Chip, ...]:
        """A chip for each of its filters, with the address of the rest of it and of what is kept besides."""
        labels = {
            "team": f"team {self.team_name}" if self.team_name else "no team",
            "registry": f"registry {self.registry_name}",
            "environment": f"environment {self.environment}",
        }
        pairs = {**kept, **self.pairs}
        return tuple(Chip(labels[name], without(pairs, name)) for name in self.pairs)

    @property
    def repositories(self) -> RepositoryQuerySet:
        """The repositories of it, also those the registry no longer has."""
        rows = Repository.objects.for_user(self.actor)
        if self.team:
            rows = rows.filter(team=self.team_id)
        if self.registry_ids is not None:  # only of an id does Postgres know how many repositories it has
            rows = rows.filter(registry__in=self.registry_ids)
        return rows.filter(registry__slug=self.registry) if self.registry and self.registry_id is None else rows

    @property
    def narrowed(self) -> RepositoryQuerySet | None:
        """The same, or ``None`` where that is everything."""
        return None if self.everything else self.repositories

    @property
    def of_registries(self) -> bool:
        """Whether it is all of some registries for who sees everything: perhaps nearly all repositories there are."""
        return bool(self.pairs) and self.actor.sees_everything and not self.team

    def of(self, rows: Rows) -> Rows:
        """Those of these rows that belong to a repository of it."""
        narrowed = self.narrowed
        return rows if narrowed is None else rows.filter(repository__in=narrowed.order_by().values("pk"))

    def page(self, **kept: str) -> str:
        """The query string of another page about the same, which keeps these besides."""
        return "?" + urlencode({**kept, **self.pairs})

    def address(self, **terms: str) -> str:
        """The query string of a list of this scope with further filters; empty ones are left out."""
        return "?" + urlencode({name: value for name, value in {**self.pairs, **terms}.items() if value})


@dataclass(frozen=True, slots=True)
class Choices:
    """What a scope may be set to: slugs and names of teams and registries, and their ids; environments with theirs."""

    teams: tuple[tuple[str, str], ...]
    ids: Mapping[str, int]
    registries: tuple[tuple[str, str], ...] = ()
    registry_ids: Mapping[str, int] = field(default_factory=dict)
    environments: Mapping[str, tuple[int, ...]] = field(default_factory=dict)


def team_scope(team: Team, actor: Actor) -> WorkScope:
    """The work of a team that somebody may see."""
    return WorkScope(actor, team.slug, team.name, team.pk)


def read_scope(params: Mapping[str, str], actor: Actor, choices: Choices) -> WorkScope:
    """What the address asks for; what somebody may not see is everything they may."""
    whose = _whose(slug_of(params, "team"), actor, choices)
    environment = environment_of(params)
    if environment in choices.environments:
        whose = replace(whose, environment=environment, environment_ids=choices.environments[environment])
    name = dict(choices.registries).get(params.get("registry", ""), "")
    if not name:
        return whose
    slug = params["registry"]
    return replace(whose, registry=slug, registry_name=name, registry_id=choices.registry_ids.get(slug))


def _whose(slug: str, actor: Actor, choices: Choices) -> WorkScope:
    if slug == NO_TEAM and actor.sees_everything:
        return WorkScope(actor, team=NO_TEAM)
    if slug in choices.ids:
        return WorkScope(actor, slug, dict(choices.teams)[slug], choices.ids[slug])
    team = teams_for(actor).filter(slug=slug).first() if slug else None  # one that is too far down to be offered
    return team_scope(team, actor) if team is not None else WorkScope(actor)


def all_choices_for(actor: Actor) -> Choices:
    """Teams, registries and environments that somebody may choose among: two queries."""
    return choices_for(actor, list(registries_for(actor).values_list("slug", "name", "pk", "environment")))


def choices_for(actor: Actor, registries: Sequence[tuple[str, str, int, str]] = ()) -> Choices:
    """The first teams by name, and the first of these registries: slug, name, id and environment."""
    homes = registries[:MOST_CHOICES]
    environments: dict[str, tuple[int, ...]] = {}
    for _, _, pk, label in registries:
        if label:
            environments[label] = (*environments.get(label, ()), pk)
    teams = list(teams_for(actor).order_by("name").values_list("pk", "slug", "name")[:MOST_CHOICES])
    return Choices(
        tuple((slug, name) for _, slug, name in teams),
        {slug: pk for pk, slug, _ in teams},
        tuple((slug, name) for slug, name, _, _ in homes),
        {slug: pk for slug, _, pk, _ in homes},
        dict(sorted(environments.items())[:MOST_CHOICES]),
    )
