"""Codes that are typed: of an authenticator app (RFC 6238) or a recovery code. Each is taken once."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from allauth.core.internal.cryptokit import compare_user_code
from allauth.mfa import app_settings
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value
from django.db import transaction

from compliance.models import User
from compliance.models.encryption import decrypt

_TYPED: Final = (Authenticator.Type.TOTP, Authenticator.Type.RECOVERY_CODES)


def counter_of(secret: str, code: str, *, now: datetime, after: int = -1) -> int | None:
    """Which half minute, counted since 1970, a code of an app is of.

    It may be one that ``MFA_TOTP_TOLERANCE`` allows, and has to come after the last one that was taken.
    """
    here, near = int(now.timestamp()) // app_settings.TOTP_PERIOD, app_settings.TOTP_TOLERANCE
    for counter in range(max(here - near, after + 1), here + near + 1):
        if compare_user_code(actual=code, expected=format_hotp_value(hotp_value(secret, counter))):
            return counter
    return None


def accept_code(user: User, code: str, *, now: datetime) -> Authenticator | None:
    """Take a code; whose it is, or ``None`` where it does not fit or was taken before.

    :raises CredentialKeyMissing: when nobody can check any code: the key of the secret is gone.
    """
    with transaction.atomic():
        rows = Authenticator.objects.select_for_update().filter(user=user, type__in=_TYPED).order_by("-type")
        return next((row for row in rows if _fits(row, code, now)), None)


def _fits(row: Authenticator, code: str, now: datetime) -> bool:
    if row.type == Authenticator.Type.RECOVERY_CODES:
        return bool(row.wrap().validate_code(code))
    counter = counter_of(decrypt(row.data["secret"]), code, now=now, after=row.data.get("counter", -1))
    if counter is None:
        return False
    row.data["counter"] = counter
    row.save(update_fields=["data"])
    return True
