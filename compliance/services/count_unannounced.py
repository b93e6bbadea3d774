"""Pushes that a scan of the whole registry found and that no request had told of: is the webhook still working?

Only what is surely a push counts: tags that moved, or are new in repositories known before, since the whole scan
before this one, which began after the endpoint was made.
"""

from __future__ import annotations

from datetime import datetime

from django.db.models import Exists, F, OuterRef
from django.db.models.functions import Coalesce

from compliance.models import Push, Scan, State, TagChange, WebhookEndpoint

_PUSHES = (TagChange.Kind.CREATED, TagChange.Kind.MOVED)
_TOLD = (Push.State.WAITING, Push.State.JOINED)


def count_unannounced(scan: Scan, *, now: datetime) -> int:
    """Add what an ended scan found to the registry's endpoint, if that is in use; return how many there were."""
    endpoint = WebhookEndpoint.objects.filter(registry=scan.registry_id, enabled=True).first()
    if endpoint is None or scan.partial:
        return 0
    whole = Scan.objects.filter(registry=scan.registry_id, partial=False, state=State.DONE, pk__lt=scan.pk)
    before = whole.filter(started_at__gte=endpoint.created_at).order_by("-pk").first()
    if before is None or before.started_at is None:
        return 0
    told = Push.objects.filter(
        registry=scan.registry_id,
        repository=OuterRef("repository__name"),
        tag=OuterRef("tag__name"),
        state__in=_TOLD,
        received_at__gte=before.started_at,
    )
    found = TagChange.objects.filter(scan=scan, kind__in=_PUSHES, repository__first_seen_at__lt=scan.requested_at)
    count = found.filter(~Exists(told)).count()
    if count:
        rows = WebhookEndpoint.objects.filter(pk=endpoint.pk)
        rows.update(unannounced=F("unannounced") + count, unannounced_since=Coalesce("unannounced_since", now))
    return count
