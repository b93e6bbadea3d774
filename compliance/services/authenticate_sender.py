"""Who is asking? Everything before a request's body may be looked into."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from django.db.models import F

from compliance.models import Registry, WebhookEndpoint
from compliance.models.encryption import reveal
from compliance.webhooks.proof import Request, could_be_proven, is_proven
from compliance.webhooks.senders import SENDERS

# Written out, because making the statement took longer than all the rest of finding the endpoint.
_ENDPOINT: Final = """
SELECT endpoint.*, registry.url AS home_url, registry.namespaces AS home_namespaces, registry.enabled AS home_enabled
FROM compliance_webhookendpoint endpoint JOIN compliance_registry registry ON registry.id = endpoint.registry_id
WHERE endpoint.key = %s
"""
_COUNTED_EVERY: Final = timedelta(seconds=1)
_REFUSED: Final = "The secret or signature was missing or wrong."
_DISABLED: Final = "The endpoint is disabled."


@dataclass(frozen=True, slots=True)
class Addressed:
    """The endpoint that a request is addressed to, and all the secrets of it that count now."""

    endpoint: WebhookEndpoint
    secrets: tuple[str, ...] = field(repr=False)


def find_addressed(key: str, *, now: datetime) -> Addressed | None:
    """By the public part of an address.

    :raises CredentialKeyMissing: when its secret cannot be read.
    """
    endpoint = _find(key)
    return None if endpoint is None else Addressed(endpoint, _secrets(endpoint, now))


def may_go_on(addressed: Addressed, head: Request, *, now: datetime) -> bool:
    """Whether the body is worth waiting for; a request that it could not prove is refused and counted.

    :param head: the request without its body.
    """
    proofs = SENDERS[addressed.endpoint.product].proofs
    return _judged(addressed, could_be_proven(head, proofs, addressed.secrets), now)


def is_authentic(addressed: Addressed, request: Request, *, now: datetime) -> bool:
    """Whether a request proves to know the secret; one that does not is refused and counted."""
    proofs = SENDERS[addressed.endpoint.product].proofs
    return _judged(addressed, is_proven(request, proofs, addressed.secrets), now)


def _judged(addressed: Addressed, is_known: bool, now: datetime) -> bool:
    endpoint = addressed.endpoint
    if is_known and endpoint.enabled:
        return True
    _REJECTIONS.count(endpoint.pk, _DISABLED if is_known else _REFUSED, now)
    return False


def _find(key: str) -> WebhookEndpoint | None:
    """With as much of its registry as a request needs; products that this release does not know are not there."""
    if not (key.isascii() and key.isalnum()):
        return None
    for endpoint in WebhookEndpoint.objects.raw(_ENDPOINT, [key]):
        home = {name: vars(endpoint)[f"home_{name}"] for name in ("url", "namespaces", "enabled")}
        endpoint.registry = Registry(pk=endpoint.registry_id, **home)
        return endpoint if endpoint.product in SENDERS else None
    return None


def _secrets(endpoint: WebhookEndpoint, now: datetime) -> tuple[str, ...]:
    """The current one, and for a while the one before it."""
    current = reveal(endpoint.secret)
    if endpoint.previous_secret and endpoint.previous_until is not None and now < endpoint.previous_until:
        return current, reveal(endpoint.previous_secret)
    return (current,)


class _Rejections:
    """Counts in this process, so that a flood of wrong secrets writes one row once a second and not at each."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiting: dict[int, int] = {}
        self._written: dict[int, datetime] = {}

    def count(self, endpoint_id: int, reason: str, now: datetime) -> None:
        with self._lock:
            counted = self._waiting.get(endpoint_id, 0) + 1
            last = self._written.get(endpoint_id)
            if last is not None and timedelta(0) <= now - last < _COUNTED_EVERY:
                self._waiting[endpoint_id] = counted
                return
            self._waiting[endpoint_id] = 0
            self._written[endpoint_id] = now
        WebhookEndpoint.objects.filter(pk=endpoint_id).update(
            rejected=F("rejected") + counted, rejected_at=now, rejected_reason=reason
        )


_REJECTIONS: Final = _Rejections()
