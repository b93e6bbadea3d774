"""Fetches bearer tokens the two ways token services know (CNCF distribution, "Token Authentication")."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlencode

from scanner.sources.registry.addresses import Target
from scanner.sources.registry.credentials import Credential
from scanner.sources.registry.errors import refused
from scanner.sources.registry.exchange import Answer, Call, Courier, Question
from scanner.sources.registry.json_body import json_object

_CLIENT = "plimsoll"
_FORM = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"}
# What may stand in an Authorization header (RFC 6750), so that a token cannot smuggle a header.
BEARER: Final = re.compile(r"[!-~]+", re.ASCII)
_SHORTEST_SECONDS = 60.0
_LONGEST_SECONDS = 3_600.0
_MARGIN = 0.9
# What services without the OAuth2 form answer a POST: GCR, Artifactory, ACR and plain method refusal.
_NO_POST = frozenset({400, 401, 404, 405})


@dataclass(frozen=True, slots=True)
class Token:
    """A bearer token and the monotonic time until which we use it."""

    value: str
    usable_until: float


class TokenService:
    """One realm. Which form it speaks is learned once."""

    def __init__(self, realm: Target, service: str | None, credential: Credential | None, courier: Courier) -> None:
        self.realm = realm
        self._service = service
        self._credential = credential
        self._courier = courier
        self._speaks_post = credential is not None

    def fetch(self, scopes: tuple[str, ...], call: Call) -> Token:
        """Get a token for these scopes; anonymous where there is no credential.

        :raises SourceProblem: ``auth-failed``, ``token-invalid``, ``token-realm-forbidden``, or a passing fault.
        """
        if self._credential and self._speaks_post:
            token = self._post(self._credential, scopes, call)
            if token:
                return token
            self._speaks_post = False
        return self._get(scopes, call)

    def _post(self, credential: Credential, scopes: tuple[str, ...], call: Call) -> Token | None:
        form = {"client_id": _CLIENT, "service": self._service or "", "scope": " ".join(scopes)}
        if credential.is_identity_token:
            form |= {"grant_type": "refresh_token", "refresh_token": credential.password}
        else:
            form |= {"grant_type": "password", "username": credential.username, "password": credential.password}
        question = Question("POST", self.realm, _FORM, urlencode(form).encode(), stay=True)
        with self._courier.send(question, call) as answer:
            if answer.response.status in _NO_POST and not credential.is_identity_token:
                self._courier.problem(answer, "token", unknown="not-found")  # reads it, so the connection stays
                return None
            return self._token(answer)

    def _get(self, scopes: tuple[str, ...], call: Call) -> Token:
        query = [("client_id", _CLIENT)] + [("scope", scope) for scope in scopes]
        if self._service:
            query.insert(0, ("service", self._service))
        joint = "&" if "?" in self.realm.path else "?"
        target = Target(self.realm.origin, f"{self.realm.path}{joint}{urlencode(query)}")
        authorization = self._credential.basic() if self._credential else None
        question = Question("GET", target, {"Accept": "application/json"}, authorization=authorization, stay=True)
        with self._courier.send(question, call) as answer:
            return self._token(answer)

    def _token(self, answer: Answer) -> Token:
        subject = f"token from {self.realm.origin}"
        status = answer.response.status
        if status in (401, 403):
            raise refused("auth-failed", f"{subject}: the token service answered {status}")
        if status in (301, 302, 303, 307, 308):
            raise refused("token-realm-forbidden", f"{subject}: the token service redirects the credential")
        if status != 200:
            raise self._courier.problem(answer, subject, unknown="token-invalid")
        return read_token(json_object(self._courier.body(answer, "token_bytes", subject), subject), time.monotonic())


def read_token(document: Mapping[str, object], received: float) -> Token:
    """Take the token out of an answer; its lifetime counts from when it came, so clocks need not agree.

    Servers that say less than a minute mean a minute (docker's client does the same), and more than an hour is
    not worth trusting.

    :raises Refused: ``token-invalid``.
    """
    value = document.get("token") or document.get("access_token")
    if not isinstance(value, str) or not BEARER.fullmatch(value):
        raise refused("token-invalid", "The token service's answer holds no usable token")
    lifetime = document.get("expires_in")
    seconds = float(lifetime) if isinstance(lifetime, int) and 0 < lifetime < 10**9 else _SHORTEST_SECONDS
    return Token(value, received + _MARGIN * min(max(seconds, _SHORTEST_SECONDS), _LONGEST_SECONDS))
