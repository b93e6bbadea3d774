"""Second factors for tests: an app that shows codes, and people who have set one up."""

from __future__ import annotations

from datetime import datetime

from allauth.account.internal.flows.login import record_authentication
from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value
from django.contrib.auth import SESSION_KEY
from django.http import HttpRequest
from django.test import Client

from compliance.models import User
from compliance.services.change_factors import turn_on
from tests.support.rows import NOW

SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"


def shown(now: datetime, secret: str = SECRET) -> str:
    """What the app shows at a moment."""
    return str(format_hotp_value(hotp_value(secret, int(now.timestamp()) // 30)))


def protect(person: User, secret: str = SECRET) -> list[str]:
    """Turn a second factor on, long ago; its recovery codes."""
    return turn_on(person, secret, 0, now=NOW, session="")


def confirm(client: Client) -> None:
    """Have the password of a session entered again, without the hash that takes so long."""
    request, session = HttpRequest(), client.session
    request.session = session
    record_authentication(request, User.objects.get(pk=session[SESSION_KEY]), "password", reauthenticated=True)
    session.save()
