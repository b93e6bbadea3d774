"""The map of groups: what each gives, and how many people came with it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from compliance.models import GroupGrant
from compliance.queries.filters import number_of
from compliance.queries.paging import Paging, page_of
from compliance.queries.sign_on import people_with


@dataclass(frozen=True, slots=True)
class GrantRow:
    """One row of the map; ``people``: active ones who came with the group the last time."""

    id: int
    group: str
    team: str
    team_slug: str
    role: str
    people: int


@dataclass(frozen=True, slots=True)
class GroupMap:
    """The page; ``chosen``: the row that is to be changed."""

    rows: tuple[GrantRow, ...]
    paging: Paging
    chosen: GroupGrant | None


def group_map(params: Mapping[str, str]) -> GroupMap:
    """One page of the map: four queries at most."""
    rows = GroupGrant.objects.select_related("team").order_by("group", "team__name", "pk")
    paging = page_of(params.get("page", ""), rows.count())
    found = list(rows[paging.offset : paging.offset + paging.size])
    people = people_with({row.group for row in found})
    row = number_of(params, "row")
    chosen = rows.filter(pk=row).first() if row else None
    return GroupMap(tuple(_row(each, people.get(each.group, 0)) for each in found), paging, chosen)


def _row(row: GroupGrant, people: int) -> GrantRow:
    team = row.team
    label = row.get_role_display().partition(":")[0].partition(" of ")[0]
    return GrantRow(row.pk, row.group, team.name if team else "", team.slug if team else "", label, people)
