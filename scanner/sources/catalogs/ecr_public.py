"""Amazon ECR Public: no catalog, and the listing of AWS (``ecr-public:DescribeRepositories``) is of one's own account.

Source: https://docs.aws.amazon.com/AmazonECRPublic/latest/APIReference/API_DescribeRepositories.html
"""

from __future__ import annotations

from typing import Final

from scanner.sources.catalogs.entered import no_listing
from scanner.sources.catalogs.product import Listing, Product

PRODUCT: Final = Product(
    key="ecr-public",
    title="Amazon ECR Public",
    listing=Listing.NONE,
    list_repositories=no_listing,
    is_at=lambda host: host in ("public.ecr.aws", "ecr-public.aws.com"),
    note="The registry does not list its repositories: enter them, for example docker/library/nginx.",
)
