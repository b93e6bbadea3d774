"""Who is asking? Everything before a request's body may be looked into."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from django.db import connection
from django.db.models import F

from compliance.models import Registry, WebhookEndpoint
from compliance.models.encryption import Sealed, reveal
from compliance.webhooks.proof import Request, could_be_proven, is_proven
from compliance.webhooks.senders import SENDERS

_COLUMNS: Final = (
    "id",
    "registry_id",
    "product",
    "key",
    "secret",
    "previous_secret",
    "previous_until",
    "enabled",
    "last_event_at",
    "unannounced",
)
# Written out, because making the statement and the rows took longer than all the rest of finding the endpoint.
_ENDPOINT: Final = f"""
SELECT {", ".join(f"endpoint.{column}" for column in _COLUMNS)}, registry.url, registry.namespaces, registry.enabled
FROM compliance_webhookendpoint endpoint JOIN compliance_registry registry ON registry.id = endpoint.registry_id
WHERE endpoint.key = %s
"""  # noqa: S608  # of the names above
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
    with connection.cursor() as cursor:
        cursor.execute(_ENDPOINT, [key])
        row = cursor.fetchone()
    if row is None or row[2] not in SENDERS:
        return None
    *own, url, namespaces, enabled = row
    endpoint = WebhookEndpoint(**dict(zip(_COLUMNS, own, strict=True)))
    endpoint.secret, endpoint.previous_secret = Sealed(endpoint.secret), Sealed(endpoint.previous_secret)
    endpoint.registry = Registry(pk=endpoint.registry_id, url=url, namespaces=namespaces, enabled=enabled)
    return endpoint


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
