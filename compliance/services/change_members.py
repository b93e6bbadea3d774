"""Who is in a team, and as what."""

from __future__ import annotations

from django.db import transaction

from compliance.models import Membership, Team, TeamRoleChoice, User


class LastLead(Exception):
    """Nobody would lead the team; somebody has to want that."""


class PersonUnavailable(Exception):
    """Somebody who cannot log in is in no need of a team."""


def set_member(team: Team, person: User, role: TeamRoleChoice, *, leaderless: bool = False) -> bool:
    """Take somebody into a team, or change their role there; say whether they are new.

    From then on it is theirs by hand, whatever groups of single sign-on say.

    :param leaderless: it is meant that nobody leads the team then.
    :raises LastLead: unless that is meant.
    :raises PersonUnavailable: for who was deactivated.
    """
    if not person.is_active:
        raise PersonUnavailable
    with transaction.atomic():
        _lock(team)
        if role != TeamRoleChoice.LEAD and not leaderless:
            _keep_a_lead(team, person)
        _, made = Membership.objects.update_or_create(team=team, user=person, defaults={"role": role, "group": ""})
    return made


def remove_member(team: Team, person: User, *, leaderless: bool = False) -> None:
    """Take somebody out of a team; findings that were assigned to them stay so.

    :raises LastLead: unless ``leaderless`` is meant.
    """
    with transaction.atomic():
        _lock(team)
        if not leaderless:
            _keep_a_lead(team, person)
        Membership.objects.filter(team=team, user=person).delete()


def _lock(team: Team) -> None:
    """Two leads who step down at the same moment must hear of each other."""
    Team.objects.select_for_update().get(pk=team.pk)


def _keep_a_lead(team: Team, person: User) -> None:
    leads = Membership.objects.filter(team=team, role=TeamRoleChoice.LEAD)
    active = leads.filter(user__is_active=True)
    if leads.filter(user=person).exists() and not active.exclude(user=person).exists():
        raise LastLead
