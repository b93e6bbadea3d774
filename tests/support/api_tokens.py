"""Tokens of people, and requests that show them."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from django.test import Client

from compliance.models import ScopeChoice, User
from compliance.services.api_tokens import NewToken, Wanted, make_token, stamp_of
from tests.support.rows import NOW

if TYPE_CHECKING:
    from django.test.client import _MonkeyPatchedWSGIResponse as Answer


def token(person: User, *scopes: str, days: int = 30, name: str = "dashboard", now: datetime = NOW) -> NewToken:
    """A token of these scopes, or of all."""
    wanted = [ScopeChoice(scope) for scope in scopes] or list(ScopeChoice)
    return make_token(person, Wanted(name, wanted, days, stamp_of(person)), now=now)


def asked(url: str, secret: str) -> Answer:
    """What a program is answered that shows a secret."""
    return Client().get(url, headers={"Authorization": f"Bearer {secret}"})
