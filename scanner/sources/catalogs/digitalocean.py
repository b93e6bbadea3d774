"""DigitalOcean: the repositories of an account's registries, from ``api.digitalocean.com``.

``GET /v2/registries/NAME/repositoriesV2?per_page=&page=`` answers ``{"repositories": [{"name"}], "links": {"pages":
{"next": "https://…"}}}``. The token of the interface is the password of the registry too.
Source: https://docs.digitalocean.com/reference/api/reference/container-registries/
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final
from urllib.parse import quote

from scanner.domain.limits import Limits
from scanner.domain.problems import Refused
from scanner.domain.reference import RepositoryName
from scanner.sources.catalogs.interface import Interface, Reply, bearer, credential_for, every
from scanner.sources.catalogs.product import Listing, Product, Wanted
from scanner.sources.registry.addresses import Origin, Target
from scanner.sources.registry.client import RegistrySource
from scanner.sources.registry.paging import Page

API: Final = Origin("https", "api.digitalocean.com", 443)
"""Its token is what one logs in to the registry with, so the registry's password serves here."""

_REMEDY: Final = "Enter an access token with the right registry:read as the password or as the token for the listing."


def list_repositories(source: RegistrySource, wanted: Wanted, limits: Limits) -> Iterator[RepositoryName]:
    """Stream the repositories of the named registries, or of all in the account.

    :raises SourceProblem: ``auth-failed``, ``namespace-unknown`` and others.
    """
    token = credential_for(source, wanted, serves=is_at(source.url.host))
    if token is None:
        raise Refused("auth-failed", "DigitalOcean lists repositories only for a token", remedy=_REMEDY)
    interface = Interface(source, API, bearer(token), token.secrets(), _REMEDY)
    registries = wanted.namespaces or _registries(interface)
    return source.usable(every((_of_registry(interface, name, limits) for name in registries), limits))


def _registries(interface: Interface) -> list[str]:
    reply = interface.get(Target(API, "/v2/registries"))
    return [reply.text(item, "name") for item in reply.objects(reply.member("registries"))]


def _of_registry(interface: Interface, registry: str, limits: Limits) -> Iterator[str]:
    def read(reply: Reply) -> Page:
        names = [f"{registry}/{reply.text(item, 'name')}" for item in reply.objects(reply.member("repositories"))]
        return Page(names, reply.located(_next(reply.member("links"))))

    path = f"/v2/registries/{quote(registry, safe='')}/repositoriesV2?page=1&per_page=100"
    return interface.names(path, read, limits)


def _next(links: object) -> object:
    pages = links.get("pages") if isinstance(links, Mapping) else None
    return pages.get("next") if isinstance(pages, Mapping) else None


def is_at(host: str) -> bool:
    """Whether the host is DigitalOcean's registry."""
    return host == "registry.digitalocean.com"


PRODUCT: Final = Product(
    key="digitalocean",
    title="DigitalOcean Container Registry",
    listing=Listing.API,
    list_repositories=list_repositories,
    is_at=is_at,
    namespaces_label="Registries (none: all of the account)",
    api_token_label="Access token for the listing, if it is not the password above",
    note="The access token needs the right registry:read.",
)
