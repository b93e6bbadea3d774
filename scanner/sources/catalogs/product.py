"""What is to be known of a registry product: how it lists its repositories and what for that must be entered."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final, Protocol

from scanner.domain.limits import Limits
from scanner.domain.reference import RepositoryName
from scanner.sources.registry.client import RegistrySource
from scanner.sources.registry.credentials import Credential


class Listing(StrEnum):
    """Where the names of repositories come from."""

    CATALOG = "catalog"
    """The registry's own ``/v2/_catalog``."""
    API = "api"
    """An interface of the product beside ``/v2/``, perhaps on another host."""
    NONE = "none"
    """Nowhere: they are entered, or learned from pushes."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a listing needs besides the registry's address.

    :param namespaces: organizations, groups, projects to list, as the product calls them.
    :param api_token: the credential of the product's own interface; ``None``: the registry's own serves.
    :param entered: repositories somebody entered, for products without any listing.
    """

    namespaces: tuple[str, ...] = ()
    api_token: Credential | None = field(default=None, repr=False)
    entered: tuple[str, ...] = ()


class List(Protocol):
    """Streams the names of all repositories of one product's registry."""

    def __call__(self, source: RegistrySource, wanted: Wanted, limits: Limits) -> Iterator[RepositoryName]:
        """:raises SourceProblem: named by what failed, with what to enter where something is missing."""


@dataclass(frozen=True, slots=True)
class Product:
    """One registry product.

    :param key: as it is stored; never changes.
    :param title: as its makers call it.
    :param list_repositories: what lists.
    :param is_at: whether a host name alone tells that this product answers there.
    :param namespaces_label: what to enter as namespaces, in the product's words; empty: none are asked for.
    :param namespaces_required: whether nothing is listed without one.
    :param api_token_label: what credential its interface wants beside the registry's; empty: none.
    :param note: one or two sentences for the registry form: rights needed, what is not listed.
    """

    key: str
    title: str
    listing: Listing
    list_repositories: List
    is_at: Callable[[str], bool] = field(default=lambda host: False)
    namespaces_label: str = ""
    namespaces_required: bool = False
    api_token_label: str = ""
    note: str = ""


PRODUCT_KEYS: Final = (
    "distribution",
    "dockerhub",
    "ghcr",
    "gitlab",
    "harbor",
    "quay",
    "ecr",
    "ecr-public",
    "gar",
    "acr",
    "artifactory",
    "nexus",
    "gitea",
    "zot",
    "digitalocean",
    "docker-engine",
    "oci-layout",
    "docker-archive",
)
"""In the order of the form. The last three are sources on the worker's own machine and not registries."""
