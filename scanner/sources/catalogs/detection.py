"""Which product answers at an address: by its host name, or by what it says to ``GET /v2/``.

::

    Bearer realm="https://harbor.example/service/token",service="harbor-registry"            Harbor
    Bearer realm="https://gitlab.example/jwt/auth",service="container_registry"              GitLab
    Bearer realm="https://gitea.example/v2/token",service="container_registry",scope="*"     Gitea, Forgejo
    Bearer realm="https://quay.example/v2/auth",service="quay.example"                       Quay
    Server: Nexus/3.71.0-06 (OSS)                                                            Nexus
    X-JFrog-Version: Artifactory/7.90.7                                                      Artifactory
    Access-Control-Allow-Headers: Authorization,content-type,X-ZOT-API-CLIENT                Zot
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final
from urllib.parse import urlsplit

from scanner.sources.catalogs.product import Product
from scanner.sources.registry.challenge import Challenge

DEFAULT: Final = "distribution"
_JFROG: Final = frozenset({"x-jfrog-version", "x-artifactory-id", "x-artifactory-node-id"})
TELLING_HEADERS: Final = (*sorted(_JFROG), "server", "access-control-allow-headers")
"""The headers of an answer that are looked at, besides the challenge."""


def key_by_host(host: str, products: Iterable[Product]) -> str:
    """The key of the product whose host this is."""
    name = host.lower().partition(":")[0]
    return next((product.key for product in products if product.is_at(name)), DEFAULT)


def key_by_answer(
    host: str, headers: Mapping[str, str], challenges: Iterable[Challenge], products: Iterable[Product]
) -> str:
    """The key of the product that answers like this."""
    known = list(products)
    by_host = key_by_host(host, known)
    if by_host != DEFAULT:
        return by_host
    by_header = _key_by_headers({name.lower(): value for name, value in headers.items()})
    if by_header != DEFAULT:
        return by_header
    keys = (_key_by_challenge(challenge, known) for challenge in challenges)
    return next((key for key in keys if key != DEFAULT), DEFAULT)


def _key_by_headers(headers: Mapping[str, str]) -> str:
    if not _JFROG.isdisjoint(headers) or headers.get("server", "").startswith("Artifactory/"):
        return "artifactory"
    if headers.get("server", "").startswith("Nexus/"):
        return "nexus"
    if "X-ZOT-API-CLIENT" in headers.get("access-control-allow-headers", "").upper():
        return "zot"
    return DEFAULT


def _key_by_challenge(challenge: Challenge, products: Iterable[Product]) -> str:
    realm = challenge.parameters.get("realm", "")
    service = challenge.parameters.get("service", "")
    if challenge.scheme == "basic":
        return _key_by_basic_realm(realm)
    try:
        parts = urlsplit(realm)
        host, path = parts.hostname or "", parts.path
    except ValueError:
        return DEFAULT
    if path == "/service/token" or service == "harbor-registry":
        return "harbor"
    if path == "/jwt/auth":
        return "gitlab"
    if path == "/v2/auth" and service == parts.netloc:
        return "quay"
    if path == "/v2/token" and service == "container_registry":
        return "gitea"
    if "/api/docker/" in path:
        return "artifactory"
    return key_by_host(host, products)


def _key_by_basic_realm(realm: str) -> str:
    if realm.startswith("Sonatype Nexus"):
        return "nexus"
    return "artifactory" if realm == "Artifactory Realm" else DEFAULT
