"""Harbor 2: all repositories the account sees, or those of named projects, from the interface on the same host.

``GET /api/v2.0/repositories`` and ``/api/v2.0/projects/NAME/repositories`` answer a list of
``{"name": "project/repository"}``; the next page is in ``Link``. ``/v2/_catalog`` there is for administrators only.
Source: https://github.com/goharbor/harbor/blob/main/api/v2.0/swagger.yaml
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Final
from urllib.parse import quote

from scanner.domain.limits import Limits
from scanner.domain.reference import RepositoryName
from scanner.sources.catalogs.interface import Reply, every, of_registry
from scanner.sources.catalogs.product import Listing, Product, Wanted
from scanner.sources.registry.client import RegistrySource
from scanner.sources.registry.paging import Page

# A project may be called 7, which Harbor takes for a number unless told otherwise.
_HEADERS: Final = {"Accept": "application/json", "X-Is-Resource-Name": "true"}
_PAGES: Final = "page=1&page_size=100"
_REMEDY: Final = "Enter a user, or a robot account with the right to list repositories, of these projects."


def list_repositories(source: RegistrySource, wanted: Wanted, limits: Limits) -> Iterator[RepositoryName]:
    """Stream the repositories of the projects, or of all that the account sees.

    :raises SourceProblem: ``auth-failed``, ``namespace-unknown`` and others.
    """
    interface = replace(of_registry(source, source.asker.credential, _REMEDY), headers=_HEADERS)
    projects = wanted.namespaces
    paths = [f"/api/v2.0/projects/{quote(name, safe='')}/repositories?{_PAGES}" for name in projects]
    listings = (interface.names(path, _read, limits) for path in paths or [f"/api/v2.0/repositories?{_PAGES}"])
    return source.usable(every(listings, limits))


def _read(reply: Reply) -> Page:
    names = [reply.text(item, "name") for item in reply.objects(reply.document)]
    return Page(names, reply.linked())


PRODUCT: Final = Product(
    key="harbor",
    title="Harbor 2",
    listing=Listing.API,
    list_repositories=list_repositories,
    namespaces_label="Projects (none: all the account sees)",
    note="Listed is what the account sees. A robot account needs the right to list repositories.",
)
