"""End one repository's part of a scan, or put it off."""

from __future__ import annotations

import uuid
from datetime import datetime

from django.db import transaction

from compliance.models import ACTIVE, LeaseLost, Repository, RepositoryScan, State
from compliance.policy.retry import retry_in
from compliance.policy.wake_up import WakeUp, Work
from compliance.services.count_totals import snapshot_unchanged
from compliance.services.doubt_tags import doubt_tags, tags_after
from compliance.services.finding_facts import see_findings
from compliance.services.finish_scan import finish_scan
from compliance.services.heavy_layers import queue_heavy
from compliance.services.record_problem import Mishap, problem_columns, record_mishaps
from scanner.domain.problems import ScanProblem


def end_repository_scan(
    row: RepositoryScan, token: uuid.UUID, problem: ScanProblem | None, *, now: datetime
) -> list[WakeUp]:
    """Write the final state, and end the scan if this was its last part; return the part that it left work to.

    :raises LeaseLost: when another worker has it.
    """
    with transaction.atomic():
        _let_go(row, token, State.FAILED if problem is not None else State.DONE, now)
        if problem is not None:
            record_mishaps(row.scan_id, row.repository_id, [Mishap(row.repository.name, problem)], now=now)
            _doubt(row, problem, now)
        if row.only_tags is None:  # else nothing was learned of the repository as a whole
            _settle(row.repository_id, problem, now)
        heavy = queue_heavy(row)
    if not RepositoryScan.objects.filter(scan=row.scan_id, state__in=ACTIVE).exists():
        finish_scan(row.scan_id, now=now)
    return [] if heavy is None else [WakeUp(Work.HEAVY_REPOSITORY_SCAN, heavy)]


def _doubt(row: RepositoryScan, problem: ScanProblem, now: datetime) -> None:
    """Nobody asked for the tags after the last one that is done."""
    cursor = RepositoryScan.objects.values_list("cursor", flat=True).get(pk=row.pk)
    tags = tags_after(row.repository_id, cursor)
    doubt_tags(tags if row.only_tags is None else tags.filter(name__in=row.only_tags), problem, now=now)


def _settle(repository_id: int, problem: ScanProblem | None, now: datetime) -> None:
    repository = Repository.objects.filter(pk=repository_id)
    if problem is not None:
        repository.update(**problem_columns(problem))
        return
    repository.update(scanned_at=now, **problem_columns(None))
    snapshot_unchanged([repository_id], now=now)
    see_findings(repository_id, now=now)


def _let_go(row: RepositoryScan, token: uuid.UUID, state: State, now: datetime) -> None:
    """Fence and final state in one: the row stays locked until the transaction ends."""
    ours = RepositoryScan.objects.filter(pk=row.pk, lease_token=token)
    if ours.update(state=state, finished_at=now, not_before=None, lease_token=None, lease_until=None) != 1:
        raise LeaseLost


def put_off_repository_scan(
    row: RepositoryScan, token: uuid.UUID, problem: ScanProblem, *, now: datetime
) -> list[WakeUp]:
    """Try again later where that can help, else end it as failed; either way the repository's page says why."""
    attempts = RepositoryScan.objects.values_list("attempts", flat=True).get(pk=row.pk)
    wait = retry_in(problem, attempts, now - row.scan.requested_at)
    if wait is None:
        return end_repository_scan(row, token, problem, now=now)
    with transaction.atomic():
        RepositoryScan.objects.fence(row.pk, token)
        if row.only_tags is None:
            Repository.objects.filter(pk=row.repository_id).update(**problem_columns(problem))
        RepositoryScan.objects.filter(pk=row.pk).update(
            state=State.QUEUED,
            not_before=now + wait,
            attempts=0 if problem.code == "rate-limited" else attempts,
            lease_token=None,
            lease_until=None,
        )
    return []
