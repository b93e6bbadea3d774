"""The endpoint of one registry as its page shows it: the address, how to set the sender up, whether it is heard of."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from compliance.models import InboundEvent, Registry, WebhookEndpoint
from compliance.queries.registry_values import schedule_words
from compliance.queries.webhook_log import Delivery, deliveries_of
from compliance.webhooks.proof import AddressSecret, BodySignature, HeaderSecret, Proof
from compliance.webhooks.sender import Sender, Step, filled
from compliance.webhooks.senders import SENDERS
from scanner.sources.catalogs import PRODUCTS

PLACEHOLDER: Final = "YOUR_SECRET"
_LATEST: Final = 5
_GITLAB_COM: Final = "registry.gitlab.com"


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where one registry sends its pushes.

    :param stamp: tells this secret from the one before and after it, and nothing of it.
    :param proofs: in words, how a request shows that it knows the secret.
    :param plain: the address begins with ``http:``.
    """

    product: str
    title: str
    known: bool
    enabled: bool
    stamp: str
    address: str
    plain: bool
    secret_in_address: bool
    proofs: tuple[str, ...]
    steps: tuple[Step, ...]
    note: str
    created_at: datetime
    created_by: str
    previous_until: datetime | None
    last_event_at: datetime | None
    rejected: int
    rejected_at: datetime | None
    rejected_reason: str
    unannounced: int
    unannounced_since: datetime | None


@dataclass(frozen=True, slots=True)
class WebhookPage:
    """The page. ``instead``: why nothing will be announced, and what finds the pushes then."""

    slug: str
    registry: str
    product: str
    local: bool
    instead: str
    schedule: str
    endpoint: Endpoint | None
    deliveries: tuple[Delivery, ...]


def webhook_page(registry: Registry, site: str, *, now: datetime, secret: str = "") -> WebhookPage:
    """The page of one registry.

    :param site: this site as the browser reaches it, without a slash at its end.
    :param secret: where it is known, for it was just made.
    """
    endpoint = WebhookEndpoint.objects.select_related("created_by").filter(registry=registry).first()
    product = PRODUCTS.get(registry.product, PRODUCTS["distribution"])
    return WebhookPage(
        slug=registry.slug,
        registry=registry.name,
        product=product.title,
        local=registry.is_local,
        instead=_instead(registry, product.title),
        schedule=schedule_words(registry),
        endpoint=_endpoint(registry, endpoint, site, secret, now) if endpoint else None,
        deliveries=deliveries_of(InboundEvent.objects.filter(registry=registry).order_by("-pk")[:_LATEST]),
    )


def stamp_of(endpoint: WebhookEndpoint | None) -> str:
    """What a form carries, so that sending it twice does not change the secret twice.

    :param endpoint: as it was read, with its secrets sealed.
    """
    if endpoint is None:
        return ""
    return hashlib.sha256(f"{endpoint.key} {endpoint.secret}".encode()).hexdigest()[:16]


def proof_words(proof: Proof) -> str:
    """How a request shows that it knows the secret."""
    match proof:
        case HeaderSecret(header):
            return f"the secret in the header `{header}`: as it is, after `Bearer`, or as the password of `Basic`"
        case BodySignature(header, algorithm, prefix):
            return f"a signature of the body (HMAC-{algorithm.upper()}) in the header `{header}`, {_after(prefix)}"
        case AddressSecret():
            return "the secret at the end of the address"


def _after(prefix: str) -> str:
    return f"after `{prefix}`" if prefix else "in hexadecimal digits"


def _instead(registry: Registry, title: str) -> str:
    if registry.is_local:
        return "Images on the workers' own machine announce no pushes."
    if registry.product == "gitlab" and registry.host.lower() == _GITLAB_COM:
        return "GitLab.com has no event for pushes to its container registry."
    return "" if registry.product in SENDERS else f"{title} announces no pushes that we know of."


def _endpoint(registry: Registry, row: WebhookEndpoint, site: str, secret: str, now: datetime) -> Endpoint:
    sender = SENDERS.get(row.product)
    address = f"{site}/hooks/{row.key}/"
    in_address = sender is not None and sender.secret_in_address
    overlaps = row.previous_until is not None and row.previous_until > now
    return Endpoint(
        product=row.product,
        title=sender.title if sender else row.product,
        known=sender is not None,
        enabled=row.enabled,
        stamp=stamp_of(row),
        address=f"{address}{secret or PLACEHOLDER}/" if in_address else address,
        plain=site.startswith("http:"),
        secret_in_address=in_address,
        proofs=tuple(proof_words(proof) for proof in sender.proofs) if sender else (),
        steps=_steps(sender, address, secret or PLACEHOLDER, registry.host) if sender else (),
        note=sender.note if sender else "",
        created_at=row.created_at,
        created_by=row.created_by.get_username() if row.created_by else "",
        previous_until=row.previous_until if overlaps else None,
        last_event_at=row.last_event_at,
        rejected=row.rejected,
        rejected_at=row.rejected_at,
        rejected_reason=row.rejected_reason,
        unannounced=row.unannounced,
        unannounced_since=row.unannounced_since,
    )


def _steps(sender: Sender, address: str, secret: str, host: str) -> tuple[Step, ...]:
    return filled(sender, address=address, secret=secret, host=host)
