"""GitHub's container registry: the packages of organizations and users, from ``api.github.com``.

``GET /orgs/ORG/packages?package_type=container`` (for users ``/users/NAME/packages``) answers a list of packages with
``name`` and ``owner``; the registry itself answers ``/v2/_catalog`` with 404.
Source: https://docs.github.com/en/rest/packages/packages
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final
from urllib.parse import quote

from scanner.domain.limits import Limits
from scanner.domain.problems import Refused
from scanner.domain.reference import RepositoryName
from scanner.sources.catalogs.interface import Interface, Reply, bearer, credential_for, every, namespaces_missing
from scanner.sources.catalogs.product import Listing, Product, Wanted
from scanner.sources.registry.addresses import Origin
from scanner.sources.registry.client import RegistrySource
from scanner.sources.registry.paging import Page

API: Final = Origin("https", "api.github.com", 443)
"""A classic personal access token is the password of the registry too, so that one serves here."""

_HEADERS: Final = {"Accept": "application/vnd.github+json", "X-GitHub-Api-Version": "2022-11-28"}
_REMEDY: Final = "Enter a classic personal access token with the right read:packages; GitHub takes no other here."


def list_repositories(source: RegistrySource, wanted: Wanted, limits: Limits) -> Iterator[RepositoryName]:
    """Stream the container packages of organizations and users.

    :raises SourceProblem: ``namespaces-missing``, ``auth-failed``, ``namespace-unknown`` and others.
    """
    if not wanted.namespaces:
        raise namespaces_missing("the organizations or users")
    interface = _interface(source, wanted)
    return source.usable(every((_of_owner(interface, name, limits) for name in wanted.namespaces), limits))


def _interface(source: RegistrySource, wanted: Wanted) -> Interface:
    credential = credential_for(source, wanted, serves=is_at(source.url.host))
    if credential is None:
        raise Refused("auth-failed", "GitHub lists packages, public ones too, only for a token", remedy=_REMEDY)
    return Interface(source, API, bearer(credential), credential.secrets(), _REMEDY, _HEADERS)


def _of_owner(interface: Interface, owner: str, limits: Limits) -> Iterator[str]:
    def read(reply: Reply) -> Page:
        found = reply.objects(reply.document)
        names = [f"{owner}/{reply.text(item, 'name')}".lower() for item in found]
        return Page(names, reply.linked())

    quoted = quote(owner, safe="")
    question = "packages?package_type=container&per_page=100"
    try:
        yield from interface.names(f"/orgs/{quoted}/{question}", read, limits)
    except Refused as problem:
        if problem.code != "namespace-unknown":
            raise
        yield from interface.names(f"/users/{quoted}/{question}", read, limits)


def is_at(host: str) -> bool:
    """Whether the host is GitHub's registry."""
    return host == "ghcr.io"


PRODUCT: Final = Product(
    key="ghcr",
    title="GitHub Container Registry",
    listing=Listing.API,
    list_repositories=list_repositories,
    is_at=is_at,
    namespaces_label="Organizations and users",
    namespaces_required=True,
    api_token_label="Classic personal access token with read:packages, if it is not the password above",
    note="GitHub lists packages only for a classic personal access token with the right read:packages.",
)
