"""How somebody logs in: what they are asked for, and where they are logged in."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from allauth.mfa import app_settings
from allauth.mfa.models import Authenticator

from compliance.models import User
from compliance.queries.factor_rule import is_demanded_of
from compliance.queries.sessions import sessions_page
from compliance.queries.sign_on import Connection, connection_of


@dataclass(frozen=True, slots=True)
class Passkey:
    """One of somebody's.

    :param site: the name it was made for: no browser shows it under another.
    :param is_alone: whether it lets in without the password.
    """

    id: int
    name: str
    site: str
    is_alone: bool
    since: datetime
    used: datetime | None


@dataclass(frozen=True, slots=True)
class Factors:
    """What somebody is asked for beside the password.

    :param since: when the app was set up; ``None`` without one, ``used``: when one of its codes was last taken.
    :param passkeys: the newest first.
    :param codes_left: of how many (``codes``) recovery codes.
    """

    since: datetime | None
    used: datetime | None
    passkeys: tuple[Passkey, ...]
    codes_left: int
    codes: int

    @property
    def count(self) -> int:
        """How many there are; recovery codes are none."""
        return (self.since is not None) + len(self.passkeys)


@dataclass(frozen=True, slots=True)
class SecurityPage:
    """The page's; ``demanded``: whether a second factor must be there, ``connection``: to single sign-on."""

    factors: Factors
    sessions: int
    demanded: bool
    connection: Connection | None


def factors_of(person: User) -> Factors:
    """One query; no secret is decrypted."""
    rows = list(Authenticator.objects.filter(user=person).order_by("-pk"))
    single = {row.type: row for row in rows if row.type != Authenticator.Type.WEBAUTHN}
    app, codes = single.get(Authenticator.Type.TOTP), single.get(Authenticator.Type.RECOVERY_CODES)
    passkeys = tuple(_passkey(row) for row in rows if row.type == Authenticator.Type.WEBAUTHN)
    count = int(app_settings.RECOVERY_CODE_COUNT)
    left = count - int(codes.data.get("used_mask", 0)).bit_count() if codes else 0
    return Factors(app.created_at if app else None, app.last_used_at if app else None, passkeys, left, count)


def _passkey(row: Authenticator) -> Passkey:
    data = row.data
    return Passkey(row.pk, data["name"], data["rp"], data["alone"], row.created_at, row.last_used_at)


def security_page(user: User, key: str) -> SecurityPage:
    """What ``user`` is shown of their own account.

    :param key: of the session that asks.
    """
    sessions = len(sessions_page(user, key).sessions)
    return SecurityPage(factors_of(user), sessions, is_demanded_of(user), connection_of(user))
