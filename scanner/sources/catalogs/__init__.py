"""How each registry product lists its repositories, one file per product, and which product answers at an address."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from scanner.sources.catalogs import (
    acr,
    artifactory,
    digitalocean,
    distribution,
    dockerhub,
    ecr,
    ecr_public,
    elsewhere,
    gar,
    ghcr,
    gitea,
    gitlab,
    harbor,
    nexus,
    quay,
    zot,
)
from scanner.sources.catalogs.detection import key_by_answer, key_by_host
from scanner.sources.catalogs.entered import lists
from scanner.sources.catalogs.product import PRODUCT_KEYS, Listing, Product, Wanted
from scanner.sources.registry.challenge import Challenge
from scanner.sources.registry.errors import LISTS_NOTHING

_MODULES: Final = (
    distribution,
    dockerhub,
    ghcr,
    gitlab,
    harbor,
    quay,
    ecr,
    ecr_public,
    gar,
    acr,
    artifactory,
    nexus,
    gitea,
    zot,
    digitalocean,
)

PRODUCTS: Final[Mapping[str, Product]] = MappingProxyType(
    {product.key: product for product in (*(module.PRODUCT for module in _MODULES), *elsewhere.PRODUCTS)}
)
"""Every product by its key, in the order of ``PRODUCT_KEYS``."""


def detect(host: str) -> str:
    """The product that a host name alone tells, with or without a port; ``distribution`` where it tells nothing."""
    return key_by_host(host, PRODUCTS.values())


def detect_by_answer(host: str, headers: Mapping[str, str], challenges: list[Challenge]) -> str:
    """The product that the answer to ``GET /v2/`` tells, where the host name does not.

    :param headers: of the answer.
    :param challenges: of its ``WWW-Authenticate``.
    """
    return key_by_answer(host, headers, challenges, PRODUCTS.values())


__all__ = [
    "LISTS_NOTHING",
    "PRODUCTS",
    "PRODUCT_KEYS",
    "Listing",
    "Product",
    "Wanted",
    "detect",
    "detect_by_answer",
    "lists",
]
