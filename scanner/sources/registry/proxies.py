"""HTTP proxies, entered for one registry: tunnels for https, whole addresses for plain http.

Through a proxy it is the proxy that resolves names, so the address a connection really goes to cannot be judged
here. What can be judged is: the proxy's own address, by what the operator allows; targets that are IP addresses or
names of metadata services, which are refused before the proxy hears of them; and names that this machine resolves
too, to addresses it must not connect to. A name only the proxy knows is left to the proxy's own rules.
"""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import unquote

import httpcore2

from scanner.domain.limits import Limits
from scanner.domain.printable import printable
from scanner.domain.problems import Refused, SourceProblem, Unavailable
from scanner.sources.registry.addresses import InvalidRegistryUrl, Origin, parse_target
from scanner.sources.registry.clock import Clock
from scanner.sources.registry.connections import JudgedBackend, JudgedStream
from scanner.sources.registry.credentials import Credential
from scanner.sources.registry.errors import refused, unavailable
from scanner.sources.registry.network import PRIVATE_TOO, NetworkPolicy, is_address, resolve_allowed, why_forbidden

_METADATA_NAMES: Final = frozenset(
    {
        "metadata",
        "metadata.google.internal",
        "metadata.goog",
        "metadata.azure.internal",
        "metadata.tencentyun.com",
        "instance-data",
        "instance-data.ec2.internal",
    }
)
_STATUS = re.compile(rb"HTTP/1\.[01] ([0-9]{3})(?: ([^\r\n]*))?\r?\n")
_END = re.compile(rb"\r?\n\r?\n")
_LONGEST_HEAD = 1 << 14
_LONGEST_REASON = 60
_JUDGED_SECONDS = 60.0
_HOSTS_KEPT = 1_000


class InvalidProxy(ValueError):
    """The text names no proxy we can use.

    :param reason: one sentence for the person who typed it.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Proxy:
    """One HTTP proxy.

    :param credential: shown to the proxy and to nobody else.
    :param network: where the proxy itself may be.
    """

    origin: Origin
    credential: Credential | None = None
    network: NetworkPolicy = PRIVATE_TOO

    def headers(self) -> dict[str, str]:
        """What the proxy is shown with every request of its own."""
        return {"Proxy-Authorization": self.credential.basic()} if self.credential else {}


def parse_proxy(text: str, network: NetworkPolicy = PRIVATE_TOO) -> Proxy:
    """Read ``http://[user:password@]host:port``; reserved characters in user and password are percent-encoded.

    :raises InvalidProxy: for everything else, SOCKS and proxies behind https by name.
    """
    scheme, separator, rest = text.partition("://")
    if scheme.lower().startswith("socks"):
        raise InvalidProxy("SOCKS proxies are not supported; enter an HTTP proxy as http://host:port.")
    if scheme.lower() == "https":
        raise InvalidProxy("Proxies that are themselves reached by https are not supported; enter http://host:port.")
    if not separator or scheme.lower() != "http":
        raise InvalidProxy("Enter the proxy as http://host:port, or http://user:password@host:port.")
    login, at, place = rest.rpartition("@")
    try:
        target = parse_target(f"http://{place}")
    except InvalidRegistryUrl as error:
        raise InvalidProxy("The proxy's host or port is not valid; enter it as http://host:port.") from error
    if target.path != "/":
        raise InvalidProxy("A proxy's address has no path; enter it as http://host:port.")
    return Proxy(target.origin, _login(login) if at else None, network)


def _login(text: str) -> Credential:
    username, _, password = text.partition(":")
    if not username or any(character in text for character in "/?#@\\") or not text.isprintable():
        raise InvalidProxy("Write special characters in the proxy's user name and password as %XX.")
    return Credential(unquote(username), unquote(password))


@dataclass(slots=True)
class TargetJudge:
    """Refuses what a proxy must not be asked for; safe to use from several threads.

    :param now: monotonic seconds. A name is judged again after a minute, not before each request.
    """

    policy: NetworkPolicy
    seconds: float
    now: Callable[[], float] = time.monotonic
    _judged: dict[str, float] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def judge(self, host: str, port: int) -> None:
        """Pass, or refuse.

        :raises Refused: ``forbidden-address``.
        """
        with self._lock:
            if self._judged.get(host, float("-inf")) > self.now():
                return
        self._refuse(host, port)
        with self._lock:
            if len(self._judged) >= _HOSTS_KEPT:
                self._judged.clear()
            self._judged[host] = self.now() + _JUDGED_SECONDS

    def _refuse(self, host: str, port: int) -> None:
        if host in _METADATA_NAMES:
            raise refused("forbidden-address", f"{host} is the name of a cloud metadata service")
        if (host == "localhost" or host.endswith(".localhost")) and not self.policy.allow_private:
            raise refused("forbidden-address", f"{host} is the proxy's own machine")
        if is_address(host):
            reason = why_forbidden(host, self.policy)
            if reason:
                raise refused("forbidden-address", f"{host} is {reason}")
            return
        try:
            resolve_allowed(host, port, self.policy, self.seconds)
        except Unavailable:
            return  # a name that only the proxy knows


class TunnelBackend(httpcore2.NetworkBackend):
    """Opens tunnels through a proxy, whose answers are as little trusted as a registry's."""

    def __init__(self, proxy: Proxy, judge: TargetJudge, limits: Limits) -> None:
        self._proxy = proxy
        self._judge = judge
        self._limits = limits
        self._backend = ProxyBackend(proxy)

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore2.SOCKET_OPTION] | None = None,
    ) -> httpcore2.NetworkStream:
        """Connect to the proxy and have it connect to the target.

        :raises SourceProblem: ``forbidden-address``, ``proxy-…``, ``unreachable`` or ``timeout``.
        """
        self._judge.judge(host, port)
        origin = self._proxy.origin
        stream = self._backend.connect_tcp(origin.host, origin.port, timeout)
        try:
            open_tunnel(stream, self._proxy, Origin("http", host, port), self._limits)
        except BaseException:
            stream.close()
            raise
        return stream


class ProxyBackend(JudgedBackend):
    """Connects to the proxy itself."""

    def __init__(self, proxy: Proxy) -> None:
        super().__init__(proxy.network)
        self._name = str(proxy.origin)

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore2.SOCKET_OPTION] | None = None,
    ) -> JudgedStream:
        """Connect; what fails is the proxy's fault and says so.

        :raises SourceProblem: ``proxy-forbidden`` or ``proxy-unreachable``.
        """
        try:
            return super().connect_tcp(host, port, timeout)
        except Refused as problem:
            raise refused("proxy-forbidden", f"The proxy {self._name}: {problem.message}") from problem
        except SourceProblem as problem:
            raise unavailable("proxy-unreachable", f"The proxy {self._name}: {problem.message}") from problem


def open_tunnel(stream: httpcore2.NetworkStream, proxy: Proxy, target: Origin, limits: Limits) -> str:
    """Ask for a tunnel (RFC 9110, 9.3.6) and return the answer's status line without its version.

    :param target: its scheme does not count.
    :raises SourceProblem: ``proxy-auth-failed``, ``proxy-refused``, ``proxy-unreachable``, ``proxy-failed``.
    """
    host = f"[{target.host}]" if ":" in target.host else target.host
    authority = f"{host}:{target.port}"
    headers = {"Host": authority, "User-Agent": "plimsoll", **proxy.headers()}
    lines = [f"CONNECT {authority} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items()), "", ""]
    try:
        stream.write("\r\n".join(lines).encode(), limits.idle_seconds)
        head = _head(stream, proxy, limits)
    except httpcore2.TimeoutException as error:
        raise unavailable(
            "timeout", f"The proxy {proxy.origin} gave no answer in time", limit="first_byte_seconds"
        ) from error
    except httpcore2.NetworkError as error:
        raise unavailable("proxy-unreachable", f"The proxy {proxy.origin} broke the connection off") from error
    found = _STATUS.match(head)
    if not found:
        raise _not_http(proxy)
    reason = printable((found[2] or b"").decode("latin-1"), longest=_LONGEST_REASON)
    answer = f"{found[1].decode()} {reason}".strip()
    status = int(found[1])
    if not 200 <= status < 300:
        raise proxy_problem(status, proxy, f"it answered {answer} to CONNECT {authority}")
    return answer


def proxy_problem(status: int, proxy: Proxy, said: str) -> SourceProblem:
    """Name what a proxy's own refusal means."""
    said = f"The proxy {proxy.origin}: {said}"
    if status == 407:
        return refused("proxy-auth-failed", said)
    if status >= 500 or status in (408, 429):
        return unavailable("proxy-unreachable", said)
    return refused("proxy-refused", said)


def _head(stream: httpcore2.NetworkStream, proxy: Proxy, limits: Limits) -> bytes:
    clock = Clock(limits)
    received = bytearray()
    while not (end := _END.search(received)):
        chunk = stream.read(4_096, clock)  # type: ignore[arg-type]  # the clock travels as a time-out, as in exchanges
        received += chunk
        if not chunk or len(received) > _LONGEST_HEAD:
            raise _not_http(proxy)
    if end.end() != len(received) and received.startswith((b"HTTP/1.1 2", b"HTTP/1.0 2")):
        raise _not_http(proxy)  # nobody speaks in a tunnel before we do
    return bytes(received)


def _not_http(proxy: Proxy) -> Refused:
    return refused("proxy-failed", f"The proxy {proxy.origin} does not answer CONNECT as an HTTP proxy does")
