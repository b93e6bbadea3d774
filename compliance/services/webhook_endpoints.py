"""Make, change and try the endpoint of a registry. A secret is told once, to whoever made it."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from compliance.models import AuditAction, InboundEvent, Registry, User, WebhookEndpoint
from compliance.models.encryption import reveal
from compliance.services.accept_event import Accepted, Arrival, accept_event
from compliance.services.authenticate_sender import find_addressed, is_authentic
from compliance.services.record_audit import audit
from compliance.webhooks.proof import MASKED, Request, sign
from compliance.webhooks.senders import SENDERS

LONGEST_OVERLAP: Final = timedelta(days=30)
_SECRET_BYTES = 24


class CannotReplay(Exception):
    """The event cannot be done again; the message says why."""


@dataclass(frozen=True, slots=True)
class NewSecret:
    """An endpoint and its secret, which nobody can read again."""

    endpoint: WebhookEndpoint
    secret: str = field(repr=False)


def suggested_product(registry: Registry) -> str:
    """The sender that fits a registry's product; Distribution's where it has none of its own."""
    return registry.product if registry.product in SENDERS else "distribution"


def make_endpoint(registry: Registry, product: str, *, now: datetime, by: User | None = None) -> NewSecret:
    """Give a registry an endpoint with a new address and secret; one it had before is replaced.

    :raises KeyError: for a product that announces nothing.
    """
    secret = secrets.token_hex(_SECRET_BYTES)
    endpoint, _ = WebhookEndpoint.objects.update_or_create(
        registry=registry,
        defaults={
            "product": SENDERS[product].key,
            "key": secrets.token_hex(16),
            "secret": secret,
            "previous_secret": "",
            "previous_until": None,
            "enabled": True,
            "created_at": now,
            "created_by": by,
            "last_event_at": None,
            "rejected": 0,
            "rejected_at": None,
            "rejected_reason": "",
            "unannounced": 0,
            "unannounced_since": None,
        },
    )
    audit(AuditAction.SECRET_SHOWN, endpoint, by=by, now=now, name=_called(registry))
    return NewSecret(endpoint, secret)


def rotate_secret(endpoint: WebhookEndpoint, *, hours: int, now: datetime, by: User | None = None) -> NewSecret:
    """Make a new secret; the old one counts for some hours more, at most 30 days, or with 0 no longer."""
    secret = secrets.token_hex(_SECRET_BYTES)
    overlap = min(timedelta(hours=max(hours, 0)), LONGEST_OVERLAP)
    endpoint.previous_secret = endpoint.secret if overlap else ""
    endpoint.previous_until = now + overlap if overlap else None
    endpoint.secret = secret
    endpoint.save(update_fields=["secret", "previous_secret", "previous_until"])
    audit(AuditAction.SECRET_ROTATED, endpoint, by=by, now=now, name=_called(endpoint.registry))
    return NewSecret(endpoint, secret)


def _called(registry: Registry) -> str:
    return f"webhook of {registry}"


def set_enabled(endpoint: WebhookEndpoint, enabled: bool) -> None:
    """Let an endpoint accept, or refuse, what comes; its address and secret stay."""
    endpoint.enabled = enabled
    endpoint.save(update_fields=["enabled"])


def remove_endpoint(endpoint: WebhookEndpoint) -> None:
    """Forget an endpoint, its address and its secret; the events that came to it stay."""
    endpoint.delete()


def replay_event(event_id: int, *, now: datetime) -> Accepted:
    """Do an event again, news or not, as a new event that names the old one.

    :raises CannotReplay: when it is gone, was kept in part only, or its registry has no endpoint any more.
    """
    event = InboundEvent.objects.filter(pk=event_id).first()
    endpoint = WebhookEndpoint.objects.select_related("registry").filter(registry__events=event_id).first()
    if event is None or endpoint is None:
        raise CannotReplay("The event, or the endpoint it came to, is gone.")
    body = bytes(event.body)
    if len(body) != event.body_size:
        raise CannotReplay(f"Only {len(body):,} of its {event.body_size:,} bytes were kept.")
    if event.product not in SENDERS:
        raise CannotReplay(f"This release does not know the sender {event.product!r}.")
    endpoint.product = event.product  # it is read as what it was sent as
    headers = {name: value for name, value in event.headers.items() if value != MASKED}
    arrival = Arrival(Request(headers, body), now, lambda: 0.0, remote_address=event.remote_address, replay_of=event_id)
    return accept_event(endpoint, arrival)


def send_test_event(endpoint: WebhookEndpoint, *, now: datetime) -> Accepted | None:
    """Have the endpoint take its product's documented request, signed with its secret; nothing is scanned for it.

    ``None``: it was refused, as the sender's would be; ``rejected_reason`` says why.

    :raises CredentialKeyMissing: when the secret cannot be read.
    """
    sender = SENDERS[endpoint.product]
    secret = reveal(endpoint.secret)
    body = sender.sample.body.encode()
    headers = {**sender.sample.headers, **sign(sender.proofs[0], secret, body)}
    request = Request(headers, body, secret if sender.secret_in_address else "")
    addressed = find_addressed(endpoint.key, now=now)
    if addressed is None or not is_authentic(addressed, request, now=now):
        return None
    return accept_event(addressed.endpoint, Arrival(request, now, lambda: 0.0, addressed.secrets, test=True))
