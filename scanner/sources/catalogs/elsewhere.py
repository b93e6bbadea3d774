"""Sources on the worker's own machine, which are listed among the products but are no registries."""

from __future__ import annotations

from typing import Final

from scanner.sources.catalogs.entered import no_listing
from scanner.sources.catalogs.product import Listing, Product

PRODUCTS: Final = (
    Product(
        key="docker-engine",
        title="Docker engine on the workers' machine",
        listing=Listing.API,
        list_repositories=no_listing,
        note="Every worker needs the engine's socket, which gives whoever has it the rights of root on that machine.",
    ),
    Product(
        key="oci-layout",
        title="OCI layout in a folder of the workers' machine",
        listing=Listing.API,
        list_repositories=no_listing,
    ),
    Product(
        key="docker-archive",
        title="Archive of docker save in a file on the workers' machine",
        listing=Listing.API,
        list_repositories=no_listing,
    ),
)
"""They name their images themselves; asked for over a registry's address they have no listing."""
