"""Work on scans in this process until they end: one more worker, which leases rows like every other."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from django.db.models import Q

from compliance.models import ACTIVE, RepositoryScan, Scan
from compliance.policy.wake_up import WakeUp, Work
from compliance.services.finish_scan import finish_scan
from compliance.services.list_repositories import Clock
from compliance.services.run_scan_inline import work_on


def work_here(scan_ids: Sequence[int], *, clock: Clock, pause: Callable[[], object]) -> None:
    """Take free rows of these scans until all have ended.

    :param pause: called when there is nothing to take because others work on it, or it is put off.
    """
    while _active(scan_ids):
        work = _free(scan_ids, clock)
        if work is not None:
            work_on(work, clock=clock)
            continue
        for pk in _active(scan_ids):
            finish_scan(pk, now=clock())
        pause()


def _active(scan_ids: Sequence[int]) -> list[int]:
    return list(Scan.objects.filter(pk__in=scan_ids, state__in=ACTIVE).values_list("pk", flat=True))


def _free(scan_ids: Sequence[int], clock: Clock) -> WakeUp | None:
    due = Q(not_before=None) | Q(not_before__lte=clock())
    scan = Scan.objects.free().filter(due, pk__in=scan_ids, state__in=ACTIVE, listed_at=None).first()
    if scan is not None:
        return WakeUp(Work.SCAN, scan.pk)
    parts = RepositoryScan.objects.free().filter(due, scan__in=scan_ids, state__in=ACTIVE)
    pk = parts.order_by("pk").values_list("pk", flat=True).first()
    return None if pk is None else WakeUp(Work.REPOSITORY_SCAN, pk)
