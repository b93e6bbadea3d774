"""Scan again what one cause kept from being read."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from compliance.models import ACTIVE, Image, Layer, Registry, RepositoryScan, Scan, ScanError, State, Tag, User
from compliance.policy.wake_up import WakeUp, Work
from compliance.services.request_scan import request_scan

_BATCH = 1_000
_MOST_WAKE_UPS = 16
"""A worker that is rung rings for the next piece in its turn."""

_OF_THE_LIST = ("manifest-unknown", "repository-unknown")
"""Asked for by name such a tag would be gone; only a scan of the repository says whether it is listed."""

_CRASHED = "crashed"
_READ_BY_NOBODY = 0


@dataclass(frozen=True, slots=True)
class Retry:
    """The scan that was made or joined, and what to ring for."""

    scan_id: int
    wake_ups: tuple[WakeUp, ...] = ()


def retry_errors(scan_id: int, code: str, *, now: datetime, requested_by: User | None = None) -> Retry | None:
    """Scan the repositories and tags that one cause of a scan's errors was met in; ``None`` where there are none.

    Where a repository failed as a whole, it is scanned as a whole, and the registry where it could not be listed.
    """
    errors = ScanError.objects.filter(scan=scan_id, code=code)
    found = list(errors.values_list("repository", flat=True))
    if not found:
        return None
    with transaction.atomic():
        registry = Registry.objects.select_for_update().get(scans=scan_id)
        if code == _CRASHED:
            _forget_crashes(found)
        if None in found:
            joined = request_scan(registry, trigger=Scan.Trigger.RETRY, now=now, requested_by=requested_by)
            return Retry(joined, (WakeUp(Work.SCAN, joined),))
        return _join(registry, found) or _make(registry, scan_id, code, found, now, requested_by)


def _join(registry: Registry, repositories: Collection[int | None]) -> Retry | None:
    """Who presses twice gets the same scan."""
    parts = RepositoryScan.objects.filter(scan__registry=registry, scan__trigger=Scan.Trigger.RETRY, state__in=ACTIVE)
    latest = parts.filter(repository__in=repositories).order_by("-scan").values_list("scan", flat=True).first()
    if latest is None or parts.filter(scan=latest, repository__in=repositories).count() < len(repositories):
        return None
    return Retry(latest)


def _make(
    registry: Registry, scan_id: int, code: str, found: Collection[int | None], now: datetime, requested_by: User | None
) -> Retry:
    repositories = sorted(pk for pk in found if pk is not None)
    tags = _tags(scan_id, code, repositories)
    scan = Scan.objects.begin_partial(registry.pk, Scan.Trigger.RETRY, len(repositories), by=requested_by, now=now)
    parts = RepositoryScan.objects.bulk_create(
        (RepositoryScan(scan=scan, repository_id=pk, only_tags=tags.get(pk)) for pk in repositories),
        batch_size=_BATCH,
    )
    return Retry(scan.pk, tuple(WakeUp(Work.REPOSITORY_SCAN, part.pk) for part in parts[:_MOST_WAKE_UPS]))


def _tags(scan_id: int, code: str, repositories: Collection[int]) -> dict[int, list[str]]:
    """The tags that show this cause, of those repositories that are not to be scanned as a whole."""
    if code in _OF_THE_LIST:
        return {}
    failed = RepositoryScan.objects.filter(scan=scan_id, state=State.FAILED).values("repository")
    rows = Tag.objects.listed().filter(repository__in=repositories, problem_code=code).exclude(repository__in=failed)
    found: dict[int, list[str]] = {}
    for repository, name in rows.order_by("name").values_list("repository_id", "name"):
        found.setdefault(repository, []).append(name)
    return found


def _forget_crashes(repositories: Collection[int | None]) -> None:
    """Somebody has looked into it and wants another try: what ended workers is read again."""
    tags = Tag.objects.listed().filter(repository__in=[pk for pk in repositories if pk is not None])
    crashed = Image.objects.filter(problem_code=_CRASHED)
    crashed.filter(tags__in=tags).update(facts_schema=_READ_BY_NOBODY)
    crashed.filter(indexes__tags__in=tags).update(facts_schema=_READ_BY_NOBODY)
    # Which layers an image has only its manifest says; one that nobody wants is not read for being forgotten.
    Layer.objects.filter(problem_code=_CRASHED).update(
        problem_code="", problem_message="", problem_remedy="", attempts=0, lease_token=None, lease_until=None
    )
