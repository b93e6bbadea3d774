"""Sonatype Nexus Repository 3: one catalog for each Docker repository.

A repository with a port, a subdomain or a proxy of its own is a registry like any other: ``/v2/_catalog``. Where one
address serves several (path-based routing), images are named ``REPOSITORY/IMAGE`` and there is no catalog of all; that
of one repository is at ``/repository/NAME/v2/_catalog``. The interface ``/service/rest/v1/components`` is not asked: it
names every tag, ten to a page. Source: https://help.sonatype.com/en/docker-registry.html
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final
from urllib.parse import quote

from scanner.domain.limits import Limits
from scanner.domain.reference import RepositoryName
from scanner.sources.catalogs.below import catalog_below
from scanner.sources.catalogs.interface import every
from scanner.sources.catalogs.product import Listing, Product, Wanted
from scanner.sources.registry.client import RegistrySource


def list_repositories(source: RegistrySource, wanted: Wanted, limits: Limits) -> Iterator[RepositoryName]:
    """Stream the images of the named Docker repositories, or of the one that this address is.

    :raises SourceProblem: ``catalog-unsupported``, ``namespace-unknown`` and others.
    """
    if not wanted.namespaces:
        return source.catalog()
    names = wanted.namespaces
    listings = (catalog_below(source, f"/repository/{quote(name, safe='')}", name, limits) for name in names)
    return source.usable(every(listings, limits))


PRODUCT: Final = Product(
    key="nexus",
    title="Nexus Repository 3",
    listing=Listing.CATALOG,
    list_repositories=list_repositories,
    namespaces_label="Docker repositories, where images are named REPOSITORY/IMAGE (none: this address is one)",
    note="Where the Docker repository has a port or a name of its own, leave this empty. Where one address serves "
    "several, name them. A proxy repository lists only what it has fetched already.",
)
