"""Zot: its catalog, filtered to what the account may read.

Source: https://zotregistry.dev/latest/user-guides/user-guide-datapath/ and ``pkg/api/routes.go`` of project-zot/zot
"""

from __future__ import annotations

from typing import Final

from scanner.sources.catalogs.entered import own_catalog
from scanner.sources.catalogs.product import Listing, Product

PRODUCT: Final = Product(
    key="zot",
    title="Zot",
    listing=Listing.CATALOG,
    list_repositories=own_catalog,
    note="Listed is what the account may read.",
)
