"""One registry to ask: connections, demands and patience put together, below what the questions mean."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final, TypeVar

from scanner.domain.limits import Limits
from scanner.sources.registry.access import Access as Access
from scanner.sources.registry.addresses import RegistryUrl, Target
from scanner.sources.registry.auth import Authenticator
from scanner.sources.registry.errors import refused
from scanner.sources.registry.exchange import Answer, Call, Courier, Meter, Question
from scanner.sources.registry.retrying import Patience
from scanner.sources.registry.transport import Transport

T = TypeVar("T")
_JSON: Final = {"Accept": "application/json"}
_RATE_LIMIT: Final = ("ratelimit-limit", "ratelimit-remaining", "docker-ratelimit-source")


class Asker:
    """What every question to one registry shares; safe to use from several threads."""

    def __init__(self, url: RegistryUrl, access: Access, limits: Limits) -> None:
        self.url = url
        self.limits = limits
        self.credential = access.credential
        self.meter = Meter()
        self._gate = access.gate
        self.rate_limit: dict[str, str] = {}
        """The rate limit headers the registry sent last (Docker Hub's names); empty where it sends none."""
        transport = Transport(url, access, limits)
        self.close = transport.close
        self.courier = Courier(transport, self.meter, limits, secrets=access.secrets(), permit=access.gate.permit)
        self.auth = Authenticator(url, access.credential, access.token_hosts, self.courier)
        self._patience = Patience(limits, access.sleep, random.random)

    def insist(self, action: Callable[[Call], T]) -> T:
        """Repeat an action over passing faults.

        :raises SourceProblem: the last one.
        """
        return self._patience.insist(action)

    def target(self, path: str) -> Target:
        """A path of this registry."""
        return Target(self.url, path)

    @contextmanager
    def ask(self, question: Question, scope: str, call: Call) -> Iterator[Answer]:
        """Send with what the registry demanded so far, and learn from a 401 a limited number of times."""
        for attempts_left in reversed(range(self.limits.auth_rounds + 1)):
            shown = self.auth.authorization(scope, call) if question.target.origin == self.url else None
            asked = Question(question.method, question.target, question.headers, authorization=shown)
            with self.courier.send(asked, call) as answer:
                self._note_rate_limit(answer)
                if answer.response.status != 401:
                    yield answer
                    return
                if not answer.stayed or answer.target.origin != self.url:
                    raise refused("redirect-forbidden", f"{self.url} redirects to where a login is demanded")
                headers = answer.response.headers("WWW-Authenticate")
                self.courier.problem(answer, "", unknown="not-found")  # reads it, so the connection stays
            if not attempts_left or call.has_cost_enough:
                raise self.auth.given_up(headers, shown)
            self.auth.challenged(headers, scope, shown)

    def get(self, target: Target, scope: str, call: Call, unknown: str) -> tuple[Answer, bytes]:
        """GET a small JSON answer.

        :param unknown: the code that a bare 404 means.
        :raises SourceProblem: for any status but 200.
        """
        subject = f"GET {target.path}"
        with self.ask(Question("GET", target, _JSON), scope, call) as answer:
            if answer.response.status != 200:
                raise self.courier.problem(answer, subject, unknown=unknown)
            return answer, self.courier.body(answer, "listing_bytes", subject)

    def _note_rate_limit(self, answer: Answer) -> None:
        found = {name: value for name in _RATE_LIMIT if (value := answer.response.header(name)) is not None}
        if found:
            self.rate_limit = found
            self._gate.heard(found)
