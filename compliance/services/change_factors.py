"""What somebody is asked for after the password: turned on, turned off, reset; and the codes for a lost phone."""

from __future__ import annotations

from datetime import datetime

from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from django.db import transaction

from compliance.models import AuditAction, User
from compliance.models.encryption import encrypt
from compliance.services.end_sessions import end_sessions
from compliance.services.record_audit import audit


class AlreadyOn(Exception):
    """There is an authenticator app already: another one would make the codes of the first worthless."""


def turn_on(user: User, secret: str, counter: int, *, now: datetime, session: str) -> list[str]:
    """Ask for codes of an authenticator app from now on; the recovery codes, which nothing shows again.

    Sessions that began without a code end.

    :param counter: of the code that proved that the app has the secret; it is taken.
    :param session: the key of the one that goes on.
    :raises AlreadyOn: when somebody was quicker.
    """
    with transaction.atomic():
        _hold(user)
        if Authenticator.objects.filter(user=user, type=Authenticator.Type.TOTP).exists():
            raise AlreadyOn
        data = {"secret": encrypt(secret), "counter": counter}
        Authenticator.objects.create(user=user, type=Authenticator.Type.TOTP, data=data, created_at=now)
        audit(AuditAction.FACTOR_ADDED, user, by=user, now=now, details={"factor": "authenticator app"})
        end_sessions(user, by=user, now=now, but=session)
        return make_codes(user, now=now)


def make_codes(user: User, *, now: datetime) -> list[str]:
    """New recovery codes instead of those there are; none for somebody who has no second factor."""
    with transaction.atomic():
        _hold(user)
        rows = Authenticator.objects.filter(user=user)
        if not rows.exclude(type=Authenticator.Type.RECOVERY_CODES).exists():
            return []
        rows.filter(type=Authenticator.Type.RECOVERY_CODES).delete()
        codes: list[str] = RecoveryCodes.activate(user).generate_codes()
        audit(AuditAction.CODES_MADE, user, by=user, now=now, details={"codes": len(codes)})
        return codes


def turn_off(user: User, *, now: datetime) -> bool:
    """Ask for the password alone again; whether there was more."""
    with transaction.atomic():
        return _remove(user, AuditAction.FACTOR_REMOVED, by=user, now=now)


def reset_factors(person: User, *, by: User | None, now: datetime) -> bool:
    """Take from somebody who lost it what they were asked for, and end their sessions; whether there was anything."""
    with transaction.atomic():
        found = _remove(person, AuditAction.FACTOR_RESET, by=by, now=now)
        if found:
            end_sessions(person, by=by, now=now)
        return found


def _remove(person: User, action: AuditAction, *, by: User | None, now: datetime) -> bool:
    _hold(person)
    rows = Authenticator.objects.filter(user=person)
    if not rows.exists():
        return False
    rows.delete()
    audit(action, person, by=by, now=now)
    return True


def _hold(person: User) -> None:
    # Two requests at one moment must not each find that nothing is there yet.
    User.objects.select_for_update(no_key=True).get(pk=person.pk)
