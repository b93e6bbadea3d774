"""What somebody is asked for beside the password: turned on, turned off, reset; and the codes for a lost phone."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from django.db import transaction
from django.db.models import QuerySet

from compliance.models import AuditAction, User
from compliance.models.encryption import encrypt
from compliance.services.accept_passkey import Made
from compliance.services.end_sessions import end_sessions
from compliance.services.record_audit import audit

MOST_PASSKEYS: Final = 20


class AlreadyOn(Exception):
    """There is an authenticator app already: another one would make the codes of the first worthless."""


class TooManyPasskeys(Exception):
    """Somebody has ``MOST_PASSKEYS``."""


def turn_on(user: User, secret: str, counter: int, *, now: datetime, session: str) -> list[str]:
    """Ask for codes of an authenticator app from now on; the recovery codes, which nothing shows again.

    Of the first factor: sessions that began without one end. Whoever has another keeps both codes and sessions.

    :param counter: of the code that proved that the app has the secret; it is taken.
    :param session: the key of the one that goes on.
    :raises AlreadyOn: when somebody was quicker.
    """
    with transaction.atomic():
        _hold(user)
        if Authenticator.objects.filter(user=user, type=Authenticator.Type.TOTP).exists():
            raise AlreadyOn
        is_first = not _protecting(user).exists()
        data = {"secret": encrypt(secret), "counter": counter}
        Authenticator.objects.create(user=user, type=Authenticator.Type.TOTP, data=data, created_at=now)
        audit(AuditAction.FACTOR_ADDED, user, by=user, now=now, details={"factor": "authenticator app"})
        return _begin(user, now=now, session=session) if is_first else []


def add_passkey(user: User, name: str, made: Made, *, now: datetime, session: str) -> list[str]:
    """Take a passkey from now on, as ``turn_on`` does with an app.

    :raises TooManyPasskeys: when there is no room for another.
    """
    with transaction.atomic():
        _hold(user)
        passkeys = Authenticator.objects.filter(user=user, type=Authenticator.Type.WEBAUTHN)
        if passkeys.count() >= MOST_PASSKEYS:
            raise TooManyPasskeys
        is_first = not _protecting(user).exists()
        data = {"name": name, "rp": made.party, "alone": made.is_alone, "credential": made.credential}
        Authenticator.objects.create(user=user, type=Authenticator.Type.WEBAUTHN, data=data, created_at=now)
        audit(AuditAction.PASSKEY_ADDED, user, by=user, now=now, details={"passkey": name})
        return _begin(user, now=now, session=session) if is_first else []


def rename_passkey(user: User, key: int, name: str, *, now: datetime) -> None:
    """Call a passkey of somebody by another name; nothing where they have it no more."""
    with transaction.atomic():
        row = _passkey(user, key)
        if row is None or row.data["name"] == name:
            return
        details: dict[str, object] = {"passkey": name, "before": row.data["name"]}
        row.data["name"] = name
        row.save(update_fields=["data"])
        audit(AuditAction.PASSKEY_RENAMED, user, by=user, now=now, details=details)


def remove_passkey(user: User, key: int, *, now: datetime) -> bool:
    """Take a passkey no more, and no recovery codes where it was the last factor; whether there was one."""
    with transaction.atomic():
        row = _passkey(user, key)
        if row is None:
            return False
        row.delete()
        audit(AuditAction.PASSKEY_REMOVED, user, by=user, now=now, details={"passkey": row.data["name"]})
        _drop_codes(user)
        return True


def make_codes(user: User, *, now: datetime) -> list[str]:
    """New recovery codes instead of those there are; none for somebody who has no second factor."""
    with transaction.atomic():
        _hold(user)
        if not _protecting(user).exists():
            return []
        Authenticator.objects.filter(user=user, type=Authenticator.Type.RECOVERY_CODES).delete()
        codes: list[str] = RecoveryCodes.activate(user).generate_codes()
        audit(AuditAction.CODES_MADE, user, by=user, now=now, details={"codes": len(codes)})
        return codes


def turn_off(user: User, *, now: datetime) -> bool:
    """Ask for no code of the app any more; whether there was one. Passkeys stay."""
    with transaction.atomic():
        _hold(user)
        removed, _ = Authenticator.objects.filter(user=user, type=Authenticator.Type.TOTP).delete()
        if removed:
            audit(AuditAction.FACTOR_REMOVED, user, by=user, now=now, details={"factor": "authenticator app"})
            _drop_codes(user)
        return bool(removed)


def reset_factors(person: User, *, by: User | None, now: datetime) -> bool:
    """Take from somebody who lost it all they were asked for, and end their sessions; whether there was anything."""
    with transaction.atomic():
        _hold(person)
        removed, _ = Authenticator.objects.filter(user=person).delete()
        if removed:
            audit(AuditAction.FACTOR_RESET, person, by=by, now=now)
            end_sessions(person, by=by, now=now)
        return bool(removed)


def _begin(user: User, *, now: datetime, session: str) -> list[str]:
    """What comes with the first factor: no session without it, and codes for when it is lost."""
    end_sessions(user, by=user, now=now, but=session)
    return make_codes(user, now=now)


def _protecting(user: User) -> QuerySet[Authenticator]:
    """What somebody has beside the codes for when it is lost."""
    rows: QuerySet[Authenticator] = Authenticator.objects.filter(user=user)
    return rows.exclude(type=Authenticator.Type.RECOVERY_CODES)


def _drop_codes(user: User) -> None:
    if not _protecting(user).exists():
        Authenticator.objects.filter(user=user).delete()


def _passkey(user: User, key: int) -> Authenticator | None:
    _hold(user)
    return Authenticator.objects.filter(user=user, type=Authenticator.Type.WEBAUTHN, pk=key).first()


def _hold(person: User) -> None:
    # Two requests at one moment must not each find that nothing is there yet.
    User.objects.select_for_update(no_key=True).get(pk=person.pk)
