"""Keep what is forgotten after a while for another time, and say before what that deletes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.db import transaction

from compliance.models import Delivery, Retention
from compliance.services.forget_events import old_events
from compliance.services.keep_for import Chosen, in_force
from compliance.services.tell_by_clock import old_deliveries

MOST_COUNTED: Final = 10_000
"""Rows that are looked at of each kind, so that a preview never takes long."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """How many rows would be forgotten; ``more``: at least so many, since no more were looked at."""

    count: int
    more: bool = False


@dataclass(frozen=True, slots=True)
class RetentionPreview:
    """What the next runs would forget."""

    events: Estimate
    messages: Estimate


def preview_retention(wanted: Chosen, *, now: datetime) -> RetentionPreview:
    """What would be forgotten if this counted."""
    days = in_force(wanted)
    events = old_events(days.events_before(now)).order_by("received_at")[: MOST_COUNTED + 1].count()
    return RetentionPreview(
        Estimate(min(events, MOST_COUNTED), events > MOST_COUNTED), _messages(days.messages_before(now))
    )


def _messages(before: datetime) -> Estimate:
    """Among the oldest: there is no index by when messages ended, and forgetting goes by age as well."""
    last = Delivery.objects.order_by("pk").values_list("pk", flat=True)[MOST_COUNTED : MOST_COUNTED + 1].first()
    found = old_deliveries(before)
    return Estimate((found if last is None else found.filter(pk__lt=last)).count(), last is not None)


def change_retention(wanted: Chosen, *, was: Chosen) -> bool:
    """Store a choice; return whether it was ``was`` until now, and nothing is stored where it was not."""
    with transaction.atomic():
        Retention.objects.bulk_create([Retention(pk=1)], ignore_conflicts=True)
        row = Retention.objects.select_for_update().get(pk=1)
        if Chosen(row.event_days, row.message_days) != was:
            return False
        row.event_days, row.message_days = wanted.events, wanted.messages
        row.save()
    return True
