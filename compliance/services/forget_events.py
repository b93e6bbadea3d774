"""Events are kept for a while, so that a person can look at them."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import Exists, OuterRef

from compliance.models import InboundEvent, Push

_MOST = 2_000
"""Per call: the tick calls again in seconds."""


def forget_events(now: datetime) -> int:
    """Delete the oldest events that are old enough, some at a time; return how many. What still waits is kept."""
    old = InboundEvent.objects.filter(received_at__lt=now - timedelta(days=settings.EVENT_DAYS))
    waiting = Push.objects.filter(event=OuterRef("pk"), state=Push.State.WAITING)
    ids = list(old.filter(~Exists(waiting)).order_by("received_at").values_list("pk", flat=True)[:_MOST])
    if ids:
        InboundEvent.objects.filter(pk__in=ids).delete()
    return len(ids)
