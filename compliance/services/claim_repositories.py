"""Say who owns repositories, whatever the rules say: people claim what is theirs, and give back what is not."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from django.db import transaction

from compliance.access import may_give_repository
from compliance.models import Repository, SharedValue, Team, User
from compliance.models.bulk import among
from compliance.models.repository import RepositoryQuerySet
from compliance.services.assign_owners import (
    assign_owners,
    hold_repositories,
    let_waivers_follow,
    lock_ownership,
    lock_repositories,
)

UNDO_WITHIN: Final = timedelta(minutes=10)


class OthersCount(Exception):
    """There are more or fewer repositories than somebody saw; nothing was changed.

    :param actual: how many there are now.
    """

    def __init__(self, actual: int) -> None:
        super().__init__(f"There are {actual} repositories now.")
        self.actual = actual


class MayNotGive(Exception):
    """A repository belongs to a team, or would, for which the person does not decide; nothing was changed."""


class TooLate(Exception):
    """A claim that was undone already, is too long ago, or is another person's."""


@dataclass(frozen=True, slots=True)
class Claimed:
    """How many repositories a team has now, and what its claim is undone by."""

    count: int
    token: str


@dataclass(frozen=True, slots=True)
class GivenBack:
    """How many repositories are again what they were, and how many somebody has given away since."""

    count: int
    kept: int


def claim_repositories(
    rows: RepositoryQuerySet, team: Team, *, by: User, now: datetime, expected: int | None = None
) -> Claimed:
    """The same as ``give_repositories``, with an undo for the person who did it."""
    token = secrets.token_urlsafe(16)
    with transaction.atomic():
        lock_ownership()
        held = _give(rows, team, by, now, expected)
        said = {"team": team.pk, "ids": [row.id for row in held], "pinned": [row.id for row in held if row.pinned]}
        SharedValue.objects.create(key=_key(by, token), value=said, expires_at=now + UNDO_WITHIN)
    return Claimed(len(held), token)


def undo_claim(token: str, *, by: User, now: datetime) -> GivenBack:
    """Let nobody own again what a claim gave to a team, where it still is the claim that says so.

    :raises TooLate: when there is nothing to undo.
    :raises MayNotGive: when the person does not decide for that team any more.
    """
    with transaction.atomic():
        lock_ownership()
        said = _said(token, by, now)
        if said is None:
            raise TooLate
        rows = Repository.objects.filter(among("pk", said["ids"]), team=said["team"], team_pinned=True)
        hold_repositories(Repository.objects.filter(team_pinned=False) | rows)
        ids = [row.id for row in _held(rows, None, by, None)]
        given = Repository.objects.filter(among("pk", ids))
        given.update(team=None, team_rule=None, team_pinned=False)
        given.filter(among("pk", said["pinned"])).update(team_pinned=True)  # somebody had said that nobody owns these
        let_waivers_follow(ids, now=now, by=by)
        assign_owners(now=now, by=by)
        SharedValue.objects.filter(pk=_key(by, token)).delete()
    return GivenBack(len(ids), len(said["ids"]) - len(ids))


def can_undo_claim(token: str, *, by: User, now: datetime) -> bool:
    """Whether there is a claim of this person's to be undone."""
    return _said(token, by, now) is not None


def _said(token: str, by: User, now: datetime) -> Any:
    rows = SharedValue.objects.filter(pk=_key(by, token), expires_at__gt=now)
    return rows.values_list("value", flat=True).first()


def _key(by: User, token: str) -> str:
    return f"claim:{by.pk}:{token}"


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
        return len(_give(rows, team, by, now, expected))


def _give(rows: RepositoryQuerySet, team: Team | None, by: User, now: datetime, expected: int | None) -> list[_Row]:
    held = _held(rows, team.pk if team else None, by, expected)
    ids = [row.id for row in held]
    Repository.objects.filter(among("pk", ids)).update(team=team, team_rule=None, team_pinned=True)
    let_waivers_follow(ids, now=now, by=by)
    return held


def release_repositories(rows: RepositoryQuerySet, *, by: User, now: datetime) -> int:
    """Let the rules say again who owns these; return how many there are.

    :raises MayNotGive: when one of them belongs to a team for which the person does not decide.
    """
    with transaction.atomic():
        lock_ownership()
        hold_repositories(Repository.objects.filter(team_pinned=False) | rows)
        ids = [row.id for row in _held(rows, None, by, None)]
        Repository.objects.filter(among("pk", ids)).update(team_pinned=False)
        assign_owners(now=now, by=by)
    return len(ids)


@dataclass(frozen=True, slots=True)
class _Row:
    """A repository that is held: who owns it, and whether because a person said so."""

    id: int
    team: int | None
    pinned: bool


def _held(rows: RepositoryQuerySet, to_team: int | None, by: User, expected: int | None) -> list[_Row]:
    still = rows.filter(among("pk", lock_repositories(rows)))
    held = [_Row(*row) for row in still.values_list("pk", "team_id", "team_pinned")]
    if expected is not None and len(held) != expected:
        raise OthersCount(len(held))
    if not all(may_give_repository(by.actor, owner, to_team) for owner in {row.team for row in held}):
        raise MayNotGive
    return held
