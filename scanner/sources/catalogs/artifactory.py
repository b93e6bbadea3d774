"""JFrog Artifactory: one catalog for each Docker repository.

Where a repository has a subdomain or a port, it is a registry like any other. Where images are named
``REPOSITORY/IMAGE``, ``GET /artifactory/api/repositories?packageType=docker`` names the repositories (``key``) and
``GET /artifactory/api/docker/KEY/v2/_catalog?n=&last=`` the images of each.
Source: https://jfrog.com/help/r/jfrog-rest-apis/list-docker-repositories
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain
from typing import Final
from urllib.parse import quote

from scanner.domain.limits import Limits
from scanner.domain.problems import Refused
from scanner.domain.reference import RepositoryName
from scanner.sources.catalogs.below import catalog_below
from scanner.sources.catalogs.interface import every, of_registry
from scanner.sources.catalogs.product import Listing, Product, Wanted
from scanner.sources.registry.addresses import Target
from scanner.sources.registry.client import RegistrySource

_REMEDY: Final = "Enter an account that may read the repositories, or name the repositories to list."
# Virtual repositories name what is in others, and remote ones name what somebody happened to pull.
_HOLD_IMAGES: Final = ("LOCAL", "FEDERATED")


def list_repositories(source: RegistrySource, wanted: Wanted, limits: Limits) -> Iterator[RepositoryName]:
    """Stream the images of the named repositories; of none named, of the one at this address, or of all.

    :raises SourceProblem: ``auth-failed``, ``namespace-unknown`` and others.
    """
    if wanted.namespaces:
        return _of_keys(source, wanted.namespaces, limits)
    return _own_or_all(source, wanted, limits)


def _own_or_all(source: RegistrySource, wanted: Wanted, limits: Limits) -> Iterator[RepositoryName]:
    own = source.catalog
    try:
        names = own()
        first = next(names, None)
    except Refused as problem:
        if problem.code == "auth-failed":
            raise
        first = None
    if first is not None:
        return chain([first], names)
    return _of_keys(source, _keys(source, wanted, limits), limits)


def _keys(source: RegistrySource, wanted: Wanted, limits: Limits) -> list[str]:
    interface = of_registry(source, wanted.api_token or source.asker.credential, _REMEDY)
    reply = interface.get(Target(source.url, "/artifactory/api/repositories?packageType=docker"))
    found = reply.objects(reply.document)
    return [reply.text(item, "key") for item in found if item.get("type") in _HOLD_IMAGES][: limits.repositories]


def _of_keys(
    source: RegistrySource, keys: Iterator[str] | list[str] | tuple[str, ...], limits: Limits
) -> Iterator[RepositoryName]:
    listings = (catalog_below(source, f"/artifactory/api/docker/{quote(key, safe='')}", key, limits) for key in keys)
    return source.usable(every(listings, limits))


PRODUCT: Final = Product(
    key="artifactory",
    title="JFrog Artifactory",
    listing=Listing.API,
    list_repositories=list_repositories,
    is_at=lambda host: host.endswith(".jfrog.io"),
    namespaces_label="Docker repositories (keys; none: all local ones)",
    api_token_label="Access token for the listing, if not the password above",
    note="Virtual and remote repositories are listed only if named; a remote one names only what it has fetched.",
)
