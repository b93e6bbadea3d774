"""Waivers that are pinned to a digest end with it: whether a tag still leads there."""

from __future__ import annotations

from collections.abc import Sequence

from compliance.access import Actor
from compliance.models import Tag, Waiver


def dead_of(waivers: Sequence[Waiver], actor: Actor) -> frozenset[int]:
    """Ids of those whose digest no tag of their team has, as far as somebody sees it; one query, none without pins."""
    pinned = [row for row in waivers if row.digest]
    if not pinned:
        return frozenset()
    digests, tags = {row.digest for row in pinned}, Tag.objects.listed().for_user(actor).order_by()
    paths = ("digest", "image__digest", "index__images__digest")
    first, *others = (
        tags.filter(**{f"{path}__in": digests}).values_list(path, "repository__team").distinct() for path in paths
    )
    found = set(first.union(*others))
    there = {digest for digest, _ in found}
    return frozenset(
        row.pk
        for row in pinned
        if (row.digest not in there if row.team_id is None else (row.digest, row.team_id) not in found)
    )
