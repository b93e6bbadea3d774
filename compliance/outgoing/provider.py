"""Questions to the OpenID provider: to its addresses, in bounded time and size.

It goes by the scanner's transport, as all that leaves us: addresses are judged, no redirect is followed, no proxy of
the environment used. What is handed on has the shape that django-allauth expects of ``requests``.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final, Protocol, Self
from urllib.parse import quote_plus, urlencode

from scanner.domain.limits import Limits
from scanner.domain.problems import SourceProblem
from scanner.sources.registry.access import Access
from scanner.sources.registry.addresses import InvalidRegistryUrl, parse_target
from scanner.sources.registry.network import PRIVATE_TOO
from scanner.sources.registry.transport import Response, Transport

MOST_BYTES: Final = 2**20
MOST_SECONDS: Final = 5.0
"""For each of: connecting, the first byte, the rest. A worker waits that long, and a person with it."""


class ProviderProblem(Exception):
    """No usable answer; ``code``: ``unreachable`` or ``provider``. The text is for administrators and has no secret."""

    def __init__(self, code: str, words: str) -> None:
        super().__init__(words)
        self.code = code


class BasicAuth(Protocol):
    """What django-allauth sends a client's secret by, where the provider wants no other way."""

    username: str
    password: str


@dataclass(frozen=True, slots=True)
class Answer:
    """As much of ``requests.Response`` as django-allauth reads."""

    status_code: int
    content: bytes
    headers: Mapping[str, str]

    @property
    def text(self) -> str:
        """The body."""
        return self.content.decode("utf-8", "replace")

    def json(self) -> Any:
        """The body's value.

        :raises ProviderProblem: where it has none.
        """
        try:
            return json.loads(self.content)
        except (ValueError, RecursionError) as error:
            raise ProviderProblem("provider", "an answer is no JSON") from error

    def raise_for_status(self) -> None:
        """Go on only after a success.

        :raises ProviderProblem: else.
        """
        if not 200 <= self.status_code < 300:
            code = "unreachable" if self.status_code >= 500 else "provider"
            raise ProviderProblem(code, f"an answer has the status {self.status_code}")


class ProviderSession:
    """As much of ``requests.Session`` as django-allauth uses; each request has a connection of its own."""

    def __init__(self, limits: Limits) -> None:
        self._limits = replace(
            limits,
            connect_seconds=MOST_SECONDS,
            first_byte_seconds=MOST_SECONDS,
            idle_seconds=MOST_SECONDS,
            body_seconds=MOST_SECONDS,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def get(self, url: str) -> Answer:
        """Read a document."""
        return self.request("GET", url)

    def request(
        self,
        method: str,
        url: str,
        *,
        params: None = None,
        data: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        auth: BasicAuth | None = None,
    ) -> Answer:
        """Ask once; ``data`` is a form.

        :raises ProviderProblem: without an answer.
        """
        sent = {"Accept": "application/json", "User-Agent": "Plimsoll", **(headers or {})}
        body = urlencode(data).encode() if data else b""
        if body:
            sent["Content-Type"] = "application/x-www-form-urlencoded"
        if auth:
            sent["Authorization"] = _basic(auth)
        try:
            target = parse_target(url)
            transport = Transport(target.origin, Access(network=PRIVATE_TOO, connections=1), self._limits)
            try:
                with transport.exchange(method, target, sent, body) as response:
                    return Answer(response.status, _whole(response), {"content-type": _type(response)})
            finally:
                transport.close()
        except InvalidRegistryUrl as error:
            raise ProviderProblem("provider", "one of its addresses cannot be asked") from error
        except SourceProblem as problem:
            raise ProviderProblem("unreachable", f"no answer ({problem.code})") from problem


def _whole(response: Response) -> bytes:
    found = bytearray()
    for chunk in response.chunks():
        found += chunk
        if len(found) > MOST_BYTES:
            raise ProviderProblem("provider", f"an answer has more than {MOST_BYTES} bytes")
    return bytes(found)


def _type(response: Response) -> str:
    return response.header("Content-Type") or ""


def _basic(auth: BasicAuth) -> str:
    """RFC 6749, 2.3.1: each half is encoded as in a form first, so that a colon is none."""
    pair = f"{quote_plus(auth.username)}:{quote_plus(auth.password)}"
    return f"Basic {base64.b64encode(pair.encode()).decode()}"
