"""Where a registry is, checked once and then carried as a value that proves it."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from typing import TypeAlias
from urllib.parse import urljoin, urlsplit

_LABEL = r"(?:[a-z0-9_]|[a-z0-9_][a-z0-9_-]{0,61}[a-z0-9_])"
_HOST = re.compile(rf"{_LABEL}(?:\.{_LABEL})*", re.ASCII)
# A host that ends in a number is an IPv4 address or nothing, as browsers hold it: inet_aton(3) also reads
# 2130706433, 0x7f.1 and 0177.0.0.1 as one, though nobody who means well writes it so.
_ENDS_IN_NUMBER = re.compile(r"(?:.*\.)?(?:[0-9]+|0x[0-9a-f]*)", re.ASCII)
_PRINTABLE = re.compile(r"[!-~]+", re.ASCII)
_DEFAULT_PORTS = {"http": 80, "https": 443}
_LONGEST_HOST = 253
_LONGEST_URL = 2_048


class InvalidRegistryUrl(ValueError):
    """The text does not name a registry.

    :param reason: one sentence for the person who typed it.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Origin:
    """Scheme, host and port: what a credential and a connection belong to."""

    scheme: str
    host: str
    port: int

    @property
    def authority(self) -> str:
        """``host`` or ``host:port``, IPv6 in brackets, as references and the Host header write it."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _DEFAULT_PORTS[self.scheme] else f"{host}:{self.port}"

    def __str__(self) -> str:
        return f"{self.scheme}://{self.authority}"


RegistryUrl: TypeAlias = Origin
"""The origin under which ``/v2/`` answers; made by ``parse_registry_url``."""


@dataclass(frozen=True, slots=True)
class Target:
    """One absolute http(s) URL: the origin, and the path with its query."""

    origin: Origin
    path: str

    def __str__(self) -> str:
        return f"{self.origin}{self.path}"


def parse_registry_url(text: str, *, plain_http: bool = False) -> RegistryUrl:
    """Read ``https://registry.example:5000``; without a scheme it is https, or http where ``plain_http`` is set.

    :raises InvalidRegistryUrl: for http that was not asked for, a user name, a path, a query, or an odd host.
    """
    target = parse_target(text if "://" in text else f"{'http' if plain_http else 'https'}://{text}")
    if target.path.rstrip("/") not in ("", "/v2"):
        raise InvalidRegistryUrl("A registry's address has no path: give only scheme, host and port.")
    if target.origin.scheme == "http" and not plain_http:
        raise InvalidRegistryUrl("This address is plain http; allow that for this registry, or use https.")
    return RegistryUrl(target.origin.scheme, target.origin.host, target.origin.port)


def parse_target(text: str) -> Target:
    """Read an absolute http or https URL that came from a person, a header or a document.

    :raises InvalidRegistryUrl: when two readers could disagree about the host it names.
    """
    if len(text) > _LONGEST_URL or not _PRINTABLE.fullmatch(text) or "\\" in text:
        raise InvalidRegistryUrl("The address has characters a URL cannot have, or is too long.")
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError as error:
        raise InvalidRegistryUrl("The address is not a URL.") from error
    if parts.scheme not in _DEFAULT_PORTS:
        raise InvalidRegistryUrl("The address must begin with https:// or http://.")
    if "@" in parts.netloc:
        raise InvalidRegistryUrl("The address must not hold a user name; enter the credential beside it.")
    if parts.fragment or "#" in text:
        raise InvalidRegistryUrl("The address must not have a fragment (#).")
    if port == 0 or parts.netloc.endswith(":"):
        raise InvalidRegistryUrl("The address has no usable port.")
    origin = Origin(parts.scheme, parse_host(parts.hostname or ""), port or _DEFAULT_PORTS[parts.scheme])
    return Target(origin, (parts.path or "/") + (f"?{parts.query}" if parts.query else ""))


def resolve_target(base: Target, location: str) -> Target:
    """Read a Location or Link, which may be relative to the URL that answered.

    :raises InvalidRegistryUrl: as ``parse_target`` does.
    """
    if not _PRINTABLE.fullmatch(location) or "\\" in location:
        raise InvalidRegistryUrl("The address has characters a URL cannot have.")
    try:
        joined = urljoin(str(base), location)
    except ValueError as error:
        raise InvalidRegistryUrl("The address is not a URL.") from error
    return parse_target(joined)


def parse_host(text: str) -> str:
    """Check a host name or a canonical IP address and return it in lower case, IPv6 compressed.

    :raises InvalidRegistryUrl: for everything else, notably unusual notations of IPv4.
    """
    host = text.lower()
    if ":" in host:
        return _ipv6(host)
    if _ENDS_IN_NUMBER.fullmatch(host):
        return _ipv4(host)
    if len(host) > _LONGEST_HOST or not _HOST.fullmatch(host):
        raise InvalidRegistryUrl("The host name is not valid; write international names in their xn-- form.")
    return host


def _ipv4(host: str) -> str:
    try:
        return str(ipaddress.IPv4Address(host))
    except ValueError as error:
        raise InvalidRegistryUrl("Write an IPv4 address as four decimal numbers.") from error


def _ipv6(host: str) -> str:
    if "%" in host:
        raise InvalidRegistryUrl("An IPv6 address with a zone is not reachable from everywhere.")
    try:
        return str(ipaddress.IPv6Address(host))
    except ValueError as error:
        raise InvalidRegistryUrl("The IPv6 address is not valid.") from error
