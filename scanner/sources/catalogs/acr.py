"""Azure Container Registry: the registry's own catalog, with ``Link``, for a token of the scope registry:catalog:*.

Source: https://learn.microsoft.com/en-us/rest/api/containerregistry/repository/get-list
"""

from __future__ import annotations

from typing import Final

from scanner.sources.catalogs.entered import own_catalog
from scanner.sources.catalogs.product import Listing, Product

_DOMAINS: Final = (".azurecr.io", ".azurecr.cn", ".azurecr.us")

PRODUCT: Final = Product(
    key="acr",
    title="Azure Container Registry",
    listing=Listing.CATALOG,
    list_repositories=own_catalog,
    is_at=lambda host: host.endswith(_DOMAINS),
    note="The account needs the role AcrPull; where repositories have rights of their own, also the role Container "
    "Registry Repository Catalog Lister. A token for single repositories cannot list: enter them.",
)
