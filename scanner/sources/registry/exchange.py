"""Requests as registries need them: counted, redirected by our own rules, with bodies that have an end."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import partial

from scanner.domain.limits import DEFAULT_LIMITS, Limits
from scanner.domain.problems import SourceProblem
from scanner.sources.registry.addresses import InvalidRegistryUrl, Origin, Target, resolve_target
from scanner.sources.registry.credentials import without
from scanner.sources.registry.errors import problem_of_status, refused, registry_errors
from scanner.sources.registry.transport import Response, Transport
from scanner.sources.source import Traffic

_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_ALWAYS = {"User-Agent": "plimsoll", "Accept-Encoding": "identity"}
_ENOUGH_REQUESTS = 8
_ANSWERS_KEPT = 3
# nginx lets everybody finish the handshake and says only then, in a page, that it wants to be shown a certificate.
_NGINX_WANTS_CERTIFICATE = b"No required SSL certificate was sent"


class Meter:
    """Adds up traffic from several threads."""

    def __init__(self) -> None:
        self.traffic = Traffic()
        self._lock = threading.Lock()

    def add(self, requests: int, size: int) -> None:
        """Count requests sent and body bytes received."""
        with self._lock:
            self.traffic.requests += requests
            self.traffic.bytes += size


@dataclass(slots=True)
class Call:
    """What one question to the registry has cost so far, over redirects, token requests and retries.

    :param most: requests after which it is given up.
    """

    most: int = DEFAULT_LIMITS.question_requests
    requests: int = 0

    @property
    def has_cost_enough(self) -> bool:
        """Whether a failing call should end now."""
        return self.requests >= _ENOUGH_REQUESTS

    def spend(self) -> None:
        """Count one request.

        :raises Refused: ``redirect-loop`` when a registry leads us in circles of any kind.
        """
        self.requests += 1
        if self.requests > self.most:
            what = f"One question led to more than {self.most} requests"
            raise refused("redirect-loop", what, limit="question_requests")


@dataclass(frozen=True, slots=True)
class Question:
    """One request before redirects."""

    method: str
    target: Target
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    authorization: str | None = None
    stay: bool = False
    """A redirect to another origin is an error, because the question itself holds a secret."""


@dataclass(frozen=True, slots=True)
class Answer:
    """The head of the last response, and where it came from.

    :param stayed: no redirect on the way led to another origin.
    :param shown: the authorization that was sent last.
    """

    response: Response
    target: Target
    stayed: bool = True
    shown: str | None = None


class Courier:
    """Sends questions and follows their redirects."""

    def __init__(
        self,
        transport: Transport,
        meter: Meter,
        limits: Limits,
        *,
        secrets: tuple[str, ...] = (),
        permit: Callable[[str, str], None] = lambda method, path: None,
    ) -> None:
        self._transport = transport
        self._permit = permit
        self._meter = meter
        self._limits = limits
        self._secrets = secrets
        self._heard: deque[tuple[str, Target, int, str]] = deque(maxlen=_ANSWERS_KEPT)

    def heard(self, home: Origin) -> list[str]:
        """The last answers since this was asked last: ``GET /v2/ → 401 Unauthorized``. Queries are left out."""
        heard = []
        while self._heard:
            method, target, status, reason = self._heard.popleft()
            path = target.path.partition("?")[0]
            place = "" if target.origin == home else target.origin
            heard.append(f"{method} {place}{path} → {status} {reason}".rstrip())
        return heard

    @contextmanager
    def send(self, question: Question, call: Call) -> Iterator[Answer]:
        """Open the exchange that answers, after at most ``limits.redirects`` redirects.

        The authorization is dropped when scheme, host or port change, and never comes back.

        :raises SourceProblem: from the transport, or ``redirect-loop``, ``redirect-forbidden``.
        """
        target, authorization, stayed = question.target, question.authorization, True
        for _ in range(self._limits.redirects + 1):
            with ExitStack() as stack:
                response = self._open(stack, question, target, authorization, call)
                location = response.header("Location")
                if response.status not in _REDIRECTS or location is None or question.body:
                    yield Answer(response, target, stayed, authorization)
                    return
            following = self._following(question, target, location)
            if following.origin != target.origin:
                authorization, stayed = None, False
            target = following
        often = f"{question.target.origin} redirects more than {self._limits.redirects} times"
        raise refused("redirect-loop", often, limit="redirects")

    def _open(
        self, stack: ExitStack, question: Question, target: Target, authorization: str | None, call: Call
    ) -> Response:
        if target.origin == question.target.origin:  # storage that a registry redirects to has limits of its own
            self._permit(question.method, target.path)
        call.spend()
        self._meter.add(1, 0)
        headers = {**_ALWAYS, **question.headers}
        if authorization:
            headers["Authorization"] = authorization
        response = stack.enter_context(self._transport.exchange(question.method, target, headers, question.body))
        self._heard.append((question.method, target, response.status, response.reason))
        return response

    def _following(self, question: Question, target: Target, location: str) -> Target:
        try:
            following = resolve_target(target, location)
        except InvalidRegistryUrl as error:
            raise refused("redirect-forbidden", f"{target.origin} redirects to something that is no URL") from error
        if target.origin.scheme == "https" and following.origin.scheme != "https":
            raise refused("redirect-forbidden", f"{target.origin} redirects from https to plain http")
        if question.stay and following.origin != target.origin:
            raise refused("token-realm-forbidden", f"{target.origin} redirects a token request to {following.origin}")
        return following

    def chunks(self, answer: Answer) -> Iterator[bytes]:
        """Stream and count a body."""
        for chunk in answer.response.chunks():
            self._meter.add(0, len(chunk))
            yield chunk

    def body(self, answer: Answer, limit: str, subject: str) -> bytes:
        """Read a whole body of at most ``limits.<limit>`` bytes.

        :raises Refused: ``too-large``.
        """
        allowed: int = getattr(self._limits, limit)
        answer.response.expect(allowed)
        received = bytearray()
        for chunk in self.chunks(answer):
            received += chunk
            if len(received) > allowed:
                what = f"{subject}: the answer is larger than {limit} allows ({allowed} bytes)"
                raise refused("too-large", what, limit=limit)
        return bytes(received)

    def problem(self, answer: Answer, subject: str, *, unknown: str) -> SourceProblem:
        """Read an error answer, whose body counts for little: what is over the limit is left unread.

        A registry may repeat in its answer what it was sent, so secrets are taken out of the message.
        """
        answer.response.expect(0)
        body = bytearray()
        for chunk in self.chunks(answer):
            body += chunk
            if len(body) > self._limits.error_bytes:
                break
        wait = retry_after(answer.response.header("Retry-After"), datetime.now(UTC))  # noqa: TID251 # a server's date can only be compared with the time it arrived
        detail = partial(without, secrets=(*self._secrets, (answer.shown or "").rpartition(" ")[2]))
        status = answer.response.status
        if status == 400 and _NGINX_WANTS_CERTIFICATE in body:
            return refused("client-certificate-required", f"{subject}: the server demands a client certificate")
        problem = problem_of_status(status, subject, registry_errors(bytes(body), detail), unknown=unknown, wait=wait)
        if len(body) > self._limits.error_bytes:
            problem.remedy += " Its answer is longer than PLIMSOLL_ERROR_BYTES and was not read to its end."
        return problem


def retry_after(header: str | None, now: datetime) -> float | None:
    """Read ``Retry-After`` (RFC 9110, 10.2.3): seconds or a date; ``None`` when it says nothing usable."""
    text = (header or "").strip()
    if text.isascii() and text.isdecimal() and len(text) <= 12:
        return float(text)
    try:
        date = parsedate_to_datetime(text)
    except (ValueError, OverflowError):  # OverflowError: a year of twenty digits
        return None
    if date.tzinfo is None:
        date = date.replace(tzinfo=UTC)
    return max(0.0, (date - now).total_seconds())


def content_length(answer: Answer) -> int | None:
    """Return the announced size of a body in bytes, where it is announced."""
    text = answer.response.header("Content-Length") or ""
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= 18 else None
