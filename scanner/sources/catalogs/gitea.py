"""Gitea and Forgejo: their catalog of containers, at most 100 names a page, with ``Link``.

The interface ``/api/v1/packages/OWNER`` is not asked: it names every version, so that a repository with thousands of
tags would take thousands of entries to name. Source: https://docs.gitea.com/usage/packages/container and
``routers/api/packages/container`` of go-gitea/gitea
"""

from __future__ import annotations

from typing import Final

from scanner.sources.catalogs.entered import own_catalog
from scanner.sources.catalogs.product import Listing, Product

PRODUCT: Final = Product(
    key="gitea",
    title="Gitea or Forgejo",
    listing=Listing.CATALOG,
    list_repositories=own_catalog,
    is_at=lambda host: host in ("gitea.com", "codeberg.org"),
    note="Listed are the containers the account may read. An access token needs the right read:package.",
)
