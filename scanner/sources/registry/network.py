"""Which addresses we may connect to, decided for the very address the socket is opened to.

A name is resolved once, every address it has is judged, and one of exactly those is connected to. Asking the
resolver again between the check and the connection would let it answer differently (DNS rebinding).
"""

from __future__ import annotations

import ipaddress
import queue
import socket
import threading
from dataclasses import dataclass
from typing import Any, Final

from scanner.domain.limits import DEFAULT_LIMITS
from scanner.domain.problems import Unavailable
from scanner.sources.registry.errors import refused, unavailable

IPAddress = ipaddress.IPv4Address | ipaddress.IPv6Address

# Metadata services outside link-local: AWS on IPv6 and its credentials of pods, Google and Scaleway on IPv6, Alibaba,
# Azure's wire server, Oracle.
_METADATA = frozenset(
    ipaddress.ip_address(text)
    for text in (
        *("fd00:ec2::254", "fd00:ec2::23", "fd20:ce::254", "fd00:42::42"),
        *("100.100.100.200", "168.63.129.16", "192.0.0.192"),
    )
)
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
_V4_COMPATIBLE = ipaddress.IPv6Network("::/96")
_THIS_NETWORK = ipaddress.IPv4Network("0.0.0.0/8")
_MOST_WAITING: Final = 32
_WAITING = threading.BoundedSemaphore(_MOST_WAITING)


@dataclass(frozen=True, slots=True)
class NetworkPolicy:
    """What one registry may lead to. Link-local, metadata, multicast and reserved addresses never are allowed.

    :param allow_private: loopback, RFC 1918, unique local and every other address that is not global.
    """

    allow_private: bool = False


PUBLIC_ONLY = NetworkPolicy()
PRIVATE_TOO = NetworkPolicy(allow_private=True)


@dataclass(frozen=True, slots=True)
class Address:
    """One resolved and judged socket address."""

    family: socket.AddressFamily
    sockaddr: tuple[str, int] | tuple[str, int, int, int]


def resolve(host: str, port: int, seconds: float = DEFAULT_LIMITS.connect_seconds) -> list[Address]:
    """Ask the resolver once, in its order of preference.

    :param seconds: the resolver of the C library has no time-out of its own to give.
    :raises Unavailable: ``unreachable`` when the name has no address now, ``name-timeout`` when nobody says.
    """
    try:
        found = _looked_up(host, port, seconds)
    except (OSError, UnicodeError) as error:
        raise Unavailable(
            "unreachable",
            f"The name {host} has no address",
            remedy="Check the spelling, and that this machine's name server knows the name.",
        ) from error
    addresses = [Address(family, sockaddr) for family, _, _, _, sockaddr in found]
    return list(dict.fromkeys(addresses))


def _looked_up(host: str, port: int, seconds: float) -> list[Any]:
    """A thread that waits for a dead name server cannot be stopped, only left behind: so there are few of them."""
    if is_address(host):
        return list(socket.getaddrinfo(host, port, type=socket.SOCK_STREAM))
    waiting = _WAITING
    if not waiting.acquire(timeout=seconds):
        raise _no_answer(host)
    answers: queue.SimpleQueue[list[Any] | Exception] = queue.SimpleQueue()

    def ask() -> None:
        try:
            answers.put(list(socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)))
        except Exception as error:
            answers.put(error)
        finally:
            waiting.release()

    try:
        threading.Thread(target=ask, name=f"resolve {host}", daemon=True).start()
    except RuntimeError:  # the system has no thread left to give
        waiting.release()
        raise _no_answer(host) from None
    try:
        found = answers.get(timeout=seconds)
    except queue.Empty:
        raise _no_answer(host) from None
    if isinstance(found, Exception):
        raise found
    return found


def is_address(host: str) -> bool:
    """Whether a host is an IP address, for which no name server is asked."""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _no_answer(host: str) -> Unavailable:
    return unavailable("name-timeout", f"No name server said in time where {host} is", limit="connect_seconds")


def resolve_allowed(
    host: str, port: int, policy: NetworkPolicy, seconds: float = DEFAULT_LIMITS.connect_seconds
) -> list[Address]:
    """Resolve and judge; one forbidden address refuses the whole name.

    :raises Refused: ``forbidden-address``.
    :raises Unavailable: ``unreachable``, ``name-timeout``.
    """
    addresses = resolve(host, port, seconds)
    for address in addresses:
        reason = why_forbidden(str(address.sockaddr[0]), policy)
        if reason:
            raise refused("forbidden-address", f"{host} resolves to {address.sockaddr[0]}, {reason}")
    return addresses


def why_forbidden(text: str, policy: NetworkPolicy) -> str | None:
    """Say why an IP address may not be connected to; ``None`` when it may."""
    ip = _unwrapped(ipaddress.ip_address(text.partition("%")[0]))
    if ip is None:
        return "an IPv6 form that hides an IPv4 address"
    if ip in _METADATA or ip.is_link_local:
        return "a link-local or cloud metadata address"
    if ip.is_multicast or ip.is_unspecified or ip in _THIS_NETWORK:
        return "not the address of one machine"
    if ip.is_loopback:
        return None if policy.allow_private else "a loopback address"
    if ip.is_reserved:
        return "a reserved address"
    if not ip.is_global or (isinstance(ip, ipaddress.IPv6Address) and ip.is_site_local):
        return None if policy.allow_private else "a private address"
    return None


def _unwrapped(ip: IPAddress) -> IPAddress | None:
    """Look through the IPv6 forms that carry an IPv4 address; ``None`` for those no registry has."""
    if isinstance(ip, ipaddress.IPv4Address):
        return ip
    if ip.ipv4_mapped:
        return ip.ipv4_mapped
    if ip in _NAT64:
        return ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)
    hidden = ip.sixtofour or ip.teredo or (ip in _V4_COMPATIBLE and int(ip) > 1)
    return None if hidden else ip
