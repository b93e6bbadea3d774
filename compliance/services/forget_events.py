"""Events are kept for a while, so that a person can look at them."""

from __future__ import annotations

from datetime import datetime

from django.db.models import Exists, OuterRef, QuerySet

from compliance.models import InboundEvent, Push
from compliance.services.keep_for import days_kept

_MOST = 2_000
"""Per call: the tick calls again in seconds."""


def forget_events(now: datetime) -> int:
    """Delete the oldest events that are old enough, some at a time; return how many. What still waits is kept."""
    old = old_events(days_kept().events_before(now))
    ids = list(old.order_by("received_at").values_list("pk", flat=True)[:_MOST])
    if ids:
        InboundEvent.objects.filter(pk__in=ids).delete()
    return len(ids)


def old_events(before: datetime) -> QuerySet[InboundEvent]:
    """What came before a moment and nothing is waiting for."""
    waiting = Push.objects.filter(event=OuterRef("pk"), state=Push.State.WAITING)
    return InboundEvent.objects.filter(~Exists(waiting), received_at__lt=before)
