"""GitLab: the registry repositories of groups and projects, from GitLab's own interface.

``GET /api/v4/groups/ID/registry/repositories`` and ``/api/v4/projects/ID/registry/repositories`` answer a list of
``{"id", "name", "path", "location"}``; the next page is in ``X-Next-Page``. The registry names GitLab's address in its
challenge (``realm="https://gitlab.example/jwt/auth"``), which is believed for the hosts that may be sent the
credential for a token anyway. Source: https://docs.gitlab.com/api/container_registry/
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
from scanner.sources.registry.addresses import Origin, Target
from scanner.sources.registry.challenge import parse_challenges
from scanner.sources.registry.client import RegistrySource
from scanner.sources.registry.errors import refused
from scanner.sources.registry.exchange import Call, Question
from scanner.sources.registry.paging import Page

_REMEDY: Final = "Enter an access token with the right read_api for these groups and projects, and check their paths."
_LONGEST_NUMBER: Final = 9


def list_repositories(source: RegistrySource, wanted: Wanted, limits: Limits) -> Iterator[RepositoryName]:
    """Stream the repositories of groups, with their subgroups, and of projects.

    :raises SourceProblem: ``namespaces-missing``, ``auth-failed``, ``token-realm-forbidden`` and others.
    """
    if not wanted.namespaces:
        raise namespaces_missing("the groups or projects (as paths, for example team/shop)")
    interface = _interface(source, wanted)
    return source.usable(every((_of_path(interface, path, limits) for path in wanted.namespaces), limits))


def _interface(source: RegistrySource, wanted: Wanted) -> Interface:
    credential = credential_for(source, wanted, serves=True)
    origin = source.asker.insist(lambda call: _address(source, call))
    if credential is None:
        return Interface(source, origin, remedy=_REMEDY)
    return Interface(source, origin, bearer(credential), credential.secrets(), _REMEDY)


def _address(source: RegistrySource, call: Call) -> Origin:
    asker = source.asker
    with asker.courier.send(Question("GET", asker.target("/v2/")), call) as answer:
        if answer.response.status != 401:
            raise asker.courier.problem(answer, "GET /v2/", unknown="not-found")
        headers = answer.response.headers("WWW-Authenticate")
        stayed = answer.stayed
        asker.courier.problem(answer, "", unknown="not-found")  # reads it, so the connection stays
    realms = [one.parameters.get("realm") for one in parse_challenges(headers) if one.scheme == "bearer"]
    if not stayed or not realms or realms[0] is None:
        raise refused("protocol-error", f"{source.url} does not name the GitLab it belongs to")
    return asker.auth.checked_realm(realms[0]).origin


def _of_path(interface: Interface, path: str, limits: Limits) -> Iterator[str]:
    quoted = quote(path.strip("/"), safe="")
    question = "registry/repositories?per_page=100&page=1"
    try:
        yield from interface.names(f"/api/v4/groups/{quoted}/{question}", _read, limits)
    except Refused as problem:
        if problem.code != "namespace-unknown":
            raise
        yield from interface.names(f"/api/v4/projects/{quoted}/{question}", _read, limits)


def _read(reply: Reply) -> Page:
    names = [reply.text(item, "path").lower() for item in reply.objects(reply.document)]
    return Page(names, _following(reply))


def _following(reply: Reply) -> Target | None:
    """By number where GitLab gives one: behind a proxy its ``Link`` may name an address only GitLab itself knows."""
    number = reply.next_page_header
    if not number:
        return reply.linked() if number is None else None
    if not (number.isascii() and number.isdecimal() and len(number) <= _LONGEST_NUMBER):
        raise refused("protocol-error", f"GET {reply.target.origin}: X-Next-Page is not a number")
    return Target(reply.target.origin, f"{reply.target.path.rpartition('&page=')[0]}&page={number}")


def is_at(host: str) -> bool:
    """Whether the host is GitLab's own."""
    return host == "registry.gitlab.com"


PRODUCT: Final = Product(
    key="gitlab",
    title="GitLab Container Registry",
    listing=Listing.API,
    list_repositories=list_repositories,
    is_at=is_at,
    namespaces_label="Groups and projects (paths, for example team/shop)",
    namespaces_required=True,
    api_token_label="Access token with read_api, if the password above is none",
    note="The listing needs a token with the right read_api; read_registry alone only pulls. Repositories of "
    "subgroups are listed with their group.",
)
