"""Quay: the repositories of organizations and users, from the interface on the same host.

``GET /api/v1/repository?namespace=NAME`` answers ``{"repositories": [{"namespace", "name"}], "next_page": "…"}``. It
takes OAuth tokens only; robot accounts see ``/v2/_catalog``. Source: https://docs.quay.io/api/swagger/
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final
from urllib.parse import urlencode

from scanner.domain.limits import Limits
from scanner.domain.reference import RepositoryName
from scanner.sources.catalogs.interface import Interface, Reply, bearer, every, namespaces_missing
from scanner.sources.catalogs.product import Listing, Product, Wanted
from scanner.sources.registry.addresses import Target
from scanner.sources.registry.client import RegistrySource
from scanner.sources.registry.errors import refused
from scanner.sources.registry.paging import Page

_REMEDY: Final = "Enter an OAuth token of an application with the right to view repositories of these organizations."


def list_repositories(source: RegistrySource, wanted: Wanted, limits: Limits) -> Iterator[RepositoryName]:
    """Stream the repositories of the organizations; without a token the public ones.

    Where none is named, what the registry's own catalog shows to the account.

    :raises SourceProblem: ``namespaces-missing`` where nobody logs in either, ``auth-failed`` and others.
    """
    if not wanted.namespaces:
        if source.asker.credential is None:
            raise namespaces_missing("the organizations or users")
        return source.catalog()
    interface = Interface(source, source.url, remedy=_REMEDY)
    if wanted.api_token is not None:
        token = wanted.api_token
        interface = Interface(source, source.url, bearer(token), token.secrets(), _REMEDY)
    return source.usable(every((_of_namespace(interface, name, limits) for name in wanted.namespaces), limits))


def _of_namespace(interface: Interface, namespace: str, limits: Limits) -> Iterator[str]:
    path = "/api/v1/repository?" + urlencode({"namespace": namespace, "public": "true"})

    def read(reply: Reply) -> Page:
        found = reply.objects(reply.member("repositories"))
        names = [f"{reply.text(item, 'namespace')}/{reply.text(item, 'name')}" for item in found]
        return Page(names, _following(reply, path))

    return interface.names(path, read, limits)


def _following(reply: Reply, path: str) -> Target | None:
    cursor = reply.member("next_page")
    if cursor is None or cursor == "":
        return None
    if not isinstance(cursor, str):
        raise refused("protocol-error", f"GET {reply.target.origin}: next_page is not a string")
    return Target(reply.target.origin, f"{path}&{urlencode({'next_page': cursor})}")


PRODUCT: Final = Product(
    key="quay",
    title="Quay",
    listing=Listing.API,
    list_repositories=list_repositories,
    is_at=lambda host: host == "quay.io",
    namespaces_label="Organizations and users",
    api_token_label="OAuth token of an application, to list private repositories",
    note="Robot accounts pull but do not list: for private repositories enter an OAuth token. Without organizations "
    "only what the registry's catalog shows to the account is listed.",
)
