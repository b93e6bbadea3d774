"""Amazon ECR, private: the registry's own catalog answers to the login token, so no call to AWS is needed.

The user name is ``AWS`` and the password a token of twelve hours.
Source: https://docs.aws.amazon.com/AmazonECR/latest/userguide/registry_auth.html
"""

from __future__ import annotations

import re
from typing import Final

from scanner.sources.catalogs.entered import own_catalog
from scanner.sources.catalogs.product import Listing, Product

_HOST: Final = re.compile(
    r"[0-9]{12}\.dkr[.-]ecr(?:-fips)?\.[a-z0-9-]+\.(?:amazonaws\.(?:com|com\.cn|eu)|on\.(?:aws|amazonwebservices\.com\.cn))",
    re.ASCII,
)

PRODUCT: Final = Product(
    key="ecr",
    title="Amazon ECR",
    listing=Listing.CATALOG,
    list_repositories=own_catalog,
    is_at=lambda host: _HOST.fullmatch(host) is not None,
    note="The account or role needs ecr:DescribeRepositories, ecr:ListImages, ecr:BatchGetImage and "
    "ecr:GetDownloadUrlForLayer. A login token lasts twelve hours: let it be exchanged instead of entering one.",
)
