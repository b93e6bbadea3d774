"""Catalogs of repositories below a path: products that hold several registries, each with a ``/v2/`` of its own.

The names get the registry's name in front, as references to the whole host write them. The next page is asked for
below the same path: Nexus 3.71 and Artifactory behind a proxy name the address of the registry they think they are.
"""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import parse_qs, quote, urlencode

from scanner.domain.limits import Limits
from scanner.sources.registry.addresses import Target
from scanner.sources.registry.auth import CATALOG_SCOPE
from scanner.sources.registry.client import RegistrySource, listed_names
from scanner.sources.registry.paging import Page, linked, names_of_all_pages

_PAGE_SIZE = 1_000


def catalog_below(source: RegistrySource, path: str, prefix: str, limits: Limits) -> Iterator[str]:
    """Stream ``prefix/name`` for every name in the catalog at ``path``.

    :param path: of the folder in which ``v2/`` is, already quoted.
    :raises SourceProblem: also from the stream.
    """
    first = source.asker.target(f"{path}/v2/_catalog?n={_PAGE_SIZE}")
    names = names_of_all_pages(
        _page(source, first, ""),
        lambda target: _page(source, target, _last_in(target.path)),
        "repositories",
        limits,
    )
    return (f"{prefix}/{name}" for name in names)


def _page(source: RegistrySource, target: Target, asked_after: str) -> Page:
    asker = source.asker
    answer, body = asker.insist(lambda call: asker.get(target, CATALOG_SCOPE, call, "namespace-unknown"))
    names = listed_names(body, "repositories", target)
    link = linked(answer.response.headers("Link"))
    last = "" if link is None else _last_in(link)
    if not last and len(names) == _PAGE_SIZE:
        last = names[-1]  # servers that page without a Link
    if not last or last == asked_after:
        return Page(names, None)
    query = urlencode({"n": _PAGE_SIZE, "last": last}, quote_via=quote)
    return Page(names, Target(target.origin, f"{target.path.partition('?')[0]}?{query}"))


def _last_in(location: str) -> str:
    return parse_qs(location.partition("?")[2]).get("last", [""])[-1]
