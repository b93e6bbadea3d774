"""Scan one repository again, or join what scans it already."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from django.db import transaction

from compliance.access import may_rescan_repository
from compliance.models import ACTIVE, Repository, RepositoryScan, Scan, State, User
from compliance.policy.wake_up import WakeUp, Work


class MayNotScan(Exception):
    """Somebody does not work on the repository's findings; nothing was asked for."""


class Answer(StrEnum):
    """What became of a wish for a scan."""

    MADE = "made"
    WAITING = "waiting"
    """A scan of all its tags has not begun with them."""
    RUNNING = "running"
    """A scan of all its tags is under way: some of them were asked about before the wish."""
    OFF = "off"
    """The registry is not scanned."""
    GONE = "gone"
    """The registry has no such repository any more."""


@dataclass(frozen=True, slots=True)
class Rescan:
    """The answer, with the scan that was made or joined and what to ring for."""

    answer: Answer
    scan_id: int | None = None
    wake_ups: tuple[WakeUp, ...] = ()


def rescan_repository(repository_id: int, *, by: User, now: datetime) -> Rescan:
    """Ask the registry about all tags of a repository, by a partial scan, unless a scan is to do that or does it.

    :raises MayNotScan: for who may not scan it.
    """
    with transaction.atomic():
        # Held, so that who presses twice gets the same scan.
        rows = Repository.objects.select_for_update(of=("self",), no_key=True).select_related("registry")
        row = rows.get(pk=repository_id)
        if not may_rescan_repository(by.actor, row.team_id):
            raise MayNotScan
        if row.deleted_at is not None:
            return Rescan(Answer.GONE)
        if not row.registry.enabled:
            return Rescan(Answer.OFF)
        return _joined(row) or _made(row, by, now)


def _joined(row: Repository) -> Rescan | None:
    parts = RepositoryScan.objects.filter(repository=row, state__in=ACTIVE, only_tags=None, heavy=False)
    part = parts.order_by("pk").first()
    if part is not None:
        begun = part.state == State.RUNNING or bool(part.cursor)
        return Rescan(Answer.RUNNING if begun else Answer.WAITING, part.scan_id)
    # One that has not listed its repositories yet is going to meet this one.
    unlisted = Scan.objects.filter(registry=row.registry_id, state__in=ACTIVE, partial=False, listed_at=None)
    scan = unlisted.values_list("pk", flat=True).first()
    return Rescan(Answer.WAITING, scan) if scan is not None else None


def _made(row: Repository, by: User, now: datetime) -> Rescan:
    scan = Scan.objects.create(
        registry_id=row.registry_id,
        trigger=Scan.Trigger.PAGE,
        requested_by=by,
        partial=True,
        state=State.RUNNING,
        requested_at=now,
        started_at=now,
        listed_at=now,
        repositories_total=1,
    )
    part = RepositoryScan.objects.create(scan=scan, repository=row)
    return Rescan(Answer.MADE, scan.pk, (WakeUp(Work.REPOSITORY_SCAN, part.pk),))
