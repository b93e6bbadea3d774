"""Who is asking? Everything before a request's body may be looked into."""

from __future__ import annotations

import threading
from datetime import datetime, timedelta
from typing import Final

from django.db.models import F

from compliance.models import WebhookEndpoint
from compliance.models.encryption import reveal
from compliance.webhooks.proof import Request, is_proven
from compliance.webhooks.senders import SENDERS

_COUNTED_EVERY: Final = timedelta(seconds=1)
_REFUSED: Final = "The secret or signature was missing or wrong."
_DISABLED: Final = "The endpoint is disabled."


def authenticate_sender(key: str, request: Request, *, now: datetime) -> WebhookEndpoint | None:
    """The endpoint that a request is addressed to and proves to know the secret of; ``None`` otherwise.

    :raises CredentialKeyMissing: when its secret cannot be read.
    """
    endpoint = find_endpoint(key)
    if endpoint is None:
        return None
    proven = is_proven(request, SENDERS[endpoint.product].proofs, secrets_of(endpoint, now))
    if proven and endpoint.enabled:
        return endpoint
    _REJECTIONS.count(endpoint.pk, _DISABLED if proven else _REFUSED, now)
    return None


def find_endpoint(key: str) -> WebhookEndpoint | None:
    """By the public part of its address; products that this release does not know are not there."""
    columns = ("registry__url", "registry__namespaces", "registry__enabled")
    own = [field.name for field in WebhookEndpoint._meta.concrete_fields]
    rows = WebhookEndpoint.objects.select_related("registry").only(*own, *columns)
    return rows.filter(key=key, product__in=SENDERS).first() if key.isascii() and key.isalnum() else None


def secrets_of(endpoint: WebhookEndpoint, now: datetime) -> tuple[str, ...]:
    """The secrets that count now: the current one, and for a while the one before it.

    :raises CredentialKeyMissing: when one cannot be read.
    """
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
