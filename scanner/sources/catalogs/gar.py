"""Google Artifact Registry, and ``gcr.io``: packages of projects, from Google's interface or from the registry.

With an access token: ``GET artifactregistry.googleapis.com/v1/projects/P/locations/L/repositories`` and then
``…/repositories/R/packages``, whose names are URL-encoded image paths; ``nextPageToken`` leads on. Without one, the
registry answers ``/v2/P/R/tags/list`` with ``child``, the names one folder below, and what has a ``manifest`` is a
repository. ``gcr.io`` also has ``/v2/_catalog``. Source:
https://cloud.google.com/artifact-registry/docs/reference/rest/v1/projects.locations.repositories.packages/list
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterator
from typing import Final
from urllib.parse import quote, unquote, urlencode

from scanner.domain.limits import Limits
from scanner.domain.reference import InvalidReference, RepositoryName, parse_repository
from scanner.sources.catalogs.interface import Interface, Reply, bearer, credential_for, every, namespaces_missing
from scanner.sources.catalogs.product import Listing, Product, Wanted
from scanner.sources.registry.addresses import Origin, Target
from scanner.sources.registry.auth import pull_scope
from scanner.sources.registry.client import RegistrySource, listed_names
from scanner.sources.registry.credentials import Credential
from scanner.sources.registry.errors import refused
from scanner.sources.registry.json_body import json_object
from scanner.sources.registry.paging import Page, names_of_all_pages, next_page

API: Final = Origin("https", "artifactregistry.googleapis.com", 443)
"""An access token (user name ``oauth2accesstoken``) is Google's own and no password, so it serves here too."""

_TOKEN_USER: Final = "oauth2accesstoken"
_LOCATION: Final = re.compile(r"([a-z0-9-]+)-docker\.pkg\.dev", re.ASCII)
_REMEDY: Final = "Give the account the role Artifact Registry Reader in these projects."
_ONE_REPOSITORY: Final = 2


def list_repositories(source: RegistrySource, wanted: Wanted, limits: Limits) -> Iterator[RepositoryName]:
    """Stream the images of projects, or of single repositories (``project/repository``).

    :raises SourceProblem: ``namespaces-missing``, ``auth-failed``, ``namespace-unknown`` and others.
    """
    location = _LOCATION.fullmatch(source.url.host)
    if not wanted.namespaces:
        if location is None:
            return source.catalog()
        raise namespaces_missing("the projects")
    token = None if location is None else _token(source, wanted)
    if location is not None and token is not None:
        interface = Interface(source, API, bearer(token), token.secrets(), _REMEDY)
        listings = (_of_project(interface, location[1], name, limits) for name in wanted.namespaces)
        return source.usable(every(listings, limits))
    if location is not None and not all("/" in name for name in wanted.namespaces):
        raise namespaces_missing("repositories as project/repository, or an access token,")
    return source.usable(every((_below(source, name, limits) for name in wanted.namespaces), limits))


def _token(source: RegistrySource, wanted: Wanted) -> Credential | None:
    own = source.asker.credential
    is_token = own is not None and own.username == _TOKEN_USER
    return credential_for(source, wanted, serves=is_token)


def _of_project(interface: Interface, location: str, namespace: str, limits: Limits) -> Iterator[str]:
    project, _, repository = namespace.partition("/")
    folder = f"/v1/projects/{quote(project, safe='')}/locations/{location}/repositories"
    named = [repository] if repository else interface.names(f"{folder}?pageSize=1000", _docker_repositories, limits)
    for one in named:
        packages = interface.names(f"{folder}/{quote(one, safe='')}/packages?pageSize=1000", _packages, limits)
        # A project of a domain (example.com:shop) is two folders in the names of images.
        yield from (f"{project.replace(':', '/')}/{one}/{package}" for package in packages)


def _docker_repositories(reply: Reply) -> Page:
    found = [item for item in reply.objects(reply.member("repositories")) if item.get("format") == "DOCKER"]
    return Page([reply.text(item, "name").rpartition("/")[2] for item in found], _following(reply))


def _packages(reply: Reply) -> Page:
    found = reply.objects(reply.member("packages"))
    return Page([unquote(reply.text(item, "name").rpartition("/")[2]) for item in found], _following(reply))


def _following(reply: Reply) -> Target | None:
    cursor = reply.member("nextPageToken")
    if cursor is None or cursor == "":
        return None
    if not isinstance(cursor, str):
        raise refused("protocol-error", f"GET {reply.target.origin}: nextPageToken is not a string")
    path = reply.target.path.partition("&pageToken=")[0]
    return Target(reply.target.origin, f"{path}&{urlencode({'pageToken': cursor})}")


def _below(source: RegistrySource, folder: str, limits: Limits) -> Iterator[str]:
    waiting, seen, empty = deque([folder]), {folder}, 0
    while waiting:
        place = waiting.popleft()
        children, is_repository = _folder(source, place, limits)
        if is_repository:
            yield place
        empty += not is_repository
        if empty > limits.pages:
            raise refused("pagination-loop", f"{source.url} has more than {limits.pages} empty folders", limit="pages")
        fresh = [path for child in children if (path := f"{place}/{child}") not in seen]
        seen.update(fresh)
        waiting.extend(fresh)
        if len(seen) > limits.repositories:
            what = f"The listing has more than {limits.repositories} folders"
            raise refused("too-large", what, limit="repositories")


def _folder(source: RegistrySource, place: str, limits: Limits) -> tuple[list[str], bool]:
    try:
        name = parse_repository(place)
    except InvalidReference:
        return [], True  # named, so that it is counted among the unusable names
    holds: list[bool] = []

    def page(target: Target) -> Page:
        asker = source.asker
        answer, body = asker.insist(lambda call: asker.get(target, pull_scope(name), call, "namespace-unknown"))
        document = json_object(body, f"GET {target.path}")
        holds.append(bool(document.get("manifest")) or bool(document.get("tags")))
        return Page(listed_names(body, "child", target), next_page(target, answer.response.headers("Link")))

    first = page(source.asker.target(f"/v2/{name}/tags/list"))
    return list(names_of_all_pages(first, page, "repositories", limits)), any(holds)


def is_at(host: str) -> bool:
    """Whether the host is one of Google's registries."""
    return _LOCATION.fullmatch(host) is not None or host == "gcr.io" or host.endswith(".gcr.io")


PRODUCT: Final = Product(
    key="gar",
    title="Google Artifact Registry",
    listing=Listing.API,
    list_repositories=list_repositories,
    is_at=is_at,
    namespaces_label="Projects, or single repositories (project/repository)",
    api_token_label="Access token for the listing, if not exchanged for this registry",
    note="The account needs the role Artifact Registry Reader. With a key file as the password, enter single "
    "repositories (project/repository) instead of projects.",
)
