"""Ask for a scan of a registry, or withdraw it."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import IntegrityError, transaction

from compliance.models import ACTIVE, Registry, RepositoryScan, Scan, State, User


def request_scan(registry: Registry, *, trigger: str, now: datetime, requested_by: User | None = None) -> int:
    """Return the id of the registry's active scan, which is made when there is none."""
    with transaction.atomic():
        interval = timedelta(minutes=registry.interval_minutes)
        Registry.objects.filter(pk=registry.pk).update(next_scan_at=now + interval if interval else None)
        return _active(registry) or _create(registry, trigger, now, requested_by)


def cancel_scan(scan_id: int, *, now: datetime) -> bool:
    """End an active scan; workers notice at their next batch, whose fence their old lease no longer passes."""
    with transaction.atomic():
        ended = Scan.objects.filter(pk=scan_id, state__in=ACTIVE).update(
            state=State.CANCELLED, finished_at=now, lease_token=None, lease_until=None
        )
        RepositoryScan.objects.filter(scan=scan_id, state__in=ACTIVE).update(
            state=State.CANCELLED, finished_at=now, lease_token=None, lease_until=None
        )
    return ended == 1


def _active(registry: Registry) -> int | None:
    whole = Scan.objects.filter(registry=registry, state__in=ACTIVE, partial=False)
    return whole.values_list("pk", flat=True).first()


def _create(registry: Registry, trigger: str, now: datetime, requested_by: User | None) -> int:
    try:
        with transaction.atomic():
            scan = Scan.objects.create(
                registry=registry, trigger=trigger, requested_at=now, requested_by=requested_by, state=State.QUEUED
            )
    except IntegrityError:  # somebody asked at the same moment; theirs will do
        joined = _active(registry)
        if joined is None:
            raise
        return joined
    return scan.pk
