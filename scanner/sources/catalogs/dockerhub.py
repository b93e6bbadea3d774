"""Docker Hub: repositories of named accounts, from the interface on ``hub.docker.com``.

``GET /v2/namespaces/NS/repositories?page=&page_size=`` answers ``{"next": "https://…", "results": [{"name": …}]}``.
``POST /v2/auth/token`` gives a token of ten minutes for a user name and a password or access token.
Source: https://docs.docker.com/reference/api/hub/latest/
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import quote

from scanner.domain.docker_hub import is_docker_hub
from scanner.domain.limits import Limits
from scanner.domain.problems import SourceProblem
from scanner.domain.reference import RepositoryName
from scanner.sources.catalogs.interface import Interface, Reply, credential_for, every, namespaces_missing
from scanner.sources.catalogs.product import Listing, Product, Wanted
from scanner.sources.registry.addresses import Origin, Target
from scanner.sources.registry.client import RegistrySource
from scanner.sources.registry.credentials import Credential, without
from scanner.sources.registry.errors import refused
from scanner.sources.registry.exchange import Answer, Call, Question
from scanner.sources.registry.json_body import json_object
from scanner.sources.registry.paging import Page
from scanner.sources.registry.tokens import BEARER

API: Final = Origin("https", "hub.docker.com", 443)
"""The same accounts as the registry's, so its credential serves here too, if it was entered for Docker Hub."""

_POSTED: Final = {"Accept": "application/json", "Content-Type": "application/json"}
_USED_SECONDS: Final = 540.0
_REMEDY: Final = "Enter a user name with a personal access token, or an organization's name with its access token."


@dataclass(slots=True)
class _Login:
    """Exchanges a credential for a token whenever the last one is about to end."""

    source: RegistrySource
    credential: Credential
    now: Callable[[], float] = time.monotonic
    token: str = field(default="", repr=False)
    usable_until: float = 0.0

    def authorization(self) -> str:
        """:raises SourceProblem: ``auth-failed`` and others."""
        if not self.token or self.now() >= self.usable_until:
            self.token = self.source.asker.insist(self._exchanged)
            self.usable_until = self.now() + _USED_SECONDS
        return f"Bearer {self.token}"

    def _exchanged(self, call: Call) -> str:
        body = json.dumps({"identifier": self.credential.username, "secret": self.credential.password})
        question = Question("POST", Target(API, "/v2/auth/token"), _POSTED, body.encode(), stay=True)
        courier = self.source.asker.courier
        with courier.send(question, call) as answer:
            if answer.response.status != 200:
                raise self._problem(answer)
            found = json_object(courier.body(answer, "token_bytes", "token"), "token").get("access_token")
        if not isinstance(found, str) or not BEARER.fullmatch(found):
            raise refused("token-invalid", f"{API}: the answer to the login holds no usable token")
        return found

    def _problem(self, answer: Answer) -> SourceProblem:
        problem = self.source.asker.courier.problem(answer, f"login at {API}", unknown="auth-failed")
        problem.message = without(problem.message, self.credential.secrets())
        if problem.permanent:
            return refused("auth-failed", problem.message)
        return problem


def list_repositories(source: RegistrySource, wanted: Wanted, limits: Limits) -> Iterator[RepositoryName]:
    """Stream the repositories of the accounts; without a credential the public ones.

    :raises SourceProblem: ``namespaces-missing``, ``auth-failed``, ``namespace-unknown`` and others.
    """
    if not wanted.namespaces:
        raise namespaces_missing("the accounts (user names, organizations, or library for official images)")
    interface = _interface(source, wanted)
    listings = (_of_account(interface, name.lower(), limits) for name in wanted.namespaces)
    return source.usable(every(listings, limits))


def _interface(source: RegistrySource, wanted: Wanted) -> Interface:
    credential = credential_for(source, wanted, serves=is_docker_hub(source.url.host))
    if credential is None or credential.is_registry_token:
        return Interface(source, API, remedy=_REMEDY)
    return Interface(source, API, _Login(source, credential).authorization, credential.secrets(), _REMEDY)


def _of_account(interface: Interface, account: str, limits: Limits) -> Iterator[str]:
    def read(reply: Reply) -> Page:
        names = [f"{account}/{reply.text(item, 'name')}" for item in reply.objects(reply.member("results"))]
        return Page(names, reply.located(reply.member("next")))

    return interface.names(f"/v2/namespaces/{quote(account, safe='')}/repositories?page=1&page_size=100", read, limits)


PRODUCT: Final = Product(
    key="dockerhub",
    title="Docker Hub",
    listing=Listing.API,
    list_repositories=list_repositories,
    is_at=is_docker_hub,
    namespaces_label="Accounts (user names, organizations, or library for official images)",
    namespaces_required=True,
    api_token_label="Access token for the listing, if not the one above",
    note="Private repositories are listed only if the token may read them: an organization's access token without the "
    "right to list repositories hides them without a word.",
)
