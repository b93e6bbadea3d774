"""Change the labels that people gave to repositories, of one or of thousands: all of them or none."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from django.db import connection, transaction

from compliance.access import may_label_repository
from compliance.models import LabelSet, Repository, User
from compliance.models.bulk import among, upsert_rows
from compliance.models.repository import RepositoryQuerySet
from compliance.policy.labels import MOST_GIVEN, InvalidLabel, Relabel
from compliance.services.assign_owners import hold_repositories

MOST_AT_ONCE: Final = 25_000
"""Repositories labelled by one click: they stay locked until all are."""


class MayNotLabel(Exception):
    """A repository belongs to a team whose findings the person does not work on; nothing was changed."""


@dataclass(frozen=True, slots=True)
class Labelled:
    """The ids of the repositories that are meant, and of those whose labels are others now."""

    held: tuple[int, ...]
    changed: tuple[int, ...]


def label_repositories(
    rows: RepositoryQuerySet, change: Relabel, *, by: User, only_where_room: bool = False
) -> Labelled:
    """Change the labels of all of these.

    :param only_where_room: leave those alone that would have too many.
    :raises MayNotLabel: when one of them is not theirs to label.
    :raises InvalidLabel: in words, when one of them would have too many, or these are too many for one click.
    """
    with transaction.atomic():
        held = hold_to_label(rows)
        _check_rights(held, by)
        before = _labels(held)
        after = {pk: change.of(labels) for pk, labels in before.items() if change.of(labels) != labels}
        full = [pk for pk, labels in after.items() if len(labels) > MOST_GIVEN]
        if full and not only_where_room:
            raise InvalidLabel(_too_many(len(full), len(held)))
        changed = {pk: labels for pk, labels in after.items() if len(labels) <= MOST_GIVEN}
        sets = [LabelSet(repository_id=pk, labels=list(labels)) for pk, labels in changed.items()]
        upsert_rows(sets, ["repository"], replace=True)
    return Labelled(tuple(held), tuple(changed))


def hold_to_label(rows: RepositoryQuerySet) -> list[int]:
    """Lock repositories whose labels change: nobody else labels them then, or gives them to another team.

    :raises InvalidLabel: when there are more than one click may change.
    """
    # Whoever deletes their registry waits for it, and does not miss a row that is only being added; or is waited for.
    homes = list(rows.order_by().values_list("registry", flat=True).distinct())
    with connection.cursor() as cursor:
        cursor.execute("SELECT id FROM compliance_registry WHERE id = ANY(%s) ORDER BY id FOR KEY SHARE", [homes])
    if rows.count() > MOST_AT_ONCE:
        raise InvalidLabel(f"These are more than {MOST_AT_ONCE:,} repositories; filter further.")
    return hold_repositories(rows)


def _check_rights(held: list[int], by: User) -> None:
    owners = Repository.objects.filter(among("pk", held)).order_by()
    if not all(may_label_repository(by.actor, team) for team in owners.values_list("team", flat=True).distinct()):
        raise MayNotLabel


def _labels(held: list[int]) -> Mapping[int, tuple[str, ...]]:
    """By id, in the order of ids."""
    sets = LabelSet.objects.filter(among("repository", held)).values_list("repository", "labels")
    found = {pk: tuple(labels) for pk, labels in sets}
    return {pk: found.get(pk, ()) for pk in sorted(held)}


def _too_many(full: int, held: int) -> str:
    if held == 1:
        return f"A repository has up to {MOST_GIVEN} labels; take one away first."
    return f"{full:,} of these {held:,} repositories would have more than {MOST_GIVEN} labels. Nothing was changed."
