"""An OpenID provider inside the process, which answers whatever a test wants, and people who come by it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from typing import Any
from unittest.mock import patch
from urllib.parse import parse_qs, urlsplit

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa
from django.core.cache import caches
from django.test import Client, override_settings

from compliance.outgoing.provider import Answer, ProviderSession
from compliance.policy.sign_on import Identity, SignOn
from tests.support.pages import Page
from tests.support.rows import NOW

ISSUER = "https://login.example/realms/staff"
CLIENT = "plimsoll"
SECRET = "the-secret-of-the-client"
WANTED = SignOn(ISSUER, CLIENT, SECRET)
AT = int(NOW.timestamp())


def key(number: int = 1) -> rsa.RSAPrivateKey:
    """A key of the provider."""
    return _key(number)


@cache
def _key(_number: int) -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def published(number: int = 1, **more: object) -> dict[str, Any]:
    """Its public half, as providers publish it."""
    found = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(key(number).public_key()))
    return {**found, "kid": f"key-{number}", "use": "sig", "alg": "RS256", **more}


def claims(**more: object) -> dict[str, Any]:
    """What a provider says of somebody; ``None`` takes a claim away."""
    found = {
        "iss": ISSUER,
        "aud": CLIENT,
        "sub": "subject-1",
        "nonce": "once",
        "iat": AT,
        "exp": AT + 300,
        "preferred_username": "ann",
        "email": "ann@example.org",
        "given_name": "Ann",
        "family_name": "Lee",
        "groups": ["staff"],
        **more,
    }
    return {name: value for name, value in found.items() if value is not None}


def signed(values: dict[str, Any], number: int = 1, **header: object) -> str:
    """An ID token."""
    return jwt.encode(values, key(number), algorithm="RS256", headers={"kid": f"key-{number}", **header})


def identity(subject: str = "subject-1", *groups: str, **more: str) -> Identity:
    """Somebody who was proved."""
    return Identity(ISSUER, subject, frozenset(groups), **{"username": "ann", **more})


@dataclass(slots=True)
class Faked:
    """The provider; what a test sets here is its next answer.

    :param answers: instead of the usual ones, by the end of the address.
    :param asked: every request, as it was sent.
    """

    said: dict[str, Any] = field(default_factory=claims)
    answers: dict[str, Answer | Exception] = field(default_factory=dict)
    asked: list[tuple[str, dict[str, Any]]] = field(default_factory=list)

    def answer(self, _session: ProviderSession, _method: str, url: str, **sent: Any) -> Answer:
        """As ``ProviderSession.request``."""
        self.asked.append((url, sent))
        name = url.rpartition("/")[2]
        found = self.answers.get(name)
        if isinstance(found, Exception):
            raise found
        return found or of_json(
            {
                "openid-configuration": {
                    "issuer": ISSUER,
                    "authorization_endpoint": f"{ISSUER}/auth",
                    "token_endpoint": f"{ISSUER}/token",
                    "jwks_uri": f"{ISSUER}/certs",
                },
                "token": {"access_token": "never-stored", "token_type": "Bearer", "id_token": signed(self.said)},
                "certs": {"keys": [published()]},
            }[name]
        )


def of_json(value: object, status: int = 200) -> Answer:
    """An answer."""
    return Answer(status, json.dumps(value).encode(), {"content-type": "application/json"})


@contextmanager
def provider(**wanted: Any) -> Iterator[Faked]:
    """Single sign-on is set up."""
    faked = Faked()
    settings = SignOn(**{"issuer": ISSUER, "client_id": CLIENT, "client_secret": SECRET, **wanted})
    caches["process"].clear()
    with (
        override_settings(SINGLE_SIGN_ON=settings),
        patch.object(ProviderSession, "request", autospec=True, side_effect=faked.answer),
    ):
        yield faked


def begin(client: Client, **posted: str) -> dict[str, str]:
    """Press the button; what the provider is asked with."""
    answer = client.post("/login/sso/", posted)
    assert answer.status_code == 200, answer.headers
    refresh = Page(answer.content.decode()).all("meta", **{"http-equiv": "refresh"})[0].attributes["content"]
    url = urlsplit(refresh.partition("url=")[2])
    assert f"{url.scheme}://{url.netloc}{url.path}" == f"{ISSUER}/auth"
    return {name: values[0] for name, values in parse_qs(url.query).items()}


def come(client: Client, faked: Faked, *, posted: dict[str, str] | None = None, **said: object) -> Any:
    """Press the button, and come back from the provider."""
    asked = begin(client, **(posted or {}))
    faked.said = claims(**{"nonce": asked["nonce"], **said})
    return client.get("/login/sso/callback/", {"code": "a-code", "state": asked["state"]})
