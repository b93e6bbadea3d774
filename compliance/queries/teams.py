"""Teams: the list, one team, who is in it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import Count, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce

from compliance.access import Actor, may_lead_team
from compliance.models import Membership, OwnershipRule, Repository, Team, TeamRoleChoice, Waiver
from compliance.queries.filters import text_of
from compliance.queries.paging import Paging, page_of

_MOST_NAMES = 3
_RANK = {role: place for place, role in enumerate(reversed(TeamRoleChoice.values))}


@dataclass(frozen=True, slots=True)
class TeamRow:
    """One line of the list.

    :param leads: the first few who lead it.
    """

    slug: str
    name: str
    description: str
    members: int
    leads: tuple[str, ...]
    repositories: int
    leads_it: bool


@dataclass(frozen=True, slots=True)
class TeamList:
    """The page."""

    rows: tuple[TeamRow, ...]
    paging: Paging
    q: str


@dataclass(frozen=True, slots=True)
class Member:
    """Somebody in a team; ``group``: the one of single sign-on that gave it, if one did."""

    id: int
    username: str
    name: str
    role: str
    role_label: str
    active: bool
    group: str


@dataclass(frozen=True, slots=True)
class Deletion:
    """What goes with a team; ``inherited`` of its repositories fall to other rules."""

    members: int
    repositories: int
    pinned: int
    rules: int
    waivers: int


@dataclass(frozen=True, slots=True)
class OwnedBy:
    """A team that answers for repositories, so many of them, and the names of those who lead it; no id for nobody."""

    pk: int | None
    slug: str
    name: str
    leads: tuple[str, ...] = ()
    repositories: int = 0


def teams_for(actor: Actor) -> QuerySet[Team]:
    """Teams whose pages somebody may open."""
    return Team.objects.all() if actor.sees_everything else Team.objects.filter(pk__in=actor.team_ids)


def owners_for(actor: Actor, registry_ids: Sequence[int] | None = None) -> tuple[OwnedBy, ...]:
    """The teams somebody may see, with who leads them and how much they own: one query.

    :param registry_ids: those who own something of these registries, and how much of it; ``None`` for all teams.
    """
    leads = Membership.objects.filter(team=OuterRef("pk"), role=TeamRoleChoice.LEAD, user__is_active=True)
    listed = Repository.objects.listed().filter(team=OuterRef("pk"))
    if registry_ids is not None:
        listed = listed.filter(registry__in=registry_ids)
    owned = listed.order_by().values("team").annotate(n=Count("pk"))
    found = teams_for(actor).annotate(
        leads=ArraySubquery(leads.order_by("user__username").values("user__username")),
        owned=Coalesce(Subquery(owned.values("n")), 0),
    )
    if registry_ids is not None:
        found = found.filter(owned__gt=0)
    rows = found.values_list("pk", "slug", "name", "leads", "owned")
    return tuple(OwnedBy(pk, slug, name, tuple(names), n) for pk, slug, name, names, n in rows)


def find_team(slug: str, actor: Actor) -> Team | None:
    """A team somebody may see."""
    return teams_for(actor).filter(slug=slug).first()


def list_teams(params: Mapping[str, str], actor: Actor) -> TeamList:
    """One page of the teams somebody may see: five queries."""
    q = text_of(params, "q")
    found = teams_for(actor)
    if q:
        found = found.filter(Q(name__icontains=q) | Q(slug__icontains=q) | Q(description__icontains=q))
    paging = page_of(params.get("page", ""), found.count())
    page = list(found.order_by("name")[paging.offset : paging.offset + paging.size])
    ids = [team.pk for team in page]
    owned = dict(
        Repository.objects.listed().filter(team__in=ids).order_by().values_list("team").annotate(n=Count("pk"))
    )
    people: dict[int, list[tuple[str, str]]] = {}
    rows = Membership.objects.filter(team__in=ids).order_by("user__username")
    for team, name, role, active in rows.values_list("team_id", "user__username", "role", "user__is_active"):
        people.setdefault(team, []).append((name, role if active else ""))
    return TeamList(
        tuple(_row(team, people.get(team.pk, []), owned.get(team.pk, 0), actor) for team in page), paging, q
    )


def members_of(team: Team) -> tuple[Member, ...]:
    """Who is in a team, those who lead it first."""
    rows = Membership.objects.filter(team=team).select_related("user")
    found = sorted(rows, key=lambda row: (_RANK.get(row.role, len(_RANK)), row.user.get_username()))
    return tuple(
        Member(
            row.user_id,
            row.user.get_username(),
            row.user.get_full_name(),
            row.role,
            row.get_role_display().partition(":")[0],
            row.user.is_active,
            row.group,
        )
        for row in found
    )


def what_goes(team: Team) -> Deletion:
    """What would go with a team."""
    owned = Repository.objects.listed().filter(team=team)
    return Deletion(
        members=Membership.objects.filter(team=team).count(),
        repositories=owned.count(),
        pinned=owned.filter(team_pinned=True).count(),
        rules=OwnershipRule.objects.filter(team=team).count(),
        waivers=Waiver.objects.filter(team=team, revoked_at=None, reopened_at=None).count(),
    )


def find_teams(params: Mapping[str, str], actor: Actor, *, most: int = 20) -> tuple[tuple[str, str], ...]:
    """Slug and name of the first teams that fit what is typed, of those somebody may give repositories to."""
    q = text_of(params, "team")
    found = Team.objects.all() if actor.triages_everything else Team.objects.filter(pk__in=actor.led_team_ids)
    if q:
        found = found.filter(Q(name__icontains=q) | Q(slug__icontains=q))
    return tuple(found.order_by("name").values_list("slug", "name")[:most])


def _row(team: Team, people: list[tuple[str, str]], repositories: int, actor: Actor) -> TeamRow:
    leads = tuple(name for name, role in people if role == TeamRoleChoice.LEAD)
    return TeamRow(
        team.slug,
        team.name,
        team.description,
        len(people),
        leads[:_MOST_NAMES],
        repositories,
        leads_it=may_lead_team(actor, team.pk),
    )
