"""How somebody logs in: what they are asked for, and where they are logged in."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from allauth.mfa import app_settings
from allauth.mfa.models import Authenticator

from compliance.models import User
from compliance.queries.factor_rule import is_demanded_of
from compliance.queries.sessions import sessions_page


@dataclass(frozen=True, slots=True)
class Factors:
    """What somebody is asked for after the password.

    :param since: when the app was set up; ``None`` without one, ``used``: when one of its codes was last taken.
    :param codes_left: of how many (``codes``) recovery codes.
    """

    since: datetime | None
    used: datetime | None
    codes_left: int
    codes: int


@dataclass(frozen=True, slots=True)
class SecurityPage:
    """The page's; ``demanded``: whether a second factor must be there."""

    factors: Factors
    sessions: int
    demanded: bool


def factors_of(person: User) -> Factors:
    """One query; no secret is decrypted."""
    rows = {row.type: row for row in Authenticator.objects.filter(user=person)}
    app, codes = rows.get(Authenticator.Type.TOTP), rows.get(Authenticator.Type.RECOVERY_CODES)
    count = int(app_settings.RECOVERY_CODE_COUNT)
    left = count - int(codes.data.get("used_mask", 0)).bit_count() if codes else 0
    return Factors(app.created_at if app else None, app.last_used_at if app else None, left, count)


def security_page(user: User, key: str) -> SecurityPage:
    """What ``user`` is shown of their own account.

    :param key: of the session that asks.
    """
    return SecurityPage(factors_of(user), len(sessions_page(user, key).sessions), is_demanded_of(user))
