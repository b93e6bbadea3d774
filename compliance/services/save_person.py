"""Accounts of people: made, changed, switched off and on again. Nobody ever learns somebody else's password."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from django.db import transaction
from django.db.models import Q

from compliance.models import RoleChoice, User
from compliance.services.api_tokens import revoke_tokens
from compliance.services.end_sessions import end_sessions
from compliance.services.invite import invite_link

_COLUMNS = ("username", "first_name", "last_name", "email", "role")


class LastAdministrator(Exception):
    """Nobody could change people, registries and policies any more."""


def create_person(values: Mapping[str, str], *, by: User, now: datetime) -> tuple[User, str]:
    """Make an account without a password; return it with the path of the page on which one is chosen.

    :param values: of ``_COLUMNS``, from a form.
    """
    with transaction.atomic():
        person = User(**{name: values[name] for name in _COLUMNS}, date_joined=now)
        person.set_unusable_password()
        person.save()
        return person, invite_link(person, by=by, now=now)


def change_person(person: User, values: Mapping[str, str], *, by: User, now: datetime) -> None:
    """Change an account; another role ends the person's sessions.

    :raises LastAdministrator: when nobody would be left.
    """
    with transaction.atomic():
        if values["role"] != RoleChoice.ADMIN:
            keep_an_administrator(person)
        before = person.role
        for name in _COLUMNS:
            setattr(person, name, values[name])
        person.role_group = person.role_group if person.role == before else ""
        person.save(update_fields=[*_COLUMNS, "role_group"])
        if person.role != before:
            end_sessions(person, by=by, now=now)


def deactivate_person(person: User, *, by: User, now: datetime) -> None:
    """Keep somebody out from now on, and end their sessions and tokens; what they did and their teams keep them.

    :raises LastAdministrator: when nobody would be left.
    """
    with transaction.atomic():
        keep_an_administrator(person)
        person.is_active = False
        person.save(update_fields=["is_active"])
        end_sessions(person, by=by, now=now)
        revoke_tokens(person, now=now)


def reactivate_person(person: User) -> None:
    """Let somebody log in again, with the password they had."""
    person.is_active = True
    person.save(update_fields=["is_active"])


def keep_an_administrator(person: User) -> None:
    """Hold who administrates, before one of them is none any more.

    :raises LastAdministrator: when nobody would be left.
    """
    admins = [
        each.pk for each in hold_beside_administrators(person.pk) if each.is_active and each.role == RoleChoice.ADMIN
    ]
    if admins == [person.pk]:
        raise LastAdministrator


def hold_beside_administrators(pk: int) -> list[User]:
    """Somebody and who administrates, as they are now.

    All in one order: two administrators who step down at one moment hear of each other, and nobody who is changed while
    they log in waits for them crosswise.
    """
    wanted = User.objects.filter(Q(pk=pk) | Q(role=RoleChoice.ADMIN, is_active=True)).order_by("pk")
    return list(wanted.select_for_update(no_key=True))
