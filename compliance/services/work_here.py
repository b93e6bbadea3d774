"""Work on scans in this process until they end: one more worker, which leases rows like every other."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

from compliance.models import ACTIVE, Scan
from compliance.policy.wake_up import WakeUp, Work
from compliance.services.finish_scan import finish_scan
from compliance.services.list_repositories import Clock
from compliance.services.run_scan_inline import work_on
from compliance.services.take_turn import due_listings, next_part


def work_here(scan_ids: Sequence[int], *, clock: Clock, pause: Callable[[], object]) -> None:
    """Take free rows of these scans until all have ended.

    :param pause: called when there is nothing to take because others work on it, or it is put off.
    """
    last = None
    while _active(scan_ids):
        work = _free(scan_ids, clock())
        if work is not None and work != last:
            work_on(work, clock=clock)
            last = work
            continue
        last = None
        for pk in _active(scan_ids):
            finish_scan(pk, now=clock())
        pause()


def _active(scan_ids: Sequence[int]) -> list[int]:
    return list(Scan.objects.filter(pk__in=scan_ids, state__in=ACTIVE).values_list("pk", flat=True))


def _free(scan_ids: Sequence[int], now: datetime) -> WakeUp | None:
    scan = due_listings(now).filter(pk__in=scan_ids).first()
    return WakeUp(Work.SCAN, scan.pk) if scan is not None else next_part(now, heavy=None, scans=scan_ids)
