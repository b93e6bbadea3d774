"""What the form asks for and says about each registry product."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from scanner.sources.catalogs import PRODUCTS
from scanner.sources.catalogs import detect as product_of_host
from scanner.sources.catalogs.product import Listing

DETECT: Final = ""
LOCAL_PREFIXES: Final = {"docker-engine": "docker-daemon:", "oci-layout": "oci:", "docker-archive": "docker-archive:"}
"""How the addresses of sources on the workers' own machines begin."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What the part about the listing shows for one product.

    :param detected: nobody chose it; the address told.
    :param lists: whether its repositories can be listed at all.
    """

    title: str
    detected: bool
    namespaces_label: str
    namespaces_required: bool
    api_token_label: str
    note: str
    lists: bool
    local: bool


def product_choices(*, detect: bool = True) -> list[tuple[str, str]]:
    """The products in the order of the form; first that it is told by whoever answers, which is asked once."""
    products = [(key, product.title) for key, product in PRODUCTS.items()]
    return [(DETECT, "Detect"), *products] if detect else products


def product_at(url: str) -> str:
    """The product that an address alone tells, or the one that others imitate."""
    local = (key for key, prefix in LOCAL_PREFIXES.items() if url.startswith(prefix))
    return next(local, "") or product_of_host(_host_of(url))


def asked(chosen: str, url: str) -> Asked:
    """What to ask for, for a product chosen or one that the address tells."""
    key = chosen if chosen in PRODUCTS else product_at(url)
    product = PRODUCTS[key]
    return Asked(
        title=product.title,
        detected=key != chosen,
        namespaces_label=product.namespaces_label,
        namespaces_required=product.namespaces_required,
        api_token_label=product.api_token_label,
        note=product.note,
        lists=product.listing is not Listing.NONE,
        local=key in LOCAL_PREFIXES,
    )


def _host_of(url: str) -> str:
    """The host an address names, as far as it can be read yet."""
    try:
        return urlsplit(url if "://" in url else f"https://{url}").hostname or ""
    except ValueError:
        return ""
