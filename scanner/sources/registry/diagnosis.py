"""Why does this registry not work? A ladder of small questions; the first rung that breaks is the answer.

Each step is made when it is asked for, so a page can show one while the next is under way.
"""

from __future__ import annotations

import socket
import ssl
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from enum import StrEnum
from itertools import islice

from scanner.domain.limits import DEFAULT_LIMITS, Limits
from scanner.domain.printable import printable
from scanner.domain.problems import Refused, ScanProblem
from scanner.domain.reference import RepositoryName, TagName
from scanner.sources.registry.addresses import InvalidRegistryUrl, RegistryUrl, parse_registry_url
from scanner.sources.registry.asking import Access
from scanner.sources.registry.challenge import parse_challenges
from scanner.sources.registry.client import Lists, RegistrySource
from scanner.sources.registry.connections import connect_problem, connected
from scanner.sources.registry.credentials import without
from scanner.sources.registry.errors import LISTS_NOTHING, refused, unavailable
from scanner.sources.registry.exchange import Call, Question
from scanner.sources.registry.network import Address, resolve, why_forbidden
from scanner.sources.registry.tls import tls_context

_LONGEST_DETAIL = 500


class StepState(StrEnum):
    """How one rung held."""

    OK = "ok"
    FAILED = "failed"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class Step:
    """One rung.

    :param code: of the problem where it failed.
    :param detail: what was found, printable.
    :param hint: what to do.
    """

    name: str
    state: StepState
    milliseconds: int = 0
    detail: str = ""
    hint: str = ""
    code: str = ""


class _NotNeeded(Exception):
    """A rung that does not exist here, with the reason."""


@dataclass(slots=True)
class _Ladder:
    text: str
    access: Access
    limits: Limits
    stack: ExitStack
    lists: Lists | None
    url: RegistryUrl = field(default_factory=lambda: RegistryUrl("https", "", 443))
    addresses: list[Address] = field(default_factory=list)
    source: RegistrySource | None = None
    challenge: list[str] = field(default_factory=list)
    repository: RepositoryName | None = None
    tag: TagName | None = None

    def address(self) -> str:
        try:
            self.url = parse_registry_url(self.text, plain_http=self.text.startswith("http://"))
        except InvalidRegistryUrl as error:
            raise refused("address-invalid", error.reason) from error
        return str(self.url)

    def dns(self) -> str:
        self.addresses = resolve(self.url.host, self.url.port)
        return ", ".join(str(address.sockaddr[0]) for address in self.addresses)

    def allowed(self) -> str:
        for address in self.addresses:
            reason = why_forbidden(str(address.sockaddr[0]), self.access.network)
            if reason:
                raise refused("forbidden-address", f"{address.sockaddr[0]} is {reason}")
        return "private addresses too" if self.access.network.allow_private else "public addresses only"

    def tcp(self) -> str:
        with self._connected() as connection:
            return f"connected to {connection.getpeername()[0]} port {self.url.port}"

    def tls(self) -> str:
        if self.url.scheme == "http":
            raise _NotNeeded("plain http: everything, also a password, can be read on the way")
        context = tls_context(self.access.extra_ca, verify=self.access.verify_tls)
        with self._connected() as connection:
            try:
                with context.wrap_socket(connection, server_hostname=self.url.host) as secured:
                    return _certificate(secured)
            except OSError as error:
                raise connect_problem(error, f"TLS with {self.url.host}") from error

    def _connected(self) -> socket.socket:
        try:
            return connected(self.addresses, self.limits.connect_seconds)
        except OSError as error:
            raise connect_problem(error, f"port {self.url.port} of {self.url.host}") from error

    def api(self) -> str:
        self.source = self.stack.enter_context(
            RegistrySource(self.url, self.access, limits=self.limits, lists=self.lists)
        )
        asker = self.source.asker
        with asker.courier.send(Question("GET", asker.target("/v2/")), Call()) as answer:
            response = answer.response
            if response.status not in (200, 401):
                raise asker.courier.problem(answer, "GET /v2/", unknown="not-found")
            version = response.header("Docker-Distribution-Api-Version")
            self.challenge = response.headers("WWW-Authenticate") if response.status == 401 else []
            if response.status == 401 and not self.challenge:
                raise refused("auth-failed", "GET /v2/ answered 401 and names no way to authenticate")
            return f"GET /v2/ answered {response.status}" + (f", {version}" if version else "")

    def demand(self) -> str:
        if not self.challenge:
            raise _NotNeeded("the registry lets everybody in here")
        return "; ".join(
            " ".join([one.scheme, *(f"{name}={value}" for name, value in one.parameters.items())])
            for one in parse_challenges(self.challenge)
        )

    def token(self) -> str:
        if not self.challenge:
            raise _NotNeeded("no credential is demanded here")
        self._opened().ping()
        return "accepted" if self.access.credential else "anonymous access granted"

    def catalog(self) -> str:
        names: list[RepositoryName] = []
        said = ""
        try:
            names.extend(islice(self._opened().repositories(), 1_000))
        except Refused as problem:
            if not names or problem.code not in LISTS_NOTHING:
                raise
            said = f" were entered. {problem.message}"
        self.repository = names[0] if names else None
        return f"{'at least ' if len(names) == 1_000 else ''}{len(names)} repositories{said}"

    def manifest(self) -> str:
        if self.repository is None:
            raise _NotNeeded("there is no repository to try")
        self.tag = next(self._opened().tags(self.repository), None)
        if self.tag is None:
            raise _NotNeeded(f"{self.repository} has no tag to try")
        resolved = self._opened().resolve(self.repository, self.tag)
        return f"{self.repository}:{self.tag} is {resolved.digest}, {resolved.media_type or 'no media type'}"

    def rate_limit(self) -> str:
        found = self._opened().rate_limit
        if not found:
            raise _NotNeeded("the registry names no limit")
        return ", ".join(f"{name}: {value}" for name, value in found.items())

    def _opened(self) -> RegistrySource:
        if self.source is None:
            raise unavailable("unreachable", "The registry was not reached")
        return self.source


def diagnose(
    url: str, access: Access, *, limits: Limits = DEFAULT_LIMITS, lists: Lists | None = None
) -> Iterator[Step]:
    """Climb the ladder; every step is yielded, those after a failure as skipped.

    :param url: as a person typed it; plain http only where it says ``http://``.
    :param lists: how the registry's product names its repositories; ``None``: by its own catalog.
    """
    hasty = replace(access, sleep=lambda _: None)
    with ExitStack() as stack:
        yield from _climb(_Ladder(url, hasty, replace(limits, retries=0), stack, lists))


def _climb(ladder: _Ladder) -> Generator[Step, None, None]:
    rungs: list[tuple[str, Callable[[], str]]] = [
        ("address", ladder.address),
        ("name", ladder.dns),
        ("allowed", ladder.allowed),
        ("connection", ladder.tcp),
        ("tls", ladder.tls),
        ("api", ladder.api),
        ("demand", ladder.demand),
        ("login", ladder.token),
        ("catalog", ladder.catalog),
        ("manifest", ladder.manifest),
        ("rate limit", ladder.rate_limit),
    ]
    credential = ladder.access.credential
    secrets = credential.secrets() if credential else ()
    broken = False
    for name, rung in rungs:
        step = Step(name, StepState.SKIPPED) if broken else _measured(name, rung, secrets)
        broken = broken or step.state is StepState.FAILED
        yield step


def _measured(name: str, rung: Callable[[], str], secrets: tuple[str, ...]) -> Step:
    started = time.monotonic()
    code = hint = ""
    try:
        state, detail = StepState.OK, rung()
    except _NotNeeded as reason:
        state, detail = StepState.SKIPPED, str(reason)
    except ScanProblem as problem:
        state, detail, code, hint = StepState.FAILED, problem.message, problem.code, problem.remedy
    milliseconds = round((time.monotonic() - started) * 1_000)
    detail = printable(without(detail, secrets), longest=_LONGEST_DETAIL)
    return Step(name, state, milliseconds, detail, hint, code)


def _certificate(secured: ssl.SSLSocket) -> str:
    certificate = secured.getpeercert()
    if not certificate:
        return f"{secured.version()}, certificate not checked"
    issuer = certificate.get("issuer", ())
    names = [str(value) for part in issuer for key, value in part if key in ("commonName", "organizationName")]  # type: ignore[str-unpack] # typeshed's union of certificate fields
    return f"{secured.version()}, issued by {' '.join(names)}, valid until {certificate.get('notAfter')}"
