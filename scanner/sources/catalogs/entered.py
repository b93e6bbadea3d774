"""Repositories somebody entered come first, whatever the product lists after them."""

from __future__ import annotations

from collections.abc import Iterator

from scanner.domain.limits import Limits
from scanner.domain.reference import RepositoryName
from scanner.sources.catalogs.product import Product, Wanted
from scanner.sources.registry.client import Lists, RegistrySource
from scanner.sources.registry.errors import refused


def lists(product: Product, wanted: Wanted) -> Lists:
    """How a source names a product's repositories.

    It raises what the product's listing raises, after the entered ones, so that a caller sees the listing is not all.
    """

    def listed(source: RegistrySource) -> Iterator[RepositoryName]:
        yield from source.usable(iter(dict.fromkeys(wanted.entered)))
        known = frozenset(wanted.entered)
        for name in product.list_repositories(source, wanted, source.limits):
            if name not in known:
                yield name

    return listed


def no_listing(source: RegistrySource, wanted: Wanted, limits: Limits) -> Iterator[RepositoryName]:
    """Raise that this product names no repositories.

    :raises Refused: ``catalog-unsupported``.
    """
    raise refused("catalog-unsupported", f"{source.url} does not list its repositories")


def own_catalog(source: RegistrySource, wanted: Wanted, limits: Limits) -> Iterator[RepositoryName]:
    """Stream the registry's own ``/v2/_catalog``.

    :raises SourceProblem: ``catalog-unsupported`` and others.
    """
    return source.catalog()
