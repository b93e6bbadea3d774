"""Scan one repository again, or one tag of it, or join what scans it already."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from django.db import transaction

from compliance.access import may_rescan_repository
from compliance.models import ACTIVE, Repository, RepositoryScan, Scan, State, Tag, User
from compliance.policy.wake_up import WakeUp, Work
from compliance.services.rescan_tags import worth_asking


class MayNotScan(Exception):
    """Somebody does not work on the repository's findings; nothing was asked for."""


class Answer(StrEnum):
    """What became of a wish for a scan."""

    MADE = "made"
    WAITING = "waiting"
    """A scan that asks about all of it has not begun with it."""
    RUNNING = "running"
    """A scan of all its tags is under way: some of them were asked about before the wish."""
    OFF = "off"
    """The registry is not scanned."""
    GONE = "gone"
    """The registry has no such repository, or no such tag, any more."""


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
        row = _held(repository_id, by)
        return _not_scanned(row) or _joined(row) or _made(row, by, now)


def rescan_tag(repository_id: int, name: str, *, by: User, now: datetime) -> Rescan:
    """Ask the registry about one tag of a repository, unless a scan that has not begun is to do that.

    One that is under way is not joined: it may have asked about the tag before the wish.

    :raises MayNotScan: for who may not scan it.
    """
    with transaction.atomic():
        row = _held(repository_id, by)
        refused = _not_scanned(row)
        if refused is not None:
            return refused
        if not Tag.objects.listed().filter(repository=row, name=name).exists():
            return Rescan(Answer.GONE)
        asked = worth_asking({row.pk: [name]})
        return _made(row, by, now, only=asked[row.pk]) if asked else Rescan(Answer.WAITING)


def _held(repository_id: int, by: User) -> Repository:
    """So that who presses twice gets the same scan."""
    rows = Repository.objects.select_for_update(of=("self",), no_key=True).select_related("registry")
    row = rows.get(pk=repository_id)
    if not may_rescan_repository(by.actor, row.team_id):
        raise MayNotScan
    return row


def _not_scanned(row: Repository) -> Rescan | None:
    if row.deleted_at is not None:
        return Rescan(Answer.GONE)
    return None if row.registry.enabled else Rescan(Answer.OFF)


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


def _made(row: Repository, by: User, now: datetime, only: Sequence[str] | None = None) -> Rescan:
    scan = Scan.objects.begin_partial(row.registry_id, Scan.Trigger.PAGE, 1, by=by, now=now)
    part = RepositoryScan.objects.create(scan=scan, repository=row, only_tags=only)
    return Rescan(Answer.MADE, scan.pk, (WakeUp(Work.REPOSITORY_SCAN, part.pk),))
