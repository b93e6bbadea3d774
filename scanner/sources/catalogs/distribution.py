"""CNCF distribution, and every registry that lists as it does: ``/v2/_catalog``.

Source: https://distribution.github.io/distribution/spec/api/#listing-repositories
"""

from __future__ import annotations

from typing import Final

from scanner.sources.catalogs.entered import own_catalog
from scanner.sources.catalogs.product import Listing, Product

PRODUCT: Final = Product(
    key="distribution",
    title="Distribution, or any other registry with a catalog",
    listing=Listing.CATALOG,
    list_repositories=own_catalog,
    note="With a token service in front of it, the account needs the right registry:catalog:*.",
)
