"""The name that browsers bind passkeys to, and the one origin they are taken from (WebAuthn, 5.1.2 and 13.4.9)."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import ip_address
from typing import Final
from urllib.parse import urlsplit

_USUAL: Final = {"https": 443, "http": 80}


@dataclass(frozen=True, slots=True)
class RelyingParty:
    """The site as browsers know it; ``origin`` as they write it."""

    id: str
    origin: str


def relying_party(told: str, asked: str) -> RelyingParty | None:
    """The site, or nothing where browsers know no passkeys: by plain http, but for this machine, or by a number.

    :param told: where people find it, as the operator says; empty where nobody said.
    :param asked: scheme, host and port of the request, which a proxy may have changed.
    """
    try:
        parts = urlsplit(told or asked)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        return None
    is_here = host == "localhost" or host.endswith(".localhost")
    if not host or _is_number(host) or not (parts.scheme == "https" or (parts.scheme == "http" and is_here)):
        return None
    shown = f":{port}" if port not in (None, _USUAL[parts.scheme]) else ""
    return RelyingParty(host, f"{parts.scheme}://{host}{shown}")


def _is_number(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True
