"""Everybody who has an account, and looking somebody up by what is typed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count, Q

from compliance.models import Membership, RoleChoice, TeamRoleChoice, User
from compliance.queries.counted import Tab
from compliance.queries.factor_rule import has_factor, lacks_factor
from compliance.queries.filters import Chip, choice_of, text_of, without
from compliance.queries.paging import Paging, page_of
from compliance.queries.sign_on import in_group

ROLES: dict[str, str] = {str(choice): str(choice.label) for choice in RoleChoice}
STATES: dict[str, str] = {"active": "Active", "inactive": "Deactivated", "never": "Never logged in"}
_STATES = {"active": Q(is_active=True), "inactive": Q(is_active=False), "never": Q(is_active=True, last_login=None)}
FACTORS: dict[str, str] = {"on": "Have one", "none": "Have none", "missing": "Must have one and have none"}
_FACTORS = {"on": has_factor(), "none": ~has_factor(), "missing": lacks_factor()}
_MOST_FOUND = 20

Teams = tuple[tuple[str, str, str], ...]
"""Slug, name and the person's role there."""


@dataclass(frozen=True, slots=True)
class PersonRow:
    """One line of the list."""

    id: int
    username: str
    name: str
    email: str
    role: str
    active: bool
    factor: bool
    last_login: datetime | None
    teams: Teams


@dataclass(frozen=True, slots=True)
class PeopleList:
    """The page."""

    rows: tuple[PersonRow, ...]
    paging: Paging
    chips: tuple[Chip, ...]
    tabs: tuple[Tab, ...]
    q: str
    role: str
    state: str
    factor: str
    group: str


def list_people(params: Mapping[str, str]) -> PeopleList:
    """One page of everybody: four queries."""
    q, role = text_of(params, "q"), choice_of(params, "role", ROLES)
    state, factor = choice_of(params, "state", STATES), choice_of(params, "factor", FACTORS)
    matching = User.objects.filter(_named(q)) if q else User.objects.all()
    matching = matching.filter(_STATES[state]) if state else matching
    matching = matching.filter(_FACTORS[factor]) if factor else matching
    group = text_of(params, "group")
    matching = matching.filter(in_group(group)) if group else matching
    counts = dict(matching.order_by().values_list("role").annotate(n=Count("pk")))
    found = matching.filter(role=role) if role else matching
    paging = page_of(params.get("page", ""), counts.get(role, 0) if role else sum(counts.values()))
    page = list(found.annotate(factor=has_factor()).order_by("username")[paging.offset : paging.offset + paging.size])
    teams = _teams([row.pk for row in page])
    chips = (
        ("q", f"name contains “{q}”" if q else ""),
        ("state", STATES[state].lower() if state else ""),
        ("group", f"last came with the group “{group}”" if group else ""),
        ("factor", f"second factor: {FACTORS[factor].lower()}" if factor else ""),
    )
    return PeopleList(
        tuple(_row(row, teams.get(row.pk, ()), has_factor=row.factor) for row in page),
        paging,
        tuple(Chip(label, without(params, name)) for name, label in chips if label),
        _tabs(counts, role, params),
        q,
        role,
        state,
        factor,
        group,
    )


def teams_of(person: User) -> Teams:
    """The teams somebody is in."""
    return _teams([person.pk]).get(person.pk, ())


def find_people(params: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    """Username and full name of the first active people that fit what is typed; nobody for nothing."""
    q = text_of(params, "person")
    if not q:
        return ()
    rows = User.objects.filter(_named(q), is_active=True).order_by("username")[:_MOST_FOUND]
    return tuple((row.get_username(), row.get_full_name()) for row in rows)


def short_role(role: str) -> str:
    """The name of a role without what it means."""
    return ROLES.get(role, role).partition(":")[0]


def _named(q: str) -> Q:
    fields = ("username", "first_name", "last_name", "email")
    found = Q()
    for field in fields:
        found |= Q(**{f"{field}__icontains": q})
    return found


def _row(row: User, teams: Teams, *, has_factor: bool) -> PersonRow:
    return PersonRow(
        row.pk,
        row.get_username(),
        row.get_full_name(),
        row.email,
        short_role(row.role),
        row.is_active,
        has_factor,
        row.last_login,
        teams,
    )


def _tabs(counts: Mapping[str, int], role: str, params: Mapping[str, str]) -> tuple[Tab, ...]:
    rest = without(params, "role")
    joint = "&" if len(rest) > 1 else ""
    everybody = Tab("", "Everybody", sum(counts.values()), not role, rest)
    return (
        everybody,
        *(
            Tab(key, short_role(key), counts.get(key, 0), key == role, f"{rest}{joint}role={key}")
            for key in reversed(ROLES)
        ),
    )


def _teams(ids: list[int]) -> dict[int, Teams]:
    found: dict[int, Teams] = {}
    rows = Membership.objects.filter(user__in=ids).order_by("team__name")
    for user, slug, name, role in rows.values_list("user_id", "team__slug", "team__name", "role"):
        label = str(TeamRoleChoice(role).label).partition(":")[0].lower()
        found[user] = (*found.get(user, ()), (slug, name, label))
    return found
