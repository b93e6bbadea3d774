"""Which addresses we may connect to, decided for the very address the socket is opened to.

A name is resolved once, every address it has is judged, and one of exactly those is connected to. Asking the
resolver again between the check and the connection would let it answer differently (DNS rebinding).
"""

from __future__ import annotations

import ipaddress
import socket
from dataclasses import dataclass

from scanner.domain.problems import Unavailable
from scanner.sources.registry.errors import refused

IPAddress = ipaddress.IPv4Address | ipaddress.IPv6Address

# Metadata services outside link-local: AWS on IPv6, Alibaba, Azure's wire server, Oracle.
_METADATA = frozenset(
    ipaddress.ip_address(text) for text in ("fd00:ec2::254", "100.100.100.200", "168.63.129.16", "192.0.0.192")
)
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
_V4_COMPATIBLE = ipaddress.IPv6Network("::/96")
_THIS_NETWORK = ipaddress.IPv4Network("0.0.0.0/8")


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


def resolve(host: str, port: int) -> list[Address]:
    """Ask the resolver once, in its order of preference.

    :raises Unavailable: ``unreachable`` when the name has no address now.
    """
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise Unavailable(
            "unreachable",
            f"The name {host} has no address",
            remedy="Check the spelling, and that this machine's name server knows the name.",
        ) from error
    addresses = [Address(family, sockaddr) for family, _, _, _, sockaddr in found]  # type: ignore[arg-type] # typeshed's third form is for families we did not ask for
    return list(dict.fromkeys(addresses))


def resolve_allowed(host: str, port: int, policy: NetworkPolicy) -> list[Address]:
    """Resolve and judge; one forbidden address refuses the whole name.

    :raises Refused: ``forbidden-address``.
    :raises Unavailable: ``unreachable``.
    """
    addresses = resolve(host, port)
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
