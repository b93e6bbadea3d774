"""Sockets that are opened only to judged addresses, and that wait no longer than the clock of the exchange says.

The clock of a request travels as httpcore2's time-out, and the socket asks it how long it may still wait.
"""

from __future__ import annotations

import select
import socket
import ssl
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import httpcore2

from scanner.domain.limits import DEFAULT_LIMITS
from scanner.domain.problems import SourceProblem
from scanner.sources.registry.clock import Clock
from scanner.sources.registry.errors import refused, tls_code, unavailable
from scanner.sources.registry.network import Address, NetworkPolicy, resolve_allowed

_ADDRESSES_TRIED = 4
_NO_TIME_SAID = DEFAULT_LIMITS.connect_seconds
# What a server says in TLS of the certificate it was shown, or missed (RFC 8446, 6.2), as OpenSSL writes it.
_MISSED = frozenset({"CERTIFICATE_REQUIRED"})
_DISLIKED = frozenset(
    {
        "ACCESS_DENIED",
        "BAD_CERTIFICATE",
        "CERTIFICATE_EXPIRED",
        "CERTIFICATE_REVOKED",
        "CERTIFICATE_UNKNOWN",
        "UNKNOWN_CA",
        "UNSUPPORTED_CERTIFICATE",
    }
)


class JudgedStream(httpcore2.NetworkStream):
    """One connected socket, plain or TLS."""

    def __init__(self, connection: socket.socket) -> None:
        self._socket = connection
        self._tail = b""

    @property
    def ends_a_head(self) -> bool:
        """Whether what was read last is the end of an answer's head, with nothing behind it."""
        return self._tail.endswith((b"\r\n\r\n", b"\n\n"))

    def read(self, max_bytes: int, timeout: Any = None) -> bytes:
        """Read what is there, waiting no longer than the clock says."""
        with _as_httpcore(httpcore2.ReadTimeout, httpcore2.ReadError):
            if not isinstance(timeout, Clock):
                self._socket.settimeout(timeout)
                return self._socket.recv(max_bytes)
            received = timeout.timed(self._receive, max_bytes)
            self._tail = (self._tail + received[-4:])[-4:]
            return received

    def _receive(self, max_bytes: int, seconds: float) -> bytes:
        self._socket.settimeout(seconds)
        return self._socket.recv(max_bytes)

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """Send everything."""
        if not buffer:  # each request ends with two of them, and each would cost a system call
            return
        with _as_httpcore(httpcore2.WriteTimeout, httpcore2.WriteError):
            self._socket.settimeout(timeout)
            self._socket.sendall(buffer)

    def close(self) -> None:
        """Close the socket."""
        self._socket.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore2.NetworkStream:
        """Continue in TLS; the certificate is checked against the name that was asked for, not the address.

        :raises SourceProblem: ``tls-…``, ``unreachable`` or ``timeout``.
        """
        try:
            self._socket.settimeout(timeout)
            return JudgedStream(ssl_context.wrap_socket(self._socket, server_hostname=server_hostname))
        except OSError as error:
            self.close()
            raise connect_problem(error, f"TLS with {server_hostname}") from error

    def get_extra_info(self, info: str) -> Any:
        """Answer what httpcore2 asks: TLS if it is there, the peer, whether an idle connection was hung up."""
        if info == "ssl_object":
            return self._socket if isinstance(self._socket, ssl.SSLSocket) else None
        if info == "server_addr":
            return self._socket.getpeername()
        if info == "is_readable":
            return _is_readable(self._socket)
        return None


class JudgedBackend(httpcore2.NetworkBackend):
    """Opens sockets only to addresses that were resolved and judged in the same breath."""

    def __init__(self, policy: NetworkPolicy) -> None:
        self._policy = policy

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore2.SOCKET_OPTION] | None = None,
    ) -> JudgedStream:
        """Connect to the first judged address that answers.

        :raises SourceProblem: ``forbidden-address``, ``unreachable`` or ``timeout``.
        """
        addresses = resolve_allowed(host, port, self._policy, _NO_TIME_SAID if timeout is None else timeout)
        try:
            return JudgedStream(connected(addresses, timeout))
        except OSError as error:
            raise connect_problem(error, f"{host} port {port}") from error


def connected(addresses: Iterable[Address], timeout: float | None) -> socket.socket:
    """Connect to the first address that answers, without asking the resolver again.

    :param timeout: seconds for each address.
    :raises OSError: of the last address tried.
    """
    failure = OSError("no address")
    for address in list(addresses)[:_ADDRESSES_TRIED]:
        connection = socket.socket(address.family, socket.SOCK_STREAM)
        try:
            connection.settimeout(timeout)
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            connection.connect(address.sockaddr)
        except OSError as error:
            connection.close()
            failure = error
        else:
            return connection
    raise failure


def connect_problem(error: OSError, subject: str) -> SourceProblem:
    """Name why a connection or its TLS handshake failed."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return refused(tls_code(error.verify_code), f"{subject}: {error.verify_message}")
    alert = _alert_problem(error, subject)
    if alert:
        return alert
    if isinstance(error, ssl.SSLError) and not isinstance(error, ssl.SSLEOFError):
        return refused("tls-failed", f"{subject}: the handshake failed, {error.reason or 'no reason given'}")
    if isinstance(error, TimeoutError):
        return unavailable("timeout", f"{subject}: no connection in time", limit="connect_seconds")
    return unavailable("unreachable", f"{subject}: could not connect, {error.strerror or 'no reason given'}")


def _alert_problem(error: OSError, subject: str) -> SourceProblem | None:
    said = (error.reason or "").rpartition("ALERT_")[2] if isinstance(error, ssl.SSLError) else ""
    if said in _MISSED:
        return refused("client-certificate-required", f"{subject}: the server demands a client certificate")
    if said in _DISLIKED:
        words = said.lower().replace("_", " ")
        return refused("client-certificate-refused", f"{subject}: the server refuses our certificate, {words}")
    return None


@contextmanager
def _as_httpcore(timed_out: type[Exception], failed: type[Exception]) -> Iterator[None]:
    try:
        yield
    except TimeoutError as error:
        raise timed_out(str(error)) from error
    except OSError as error:
        # In TLS 1.3 the server judges our certificate after the handshake, so the first to hear of it is a read.
        problem = _alert_problem(error, "TLS")
        if problem:
            raise problem from error
        raise failed(str(error)) from error


def _is_readable(connection: socket.socket) -> bool:
    if connection.fileno() < 0:
        return True
    poll = select.poll()
    poll.register(connection, select.POLLIN)
    return bool(poll.poll(0))
