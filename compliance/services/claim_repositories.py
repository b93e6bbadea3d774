"""Say who owns repositories, whatever the rules say: people claim what is theirs, and give back what is not."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from compliance.access import may_give_repository
from compliance.models import Repository, Team, User
from compliance.models.repository import RepositoryQuerySet
from compliance.services.assign_owners import assign_owners, hold_repositories, let_waivers_follow, lock_ownership


class OthersCount(Exception):
    """There are more or fewer repositories than somebody saw; nothing was changed.

    :param actual: how many there are now.
    """

    def __init__(self, actual: int) -> None:
        super().__init__(f"There are {actual} repositories now.")
        self.actual = actual


class MayNotGive(Exception):
    """A repository belongs to a team, or would, for which the person does not decide; nothing was changed."""


def give_repositories(
    rows: RepositoryQuerySet, team: Team | None, *, by: User, now: datetime, expected: int | None = None
) -> int:
    """Give all of these to a team, or to nobody, until somebody says otherwise; return how many there are.

    :param expected: how many somebody saw when they asked for it.
    :raises OthersCount: when there are more or fewer.
    :raises MayNotGive: when one of them may not pass to that team by this person.
    """
    with transaction.atomic():
        lock_ownership()
        ids = _held(rows, team.pk if team else None, by, expected)
        Repository.objects.filter(pk__in=ids).update(team=team, team_rule=None, team_pinned=True)
        let_waivers_follow(ids, now=now, by=by)
    return len(ids)


def release_repositories(rows: RepositoryQuerySet, *, by: User, now: datetime) -> int:
    """Let the rules say again who owns these; return how many there are.

    :raises MayNotGive: when one of them belongs to a team for which the person does not decide.
    """
    with transaction.atomic():
        lock_ownership()
        hold_repositories(Repository.objects.filter(team_pinned=False) | rows)
        ids = _held(rows, None, by, None)
        Repository.objects.filter(pk__in=ids).update(team_pinned=False)
        assign_owners(now=now, by=by)
    return len(ids)


def _held(rows: RepositoryQuerySet, to_team: int | None, by: User, expected: int | None) -> list[int]:
    ids = hold_repositories(rows)
    if expected is not None and len(ids) != expected:
        raise OthersCount(len(ids))
    owners = Repository.objects.filter(pk__in=ids).order_by().values_list("team", flat=True).distinct()
    if not all(may_give_repository(by.actor, owner, to_team) for owner in owners):
        raise MayNotGive
    return ids
