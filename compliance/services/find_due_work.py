"""Find what should be worked on: what the beat's tick asks. Asking twice, or from two places, is harmless."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.db.models import Exists, F, OuterRef, Q, Window
from django.db.models.functions import RowNumber

from compliance.models import ACTIVE, Registry, RepositoryScan, Scan
from compliance.policy.schedule import InvalidSchedule, outside_quiet_hours
from compliance.policy.wake_up import WakeUp, Work
from compliance.services.finish_scan import finish_scan
from compliance.services.gather_pushes import waiting_pushes
from compliance.services.request_rejudge import waiting_rejudgings
from compliance.services.request_scan import request_scan
from compliance.services.take_turn import due_listings, due_parts, wake_up_of

MOST_WAKE_UPS = 64
"""Per call: rows that are already rung for are rung again, so this bounds the idle messages."""


def due_work(now: datetime) -> list[WakeUp]:
    """Request the scans that are due, end those that only lack their end, return the rows nobody works on."""
    request_due_scans(now)
    finish_scans(now)
    return waiting_work(now)


def waiting_work(now: datetime) -> list[WakeUp]:
    """The rows nobody works on. Of repositories' parts, every registry's first comes before anybody's second."""
    listings = due_listings(now).order_by("pk").values_list("pk", flat=True)[:MOST_WAKE_UPS]
    return [
        *(WakeUp(Work.SCAN, pk) for pk in listings),
        *waiting_pushes(),
        *waiting_rejudgings(),
        *_fair_parts(now),
    ]


def request_due_scans(now: datetime) -> list[int]:
    """Request a scan of every registry whose time has come; return their ids. What was missed is done once."""
    with transaction.atomic():
        due = Registry.objects.select_for_update(skip_locked=True).filter(
            ~Q(cron="") | Q(interval_minutes__gt=0), enabled=True, next_scan_at__lte=now
        )
        begun = [registry for registry in due if not _put_off_by_quiet_hours(registry, now)]
        return [request_scan(registry, trigger=Scan.Trigger.SCHEDULE, now=now) for registry in begun]


def _put_off_by_quiet_hours(registry: Registry, now: datetime) -> bool:
    """Nobody was there at the time that the schedule had chosen, and now the quiet hours have begun."""
    try:
        begins = outside_quiet_hours(registry.schedule, now, registry.slug)
    except InvalidSchedule:  # which request_scan tells of
        return False
    if begins > now:
        Registry.objects.filter(pk=registry.pk).update(next_scan_at=begins)
    return begins > now


def finish_scans(now: datetime) -> None:
    """End the scans that only lack their end: a worker may die between its last repository and that."""
    parts = RepositoryScan.objects.filter(scan=OuterRef("pk"), state__in=ACTIVE)
    listed = Scan.objects.filter(~Exists(parts), state__in=ACTIVE, listed_at__isnull=False)
    for pk in listed.values_list("pk", flat=True):
        finish_scan(pk, now=now)


def _fair_parts(now: datetime) -> list[WakeUp]:
    order = [F("scan__partial").desc(), F("pk").asc()]
    turn = Window(RowNumber(), partition_by=[F("scan__registry"), F("heavy")], order_by=order)
    rows = due_parts(now).annotate(turn=turn).filter(turn__lte=MOST_WAKE_UPS)
    found = rows.order_by("turn", "pk").values_list("pk", "heavy")[:MOST_WAKE_UPS]
    return [wake_up_of(pk, heavy=heavy) for pk, heavy in found]
