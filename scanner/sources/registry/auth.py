"""Decides what each request shows the registry: nothing, a password, or a token for the fewest rights.

The registry is asked without any credential first. What it demands is remembered, so that later requests bring
the right header at once. A realm is a stranger's word about where to send the password: it is believed only for
the registry's own host, for hosts an administrator listed, and for the few pairs everybody knows.
"""

from __future__ import annotations

import re
import threading
import time
from collections import OrderedDict
from collections.abc import Iterable
from typing import Final

from scanner.domain.problems import SourceProblem
from scanner.sources.registry.addresses import InvalidRegistryUrl, RegistryUrl, Target, parse_target
from scanner.sources.registry.challenge import Challenge, parse_challenges
from scanner.sources.registry.credentials import Credential
from scanner.sources.registry.errors import refused
from scanner.sources.registry.exchange import Call, Courier
from scanner.sources.registry.tokens import BEARER, Token, TokenService

KNOWN_TOKEN_HOSTS: Final = {
    "registry-1.docker.io": "auth.docker.io",
    "index.docker.io": "auth.docker.io",
    "registry.gitlab.com": "gitlab.com",
    "docker.elastic.co": "docker-auth.elastic.co",
    "registry.digitalocean.com": "api.digitalocean.com",
}

CATALOG_SCOPE: Final = "registry:catalog:*"
_READING = frozenset({"pull", "metadata_read", "list"})
_SCOPE = re.compile(r"[!-~]{1,512}", re.ASCII)
_TOKENS_KEPT = 512
_LOCKS = 32
_ORIGINS_KEPT = 1_000
# Registries that demanded Basic of this process: the next source shows its password at once, to the same origin,
# instead of being refused once for each repository.
_demanded_basic: set[str] = set()


def pull_scope(repository: str) -> str:
    """Return the scope that reading one repository needs."""
    return f"repository:{repository}:pull"


class Authenticator:
    """Keeps what one registry demands and the tokens it gave; safe to use from several threads."""

    def __init__(
        self, url: RegistryUrl, credential: Credential | None, token_hosts: Iterable[str], courier: Courier
    ) -> None:
        self._url = url
        self._credential = credential
        self._courier = courier
        self._hosts = {url.host, *(host.lower() for host in token_hosts), KNOWN_TOKEN_HOSTS.get(url.host, url.host)}
        self._service: TokenService | None = None
        self._sends_basic = _has_password(credential) and str(url) in _demanded_basic
        self._asked_scopes: dict[str, tuple[str, ...]] = {}
        self._tokens: OrderedDict[str, Token] = OrderedDict()
        self._lock = threading.Lock()
        self._fetching = [threading.Lock() for _ in range(_LOCKS)]

    def authorization(self, scope: str, call: Call) -> str | None:
        """Return the ``Authorization`` for a request that needs ``scope``; ``None`` while nothing was demanded.

        :raises SourceProblem: when a token cannot be had.
        """
        if self._credential and self._credential.is_registry_token:
            return self._registry_token(self._credential)
        if self._service:
            return f"Bearer {self._token(self._service, scope, call).value}"
        if self._sends_basic and self._credential:
            return self._credential.basic()
        return None

    def held(self, scope: str) -> tuple[tuple[str, ...], str] | None:
        """What the token service was asked for where ``scope`` is needed, and the token it gave, if it gave one."""
        with self._lock:
            token = self._tokens.get(scope)
            return (self._asked_scopes.get(scope, (scope,)), token.value) if token else None

    def challenged(self, headers: Iterable[str], scope: str, shown: str | None) -> None:
        """Learn from a 401.

        :param shown: the authorization that was refused.
        :raises Refused: when trying again cannot help.
        """
        if self._credential and self._credential.is_registry_token:
            raise refused("auth-failed", f"{self._url} does not accept this registry token")
        challenges = parse_challenges(headers)
        bearer = next((one for one in challenges if one.scheme == "bearer"), None)
        if bearer:
            self._learn_bearer(bearer, scope, shown)
        elif any(one.scheme == "basic" for one in challenges):
            self._learn_basic(shown)
        else:
            raise refused("auth-failed", f"{self._url} answered 401 and names no way to authenticate that we know")

    def _registry_token(self, credential: Credential) -> str:
        if not BEARER.fullmatch(credential.password):
            raise refused("auth-failed", "The registry token holds characters that no token has")
        return credential.bearer()

    def _learn_basic(self, shown: str | None) -> None:
        if not _has_password(self._credential):
            raise refused("auth-failed", f"{self._url} demands a user name and a password")
        if shown is not None and shown.startswith("Basic "):
            raise refused("auth-failed", f"{self._url} does not accept this user name and password")
        self._service = None
        self._sends_basic = True
        if len(_demanded_basic) < _ORIGINS_KEPT:
            _demanded_basic.add(str(self._url))

    def _learn_bearer(self, challenge: Challenge, scope: str, shown: str | None) -> None:
        realm = self.checked_realm(challenge.parameters.get("realm", ""))
        asked = acceptable_scopes(challenge.parameters.get("scope", ""))
        with self._lock:
            if asked and len(self._asked_scopes) < _TOKENS_KEPT:
                self._asked_scopes[scope] = asked
            if self._service is None or self._service.realm != realm:
                service = challenge.parameters.get("service")
                self._service = TokenService(realm, service, self._credential, self._courier)
                self._tokens.clear()
            kept = self._tokens.get(scope)
            if kept and shown == f"Bearer {kept.value}":
                del self._tokens[scope]

    def given_up(self, headers: Iterable[str], shown: str | None) -> SourceProblem:
        """Name the problem when the rounds are used up and the answer is still 401."""
        errors = {challenge.parameters.get("error") for challenge in parse_challenges(headers)}
        if "insufficient_scope" in errors:
            return refused("denied", f"{self._url}: this credential may not read here")
        if self._credential is None:
            return refused("auth-failed", f"{self._url} demands a credential")
        return refused("auth-loop", f"{self._url} still answers 401 to the token it asked for", limit="auth_rounds")

    def checked_realm(self, text: str) -> Target:
        """Read the address of a token service, which is a stranger's word.

        :raises Refused: ``token-realm-forbidden`` for a host that may not see the credential.
        """
        try:
            realm = parse_target(text)
        except InvalidRegistryUrl as error:
            raise refused("token-realm-forbidden", f"{self._url} names a token service that is no URL") from error
        if realm.origin.scheme != "https" and self._url.scheme == "https":
            raise refused("token-realm-forbidden", f"{self._url} names a token service on plain http")
        if realm.origin.host not in self._hosts:
            raise refused("token-realm-forbidden", f"{self._url} names a token service on {realm.origin}")
        return realm

    def _token(self, service: TokenService, scope: str, call: Call) -> Token:
        # One fetch per scope at a time: the others wait for it instead of asking the same.
        with self._fetching[hash(scope) % _LOCKS]:
            with self._lock:
                kept = self._tokens.get(scope)
                if kept and time.monotonic() < kept.usable_until:
                    self._tokens.move_to_end(scope)
                    return kept
                asked = self._asked_scopes.get(scope, (scope,) if scope else ())
            token = service.fetch(asked, call)
            with self._lock:
                self._tokens[scope] = token
                while len(self._tokens) > _TOKENS_KEPT:
                    self._tokens.popitem(last=False)
            return token


def _has_password(credential: Credential | None) -> bool:
    return credential is not None and not credential.is_identity_token and not credential.is_registry_token


def acceptable_scopes(text: str) -> tuple[str, ...]:
    """Keep of a challenge's scopes those that only read, so that no registry can make us ask for more.

    Registries may want another name than ours (a proxy's prefix) or a word of their own (ECR Public says ``aws``).
    """
    return tuple(scope for scope in text.split(" ")[:8] if _SCOPE.fullmatch(scope) and _only_reads(scope))


def _only_reads(scope: str) -> bool:
    # A name may itself hold one colon (host:port), so the actions are what follows the last.
    head, colon, actions = scope.rpartition(":")
    return not colon or scope == CATALOG_SCOPE or (bool(head) and _READING.issuperset(actions.split(",")))
