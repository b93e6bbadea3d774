"""The lower rungs of a connection test: from the address as somebody typed it to a TLS connection."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime

from scanner.domain.limits import Limits
from scanner.domain.problems import SourceProblem, Unavailable
from scanner.sources.registry.access import Access
from scanner.sources.registry.addresses import InvalidRegistryUrl, RegistryUrl, parse_registry_url
from scanner.sources.registry.certificates import Shown, shown
from scanner.sources.registry.connections import JudgedStream, connect_problem, connected
from scanner.sources.registry.errors import REMEDIES, refused
from scanner.sources.registry.network import Address, resolve, why_forbidden
from scanner.sources.registry.proxies import ProxyBackend, TargetJudge, open_tunnel
from scanner.sources.registry.steps import Found, NotNeeded
from scanner.sources.registry.tls import missed_certificate, tls_context

_SOON_DAYS = 14
_SHOWN_THOUGH_REFUSED = ("tls-expired", "tls-untrusted", "tls-wrong-host")


@dataclass(slots=True)
class Reaching:
    """What is known so far. A rung that does not exist here raises ``NotNeeded``, one that breaks a ``ScanProblem``.

    :param text: the address as it was typed; plain http only where it says ``http://``.
    """

    text: str
    access: Access
    limits: Limits
    url: RegistryUrl = field(default_factory=lambda: RegistryUrl("https", "", 443))
    said: list[str] = field(default_factory=list)
    """What a proxy answered."""
    _addresses: list[Address] = field(default_factory=list)

    def address(self) -> Found:
        """The address can be read."""
        try:
            self.url = parse_registry_url(self.text, plain_http=self.text.startswith("http://"))
        except InvalidRegistryUrl as error:
            raise refused("address-invalid", error.reason) from error
        return Found(str(self.url))

    def name(self) -> Found:
        """The name is known."""
        try:
            self._addresses = resolve(self.url.host, self.url.port, self.limits.connect_seconds)
        except Unavailable as problem:
            if self.access.proxy:
                raise NotNeeded("this machine does not know the name; the proxy may") from problem
            raise
        return Found(", ".join(str(address.sockaddr[0]) for address in self._addresses))

    def allowed(self) -> Found:
        """Its addresses may be connected to."""
        policy = self.access.network
        if self.access.proxy:
            TargetJudge(policy, self.limits.connect_seconds).judge(self.url.host, self.url.port)
        for address in self._addresses:
            reason = why_forbidden(str(address.sockaddr[0]), policy)
            if reason:
                raise refused("forbidden-address", f"{address.sockaddr[0]} is {reason}")
        return Found("private addresses too" if policy.allow_private else "public addresses only")

    def proxy(self) -> Found:
        """The proxy answers, and lets us through."""
        if self.access.proxy is None:
            raise NotNeeded("none was entered")
        with self._connection():
            return Found(f"connected through {self.access.proxy.origin}")

    def connection(self) -> Found:
        """The port answers."""
        if self.access.proxy:
            raise NotNeeded("it is the proxy that connects")
        with self._connection() as stream:
            return Found(f"connected to {stream.get_extra_info('server_addr')[0]} port {self.url.port}")

    def tls(self) -> Found:
        """The certificate is believed, and for how long it will be."""
        if self.url.scheme == "http":
            raise NotNeeded("plain http: everything, also a password, can be read on the way")
        access = self.access
        context = tls_context(access.extra_ca, verify=access.verify_tls, client=access.client)
        now = datetime.now(UTC)  # noqa: TID251 # how long a certificate still counts is seen from today
        try:
            version, certificate = self._handshake(context)
        except SourceProblem as problem:
            problem.message += self._refused_certificate(problem.code, now)
            raise missed_certificate(problem, access.client) from problem.__cause__
        detail = f"{version}, {_described(certificate, now)}"
        if not access.verify_tls:
            return Found(detail, "tls-unchecked", REMEDIES["tls-unchecked"])
        if certificate and certificate.days_left(now) < _SOON_DAYS:
            return Found(detail, "tls-expires-soon", REMEDIES["tls-expires-soon"])
        return Found(detail)

    def _refused_certificate(self, code: str, now: datetime) -> str:
        """Say which certificate was not believed: by a second handshake, after which nothing is sent."""
        if code not in _SHOWN_THOUGH_REFUSED:
            return ""
        try:
            _, certificate = self._handshake(tls_context(verify=False))
        except SourceProblem:
            return ""
        return f" ({_described(certificate, now)})"

    def _handshake(self, context: ssl.SSLContext) -> tuple[str, Shown | None]:
        with self._connection() as stream:
            secured = stream.start_tls(context, self.url.host, self.limits.connect_seconds)
            with closing(secured):
                connection: ssl.SSLSocket = secured.get_extra_info("ssl_object")
                return connection.version() or "TLS", shown(connection.getpeercert(binary_form=True) or b"")

    @contextmanager
    def _connection(self) -> Iterator[JudgedStream]:
        with closing(self._connected()) as stream:
            proxy = self.access.proxy
            if proxy and self.url.scheme == "https":
                answer = open_tunnel(stream, proxy, self.url, self.limits)
                self.said.append(f"CONNECT {self.url.host}:{self.url.port} → {answer}")
            yield stream

    def _connected(self) -> JudgedStream:
        proxy, seconds = self.access.proxy, self.limits.connect_seconds
        if proxy:
            return ProxyBackend(proxy).connect_tcp(proxy.origin.host, proxy.origin.port, seconds)
        try:
            return JudgedStream(connected(self._addresses, seconds))
        except OSError as error:
            raise connect_problem(error, f"port {self.url.port} of {self.url.host}") from error


def _described(certificate: Shown | None, now: datetime) -> str:
    if certificate is None:
        return "a certificate that cannot be read"
    days = certificate.days_left(now)
    left = f"{days} days left" if days >= 0 else f"{-days} days ago"
    return (
        f"certificate of {certificate.subject}, issued by {certificate.issuer}, "
        f"valid until {certificate.expires:%Y-%m-%d} ({left})"
    )
