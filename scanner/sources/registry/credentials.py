"""A user name and a password, or a registry token, which show themselves to nobody by accident."""

from __future__ import annotations

import base64
from collections.abc import Iterable
from dataclasses import dataclass, field

IDENTITY_TOKEN_USER = "<token>"


@dataclass(frozen=True, slots=True)
class Credential:
    """What a registry knows us by; with the user name ``<token>`` the password is a refresh token (docker login).

    :param is_registry_token: the password is a bearer token, shown to the registry as it is and to nobody else.
    """

    username: str
    password: str = field(repr=False)
    is_registry_token: bool = False

    @property
    def is_identity_token(self) -> bool:
        """Whether the password goes to the token service only, never to the registry."""
        return self.username == IDENTITY_TOKEN_USER and not self.is_registry_token

    def bearer(self) -> str:
        """Return the value of an ``Authorization: Bearer`` header (RFC 6750)."""
        return f"Bearer {self.password}"

    def basic(self) -> str:
        """Return the value of an ``Authorization: Basic`` header (RFC 7617, UTF-8)."""
        return "Basic " + base64.b64encode(f"{self.username}:{self.password}".encode()).decode()

    def secrets(self) -> tuple[str, ...]:
        """Every form in which the password leaves us, longest first."""
        return (self.basic().partition(" ")[2], self.password)

    def __reduce__(self) -> tuple[object, ...]:
        # A pickled credential would end in a task queue or a cache.
        raise TypeError("a credential is not stored or sent anywhere but to its registry")


def without(text: str, secrets: Iterable[str]) -> str:
    """Take secrets out of what a server said, since it may repeat what it was sent."""
    for secret in secrets:
        if secret:
            text = text.replace(secret, "***")
    return text
