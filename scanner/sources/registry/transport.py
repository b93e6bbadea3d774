"""One HTTP exchange over a socket whose address was judged, within time limits that a slow peer cannot stretch."""

from __future__ import annotations

import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import httpcore2

from scanner.domain.limits import Limits
from scanner.domain.problems import Refused, SourceProblem
from scanner.sources.registry.access import Access
from scanner.sources.registry.addresses import Origin, Target
from scanner.sources.registry.clock import Clock
from scanner.sources.registry.connections import JudgedBackend, JudgedStream
from scanner.sources.registry.errors import refused, unavailable
from scanner.sources.registry.proxies import Proxy, ProxyBackend, TargetJudge, TunnelBackend, proxy_problem
from scanner.sources.registry.tls import missed_certificate, tls_context

_VERSIONS = (b"HTTP/1.1", b"HTTP/1.0")
_KEEP_ALIVE_SECONDS = 30.0


class Transport:
    """Kept-alive connections to a registry and to the hosts it leads to; safe to use from several threads.

    Switched-off certificate checks and the client certificate count for the registry's own origin only.

    :param home: the registry's origin.
    :param now: monotonic seconds, by which a peer is too slow.
    """

    def __init__(
        self,
        home: Origin,
        access: Access,
        limits: Limits,
        *,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._home = home
        self._access = access
        self._limits = limits
        self._now = now
        self._judge = TargetJudge(access.network, limits.connect_seconds)
        self._pools: dict[str, httpcore2.ConnectionPool] = {}
        self._lock = threading.Lock()

    def close(self) -> None:
        """Close every connection."""
        with self._lock:
            for pool in self._pools.values():
                pool.close()

    def _pool(self, origin: Origin) -> httpcore2.ConnectionPool:
        """Reading the system's certificates takes 26 ms, so only those who speak TLS wait for it."""
        kind = "home" if origin == self._home else origin.scheme
        with self._lock:
            if kind not in self._pools:
                self._pools[kind] = self._new_pool(origin, at_home=kind == "home")
            return self._pools[kind]

    def _new_pool(self, origin: Origin, *, at_home: bool) -> httpcore2.ConnectionPool:
        most = max(1, self._access.connections)
        return httpcore2.ConnectionPool(
            ssl_context=self._tls(at_home=at_home) if origin.scheme == "https" else None,
            max_connections=most,
            max_keepalive_connections=most,
            keepalive_expiry=_KEEP_ALIVE_SECONDS,
            network_backend=self._backend(origin),
        )

    def _tls(self, *, at_home: bool) -> ssl.SSLContext:
        access = self._access
        verify = access.verify_tls or not at_home
        return tls_context(access.extra_ca, verify=verify, client=access.client if at_home else None)

    def _backend(self, origin: Origin) -> httpcore2.NetworkBackend:
        proxy = self._access.proxy
        if proxy is None:
            return JudgedBackend(self._access.network)
        if origin.scheme == "http":
            return ProxyBackend(proxy)
        return TunnelBackend(proxy, self._judge, self._limits)

    @contextmanager
    def exchange(self, method: str, target: Target, headers: dict[str, str], body: bytes = b"") -> Iterator[Response]:
        """Send one request and read the head of its answer; redirects, cookies and netrc do not exist here.

        :raises SourceProblem: named by what failed.
        """
        clock = Clock(self._limits, self._now)
        timeouts = {
            "connect": self._limits.connect_seconds,
            "write": self._limits.idle_seconds,
            "pool": self._limits.body_seconds,
            "read": clock,
        }
        proxy = self._access.proxy if target.origin.scheme == "http" else None
        if proxy:
            self._judge.judge(target.origin.host, target.origin.port)
        request = httpcore2.Request(
            method,
            _url(target, proxy),
            headers=[("Host", target.origin.authority), *_headers(headers, proxy), *_framing(body)],
            content=body,
            extensions={"timeout": timeouts},
        )
        subject = f"{method} {target.origin}"
        try:
            with _named_failures(subject, clock):
                raw = self._pool(target.origin).handle_request(request)
        except Refused as problem:
            raise missed_certificate(problem, self._access.client) from problem.__cause__
        clock.body_begins()
        try:
            if raw.extensions.get("http_version") not in _VERSIONS:
                raise refused("protocol-error", f"{subject}: the answer is not HTTP/1")
            if proxy and raw.status == 407:
                raise proxy_problem(407, proxy, f"it answered 407 to {subject}")
            yield Response(raw, subject, clock)
        finally:
            with _named_failures(subject, clock):
                raw.close()


def _url(target: Target, proxy: Proxy | None) -> httpcore2.URL:
    """A proxy for plain http is sent the whole address (RFC 9112, 3.2.2)."""
    asked = proxy.origin if proxy else target.origin
    return httpcore2.URL(
        scheme=asked.scheme.encode(),
        host=asked.host.encode(),
        port=asked.port,
        target=(str(target) if proxy else target.path).encode(),
    )


def _headers(headers: dict[str, str], proxy: Proxy | None) -> list[tuple[str, str]]:
    return [*headers.items(), *(proxy.headers().items() if proxy else ())]


def _framing(body: bytes) -> list[tuple[str, str]]:
    return [("Content-Length", str(len(body)))] if body else []


class Response:
    """The head of an answer, and its body while the exchange is open."""

    def __init__(self, raw: httpcore2.Response, subject: str, clock: Clock) -> None:
        self.status = raw.status
        self.reason: str = raw.extensions.get("reason_phrase", b"").decode("latin-1")
        self._headers = raw.headers
        self._raw = raw
        self._subject = subject
        self._clock = clock
        self.expect = clock.expect

    def header(self, name: str) -> str | None:
        """Return a header's first value, or ``None``."""
        return next(iter(self.headers(name)), None)

    def headers(self, name: str) -> list[str]:
        """Return all values of a header in their order."""
        wanted = name.lower().encode()
        return [value.decode("latin-1") for key, value in self._headers if key.lower() == wanted]

    def end(self) -> None:
        """Be done with the answer to a HEAD, so that its connection serves the next request.

        Not where a server sent a body all the same: that would be taken for the next answer's head.
        """
        stream = self._raw.extensions.get("network_stream")
        if isinstance(stream, JudgedStream) and stream.ends_a_head:
            for _ in self.chunks():
                pass

    def chunks(self) -> Iterator[bytes]:
        """Stream the body as it came, never decompressed."""
        with _named_failures(self._subject, self._clock):
            yield from self._raw.iter_stream()


@contextmanager
def _named_failures(subject: str, clock: Clock) -> Iterator[None]:
    try:
        yield
    except httpcore2.TimeoutException as error:
        limit = {httpcore2.PoolTimeout: "body_seconds", httpcore2.WriteTimeout: "idle_seconds"}.get(type(error))
        raise unavailable("timeout", f"{subject}: no complete answer in time", limit=limit or clock.bound) from error
    except (httpcore2.NetworkError, httpcore2.RemoteProtocolError) as error:
        raise _broken(error, subject) from error
    except (httpcore2.LocalProtocolError, httpcore2.UnsupportedProtocol) as error:
        raise refused("protocol-error", f"{subject}: the request cannot be sent") from error


def _broken(error: Exception, subject: str) -> SourceProblem:
    text = str(error)
    if isinstance(error, httpcore2.RemoteProtocolError) and not ("disconnected" in text or "closed" in text):
        return refused("protocol-error", f"{subject}: the answer is not valid HTTP")
    return unavailable("truncated", f"{subject}: the connection broke off")
