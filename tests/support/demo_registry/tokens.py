"""The demo registry's token service: tokens that say what they are for, forgotten when it stops."""

from __future__ import annotations

import base64
import secrets
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field


@dataclass(slots=True)
class Tokens:
    """Issues bearer tokens to one user, or to anybody where ``username`` is ``None``."""

    username: str | None = None
    password: str | None = None
    _granted: dict[str, frozenset[str]] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def issued(self) -> list[str]:
        """Every token so far."""
        with self._lock:
            return list(self._granted)

    def accepts_basic(self, authorization: str | None) -> bool:
        """Whether an ``Authorization: Basic`` names our user; anonymous is fine where there is none."""
        if self.username is None:
            return True
        kind, _, text = (authorization or "").partition(" ")
        if kind.lower() != "basic":
            return False
        try:
            given = base64.b64decode(text, validate=True).decode()
        except ValueError:
            return False
        return secrets.compare_digest(given.encode(), f"{self.username}:{self.password}".encode())

    def accepts_form(self, form: Mapping[str, Sequence[str]]) -> bool:
        """Whether an OAuth2 form names our user, or carries the password as refresh token."""
        if form.get("grant_type") == ["refresh_token"]:
            return form.get("refresh_token") == [self.password]
        return form.get("username") == [self.username] and form.get("password") == [self.password]

    def issue(self, scopes: Sequence[str]) -> str:
        """Make a token good for these scopes."""
        token = secrets.token_urlsafe(24)
        with self._lock:
            self._granted[token] = frozenset(scopes)
        return token

    def allows(self, authorization: str | None, scope: str) -> bool:
        """Whether a bearer token is good for ``scope``; the empty scope needs any token."""
        kind, _, token = (authorization or "").partition(" ")
        granted = self._granted.get(token) if kind.lower() == "bearer" else None
        return granted is not None and (not scope or scope in granted)
