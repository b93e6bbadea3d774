"""Choose what a channel is sent next: a regression before all else, and what waits together as one message."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.db.models import Count, Max, Q

from compliance.models import Delivery
from compliance.remediation.joining import HOUR, JOINED, not_before
from compliance.remediation.notices import Kind

_MOST_PARTS = 1_000
"""More wait for the next message."""

_State = Delivery.State


def next_delivery(channel_id: int, now: datetime) -> int | None:
    """The id of the message to send, which others may have become part of; ``None``: nothing is due.

    Kinds of which there was much lately are put off until so much more may have come.
    """
    fresh = Delivery.objects.due(now).filter(channel=channel_id, kind__in=JOINED).fresh()
    waiting = set(fresh.order_by().values_list("kind", flat=True).distinct())
    first, *others = JOINED
    urgent = _gathered(channel_id, first, now) if first in waiting else None
    return (
        urgent
        or _alone(channel_id, now)
        or next((pk for kind in others if kind in waiting and (pk := _gathered(channel_id, kind, now))), None)
    )


def _alone(channel_id: int, now: datetime) -> int | None:
    """What was tried before keeps its words, or a receiver that has had it would leave out what was put to it."""
    due = Delivery.objects.due(now).filter(channel=channel_id)
    fresh = Delivery.objects.filter(channel=channel_id, state=_State.WAITING, kind__in=JOINED).fresh()
    rows = due.exclude(pk__in=fresh.order_by().values("pk")).order_by("next_at", "pk")
    return rows.values_list("pk", flat=True).first()


def _gathered(channel_id: int, kind: Kind, now: datetime) -> int | None:
    with transaction.atomic():
        rows = Delivery.objects.due(now).filter(channel=channel_id, kind=kind.value).fresh()
        found = rows.order_by("created_at", "pk").select_for_update(skip_locked=True).values_list("pk", flat=True)
        pks = list(found[:_MOST_PARTS])
        if not pks:
            return None
        if until := _paced(channel_id, kind, now):
            rows.order_by().update(next_at=until)
            return None
        first, *others = pks
        if others:
            parts = Q(pk__in=others) | Q(joined_to__in=others)
            Delivery.objects.filter(parts).update(state=_State.JOINED, joined_to=first, ended_at=now)
        return first


def _paced(channel_id: int, kind: Kind, now: datetime) -> datetime | None:
    sent = Delivery.objects.filter(channel=channel_id, kind=kind.value, state=_State.SENT, ended_at__gt=now - HOUR)
    found = sent.order_by().aggregate(n=Count("pk"), last=Max("ended_at"))
    until = not_before(found["n"], found["last"])
    return until if until is not None and until > now else None
