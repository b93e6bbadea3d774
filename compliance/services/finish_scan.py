"""Keep a scan's totals, and end it when all its repositories have ended."""

from __future__ import annotations

import uuid
from datetime import datetime

from django.db import transaction
from django.db.models import Count, F, Q, Sum

from compliance.models import ACTIVE, Registry, RepositoryScan, Scan, State, Tag
from compliance.services.count_unannounced import count_unannounced
from compliance.services.doubt_tags import doubt_tags
from compliance.services.record_problem import Mishap, problem_columns, record_mishaps
from scanner.domain.problems import ScanProblem

_SUMMED = (
    *("images_new", "layers_indexed", "new", "fixed", "regressed"),
    *("cache_hits", "requests", "bytes", "bytes_saved"),
)
_SUMMED_ONCE = ("tags_total", "tags_done")
"""A tag whose layers are read apart is not counted a second time."""


def finish_scan(scan_id: int, *, now: datetime) -> bool:
    """Bring the totals up to date and end the scan if nothing is left to do; say whether it has ended or is gone."""
    with transaction.atomic():
        scan = Scan.objects.select_for_update().filter(pk=scan_id).first()
        if scan is None or scan.state not in ACTIVE:
            return True
        if scan.listed_at is None:
            return False
        if update_totals(scan):
            return False
        Scan.objects.filter(pk=scan_id).update(
            state=State.DONE, finished_at=now, not_before=None, **problem_columns(None)
        )
        count_unannounced(scan, now=now)
    return True


def refresh_totals(scan_id: int) -> None:
    """Show progress; whoever is ahead of us with the same sums will do."""
    with transaction.atomic():
        scan = Scan.objects.select_for_update(skip_locked=True).filter(pk=scan_id, state__in=ACTIVE).first()
        if scan is not None:
            update_totals(scan)


def update_totals(scan: Scan) -> int:
    """Sum up the repositories' parts; return how many of them have not ended."""
    active, light = Q(state__in=ACTIVE), Q(heavy=False)
    found = RepositoryScan.objects.filter(scan=scan).aggregate(
        active=Count("pk", filter=active),
        ended=Count("pk", filter=~active & light),
        failed=Count("repository", filter=Q(state=State.FAILED), distinct=True),
        **{f"sum_{name}": Sum(name, default=0) for name in _SUMMED},
        **{f"sum_{name}": Sum(name, default=0, filter=light) for name in _SUMMED_ONCE},
    )
    totals = {name: found[f"sum_{name}"] for name in (*_SUMMED, *_SUMMED_ONCE)}
    totals["requests"] += F("listing_requests")
    totals["bytes"] += F("listing_bytes")
    Scan.objects.filter(pk=scan.pk).update(
        repositories_done=found["ended"], repositories_failed=found["failed"], **totals
    )
    active_parts: int = found["active"]
    return active_parts


def fail_scan(scan_id: int, token: uuid.UUID, problem: ScanProblem, *, now: datetime) -> None:
    """End a scan whose repositories could not be listed.

    :raises LeaseLost: when somebody else has the scan.
    """
    with transaction.atomic():
        Scan.objects.fence(scan_id, token)
        scan = Scan.objects.get(pk=scan_id)
        record_mishaps(scan_id, None, [Mishap("", problem)], now=now)
        doubt_tags(Tag.objects.filter(repository__registry=scan.registry_id), problem, now=now)
        Registry.objects.filter(pk=scan.registry_id).update(**problem_columns(problem))
        Scan.objects.filter(pk=scan_id).update(
            state=State.FAILED, finished_at=now, lease_token=None, lease_until=None, **problem_columns(problem)
        )
