"""Ask for a scan of a registry, or withdraw it."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta

from django.db import IntegrityError, transaction
from django.db.models import Exists, OuterRef, Q

from compliance.models import ACTIVE, AuditAction, Registry, Repository, RepositoryScan, Scan, State, User
from compliance.policy.schedule import InvalidSchedule, next_scan
from compliance.services.doubt_tags import doubt_tags, tags_after
from compliance.services.heavy_layers import BIG_LAYERS
from compliance.services.record_audit import audit
from scanner.domain.problems import Unavailable

logger = logging.getLogger(__name__)

_WITHOUT_SCHEDULE = timedelta(hours=1)
_OF_A_PUSH = Q(scan__trigger=Scan.Trigger.WEBHOOK, only_tags__isnull=False)


def request_scan(registry: Registry, *, trigger: str, now: datetime, requested_by: User | None = None) -> int:
    """Return the id of the registry's active scan, which is made when there is none."""
    with transaction.atomic():
        Registry.objects.filter(pk=registry.pk).update(next_scan_at=next_scan_of(registry, now))
        _set_big_layers_apart(registry)
        return _active(registry) or _create(registry, trigger, now, requested_by)


def next_scan_of(registry: Registry, now: datetime) -> datetime | None:
    """When the registry is due if its last scan is asked for now; ``None``: when somebody asks.

    A schedule that was valid when it was stored may not be any more, for example because a time zone is gone: such a
    registry is scanned every hour, and does not keep the tick from the others.
    """
    try:
        return next_scan(registry.schedule, now, registry.slug)
    except InvalidSchedule as error:
        logger.error("registry %s is scanned every hour because of its schedule: %s", registry.slug, error)
        return now + _WITHOUT_SCHEDULE


def cancel_scan(scan_id: int, *, now: datetime, by: User | None = None) -> bool:
    """End an active scan; workers notice at their next batch, whose fence their old lease no longer passes.

    The audit trail says who did, and how far the scan had come. Tags it would have asked for because of a push are
    unconfirmed until somebody asks: they are said to have moved.
    """
    with transaction.atomic():
        ended = Scan.objects.filter(pk=scan_id, state__in=ACTIVE).update(
            state=State.CANCELLED, finished_at=now, lease_token=None, lease_until=None
        )
        # Locked before they are read: a batch that is being written moves the cursor.
        parts = RepositoryScan.objects.filter(scan=scan_id, state__in=ACTIVE).order_by("pk")
        named = list(parts.filter(_OF_A_PUSH | Q(heavy=True)).select_for_update(of=("self",)))
        parts.order_by().update(state=State.CANCELLED, finished_at=now, lease_token=None, lease_until=None)
        homes = [part.repository_id for part in named]  # all at once and by id, as whoever takes many does
        list(Repository.objects.filter(pk__in=homes).order_by("pk").select_for_update().values_list("pk"))
        for part in named:
            _doubt(part, now)
        if ended:
            scan = Scan.objects.select_related("registry").get(pk=scan_id)
            done = f"{scan.tags_done:,} of {scan.tags_total:,}"
            name = f"Scan {scan_id} of {scan.registry}"
            audit(AuditAction.SCAN_CANCELLED, scan, by=by, now=now, name=name, details={"tags": done})
    return ended == 1


def _doubt(part: RepositoryScan, now: datetime) -> None:
    """Mark what shows no other reason, and what still says that its layers are being read."""
    what = "reading of its big layers" if part.heavy else "check after a push"
    problem = Unavailable(
        "check-cancelled", f"the {what} was cancelled before it got to this tag", remedy="Scan the registry again."
    )
    tags = tags_after(part.repository_id, part.cursor).filter(name__in=part.only_tags or ())
    doubt_tags(tags.filter(problem_code=BIG_LAYERS if part.heavy else ""), problem, now=now)


def _active(registry: Registry) -> int | None:
    whole = Scan.objects.filter(registry=registry, state__in=ACTIVE, partial=False)
    return whole.values_list("pk", flat=True).first()


def _set_big_layers_apart(registry: Registry) -> None:
    """A scan that waits for big layers alone goes on as a partial one: nothing else is to wait for gigabytes.

    Without a worker for them the registry would never be scanned again.
    """
    parts = RepositoryScan.objects.filter(scan=OuterRef("pk"), state__in=ACTIVE)
    waiting = Scan.objects.filter(Exists(parts.filter(heavy=True)), ~Exists(parts.filter(heavy=False)))
    whole = waiting.filter(registry=registry, state__in=ACTIVE, partial=False, listed_at__isnull=False)
    whole.update(partial=True)


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
