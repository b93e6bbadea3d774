"""Find what should be worked on: what the beat's tick asks. Asking twice, or from two places, is harmless."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.db.models import Exists, OuterRef, Q

from compliance.models import ACTIVE, Registry, RepositoryScan, Scan
from compliance.policy.wake_up import WakeUp, Work
from compliance.services.finish_scan import finish_scan
from compliance.services.request_rejudge import waiting_rejudgings
from compliance.services.request_scan import request_scan

MOST_WAKE_UPS = 64
"""Per call, oldest first: rows that are already rung for are rung again, so this bounds the idle messages."""


def due_work(now: datetime) -> list[WakeUp]:
    """Request the scans that are due, end those that only lack their end, return the rows nobody works on."""
    request_due_scans(now)
    _finish_scans(now)
    free = Q(not_before=None) | Q(not_before__lte=now)
    scans = Scan.objects.free().filter(free, state__in=ACTIVE, listed_at=None).order_by("pk")
    parts = RepositoryScan.objects.free().filter(free, state__in=ACTIVE).order_by("pk")
    return [
        *(WakeUp(Work.SCAN, pk) for pk in scans.values_list("pk", flat=True)[:MOST_WAKE_UPS]),
        *waiting_rejudgings(),
        *(WakeUp(Work.REPOSITORY_SCAN, pk) for pk in parts.values_list("pk", flat=True)[:MOST_WAKE_UPS]),
    ]


def request_due_scans(now: datetime) -> list[int]:
    """Request a scan of every registry whose time has come; return their ids."""
    with transaction.atomic():
        due = Registry.objects.select_for_update(skip_locked=True).filter(
            enabled=True, interval_minutes__gt=0, next_scan_at__lte=now
        )
        return [request_scan(registry, trigger=Scan.Trigger.SCHEDULE, now=now) for registry in due]


def _finish_scans(now: datetime) -> None:
    """A worker may die between its last repository and the end of the scan."""
    parts = RepositoryScan.objects.filter(scan=OuterRef("pk"), state__in=ACTIVE)
    listed = Scan.objects.filter(~Exists(parts), state__in=ACTIVE, listed_at__isnull=False)
    for pk in listed.values_list("pk", flat=True):
        finish_scan(pk, now=now)
