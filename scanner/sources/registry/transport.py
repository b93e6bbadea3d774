"""One HTTP exchange over a socket whose address was judged, within time limits that a slow peer cannot stretch.

httpcore2 gives each ``recv`` the same time-out, so a peer that sends one byte at a time never runs out of it. The
clock of a request travels in its place as the time-out, and our socket asks the clock how long it may still wait.
"""

from __future__ import annotations

import socket
import ssl
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import httpcore2

from scanner.domain.limits import Limits
from scanner.domain.problems import SourceProblem
from scanner.sources.registry.addresses import Origin, Target
from scanner.sources.registry.errors import refused, tls_code, unavailable
from scanner.sources.registry.network import Address, NetworkPolicy, resolve_allowed
from scanner.sources.registry.tls import tls_context

_CONNECTIONS = 16
_KEEP_ALIVE_SECONDS = 30.0
_ADDRESSES_TRIED = 4


@dataclass(slots=True)
class Clock:
    """How long one exchange may still read: first the headers as a whole, then the body, idle and in total."""

    limits: Limits
    ends: float = field(init=False)
    idle: float = field(init=False)

    def __post_init__(self) -> None:
        self.ends = time.monotonic() + self.limits.first_byte_seconds
        self.idle = self.limits.first_byte_seconds

    def body_begins(self) -> None:
        """From now on the body's limits count."""
        self.ends = time.monotonic() + self.limits.body_seconds
        self.idle = self.limits.idle_seconds

    def remaining(self) -> float:
        """Seconds the next read may take.

        :raises httpcore2.ReadTimeout: when there are none.
        """
        left = min(self.idle, self.ends - time.monotonic())
        if left <= 0:
            raise httpcore2.ReadTimeout("the exchange took longer than allowed")
        return left


class JudgedStream(httpcore2.NetworkStream):
    """A socket that obeys the exchange's clock."""

    def __init__(self, inner: httpcore2.NetworkStream) -> None:
        self._inner = inner

    def read(self, max_bytes: int, timeout: Any = None) -> bytes:
        """Read what is there, waiting no longer than the clock says."""
        return self._inner.read(max_bytes, timeout.remaining() if isinstance(timeout, Clock) else timeout)

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """Send everything."""
        self._inner.write(buffer, timeout)

    def close(self) -> None:
        """Close the socket."""
        self._inner.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore2.NetworkStream:
        """Continue in TLS; the certificate is checked against the name that was asked for, not the address."""
        return JudgedStream(self._inner.start_tls(ssl_context, server_hostname, timeout))

    def get_extra_info(self, info: str) -> Any:
        """Pass httpcore2's questions on to the socket."""
        return self._inner.get_extra_info(info)


class JudgedBackend(httpcore2.NetworkBackend):
    """Opens sockets only to addresses that were resolved and judged in the same breath."""

    def __init__(self, policy: NetworkPolicy) -> None:
        self._policy = policy
        self._plain = httpcore2.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore2.SOCKET_OPTION] | None = None,
    ) -> httpcore2.NetworkStream:
        """Connect to the first judged address that answers.

        :raises SourceProblem: ``forbidden-address`` or ``unreachable``.
        """
        failure: Exception = httpcore2.ConnectError("no address")
        for address in resolve_allowed(host, port, self._policy)[:_ADDRESSES_TRIED]:
            try:
                return self._connect(address, timeout, socket_options)
            except (httpcore2.ConnectError, httpcore2.ConnectTimeout) as error:
                failure = error
        raise failure

    def _connect(
        self, address: Address, timeout: float | None, socket_options: Iterable[httpcore2.SOCKET_OPTION] | None
    ) -> httpcore2.NetworkStream:
        # A numeric host never reaches the resolver, so this connects to exactly what was judged.
        host, port = str(address.sockaddr[0]), int(address.sockaddr[1])
        return JudgedStream(self._plain.connect_tcp(host, port, timeout, None, socket_options))


class Transport:
    """Kept-alive connections to a registry and to the hosts it leads to; safe to use from several threads.

    Switched-off certificate checks count for the registry's own host only.

    :param extra_ca: certificates in PEM, trusted besides the operating system's.
    """

    def __init__(
        self, home: Origin, policy: NetworkPolicy, limits: Limits, *, extra_ca: str | None, verify_tls: bool
    ) -> None:
        self._home = home
        self._limits = limits
        self._policy = policy
        elsewhere = self._pool(tls_context(extra_ca))
        self._elsewhere = elsewhere
        self._at_home = elsewhere if verify_tls else self._pool(tls_context(verify=False))

    def _pool(self, tls: ssl.SSLContext) -> httpcore2.ConnectionPool:
        return httpcore2.ConnectionPool(
            ssl_context=tls,
            max_connections=_CONNECTIONS,
            max_keepalive_connections=_CONNECTIONS,
            keepalive_expiry=_KEEP_ALIVE_SECONDS,
            network_backend=JudgedBackend(self._policy),
            socket_options=[(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)],
        )

    def close(self) -> None:
        """Close every connection."""
        self._at_home.close()
        self._elsewhere.close()

    @contextmanager
    def exchange(self, method: str, target: Target, headers: dict[str, str], body: bytes = b"") -> Iterator[Response]:
        """Send one request and read the head of its answer; redirects, cookies and netrc do not exist here.

        :raises SourceProblem: named by what failed.
        """
        clock = Clock(self._limits)
        timeouts = {
            "connect": self._limits.connect_seconds,
            "write": self._limits.idle_seconds,
            "pool": self._limits.body_seconds,
            "read": clock,
        }
        request = httpcore2.Request(
            method,
            httpcore2.URL(
                scheme=target.origin.scheme.encode(),
                host=target.origin.host.encode(),
                port=target.origin.port,
                target=target.path.encode(),
            ),
            headers=[("Host", target.origin.authority), *headers.items(), *_framing(body)],
            content=body,
            extensions={"timeout": timeouts},
        )
        subject = f"{method} {target.origin}"
        pool = self._at_home if target.origin == self._home else self._elsewhere
        with _named_failures(subject):
            raw = pool.handle_request(request)
        clock.body_begins()
        try:
            yield Response(raw, subject)
        finally:
            with _named_failures(subject):
                raw.close()


def _framing(body: bytes) -> list[tuple[str, str]]:
    return [("Content-Length", str(len(body)))] if body else []


class Response:
    """The head of an answer, and its body while the exchange is open."""

    def __init__(self, raw: httpcore2.Response, subject: str) -> None:
        self.status = raw.status
        self._headers = raw.headers
        self._raw = raw
        self._subject = subject

    def header(self, name: str) -> str | None:
        """Return a header's first value, or ``None``."""
        return next(iter(self.headers(name)), None)

    def headers(self, name: str) -> list[str]:
        """Return all values of a header in their order."""
        wanted = name.lower().encode()
        return [value.decode("latin-1") for key, value in self._headers if key.lower() == wanted]

    def chunks(self) -> Iterator[bytes]:
        """Stream the body as it came, never decompressed."""
        with _named_failures(self._subject):
            yield from self._raw.iter_stream()


@contextmanager
def _named_failures(subject: str) -> Iterator[None]:
    try:
        yield
    except (httpcore2.ConnectError, httpcore2.ConnectTimeout) as error:
        raise connect_problem(error, subject) from error
    except httpcore2.TimeoutException as error:
        raise unavailable("timeout", f"{subject}: no complete answer in time") from error
    except (httpcore2.NetworkError, httpcore2.RemoteProtocolError) as error:
        raise _broken(error, subject) from error
    except (httpcore2.LocalProtocolError, httpcore2.UnsupportedProtocol) as error:
        raise refused("protocol-error", f"{subject}: the request cannot be sent") from error


def _broken(error: Exception, subject: str) -> SourceProblem:
    text = str(error)
    if isinstance(error, httpcore2.RemoteProtocolError) and not ("disconnected" in text or "closed" in text):
        return refused("protocol-error", f"{subject}: the answer is not valid HTTP")
    return unavailable("truncated", f"{subject}: the connection broke off")


def connect_problem(error: BaseException, subject: str) -> SourceProblem:
    """Name why a connection or its TLS handshake failed."""
    cause = error.__cause__ or error
    if isinstance(cause, ssl.SSLCertVerificationError):
        return refused(tls_code(cause.verify_code), f"{subject}: {cause.verify_message}")
    if isinstance(cause, ssl.SSLError) and not isinstance(cause, ssl.SSLEOFError):
        return refused("tls-failed", f"{subject}: the TLS handshake failed, {cause.reason or 'no reason given'}")
    if isinstance(error, httpcore2.ConnectTimeout):
        return unavailable("timeout", f"{subject}: no connection in time")
    return unavailable("unreachable", f"{subject}: could not connect")
