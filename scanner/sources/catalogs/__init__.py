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
from scanner.sources.catalogs.detection import DEFAULT, TELLING_HEADERS, key_by_answer, key_by_host
from scanner.sources.catalogs.entered import lists
from scanner.sources.catalogs.product import PRODUCT_KEYS, Listing, Product, Wanted
from scanner.sources.registry.challenge import Challenge, parse_challenges
from scanner.sources.registry.client import RegistrySource
from scanner.sources.registry.errors import LISTS_NOTHING
from scanner.sources.registry.exchange import Call, Question

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


def ask_product(source: RegistrySource) -> str:
    """The product a registry is: by its host name, or by one ``GET /v2/`` without any credential.

    :raises SourceProblem: where it cannot be asked.
    """
    by_host = detect(source.url.host)
    if by_host != DEFAULT:
        return by_host
    asker = source.asker
    with asker.courier.send(Question("GET", asker.target("/v2/")), Call(source.limits.question_requests)) as answer:
        response = answer.response
        headers = {name: value for name in TELLING_HEADERS if (value := response.header(name)) is not None}
        challenges = parse_challenges(response.headers("WWW-Authenticate"))
    return detect_by_answer(source.url.host, headers, challenges)


__all__ = [
    "LISTS_NOTHING",
    "PRODUCTS",
    "PRODUCT_KEYS",
    "Listing",
    "Product",
    "Wanted",
    "ask_product",
    "detect",
    "detect_by_answer",
    "lists",
]
