"""End one repository's part of a scan, or put it off."""

from __future__ import annotations

import uuid
from datetime import datetime

from django.db import transaction

from compliance.models import ACTIVE, LeaseLost, Repository, RepositoryScan, State
from compliance.policy.retry import retry_in
from compliance.services.count_totals import snapshot_unchanged
from compliance.services.doubt_tags import doubt_tags, tags_after
from compliance.services.finish_scan import finish_scan
from compliance.services.record_problem import Mishap, problem_columns, record_mishaps
from scanner.domain.problems import ScanProblem


def end_repository_scan(row: RepositoryScan, token: uuid.UUID, problem: ScanProblem | None, *, now: datetime) -> None:
    """Write the final state, and end the scan if this was its last part.

    :raises LeaseLost: when another worker has it.
    """
    with transaction.atomic():
        _let_go(row, token, State.FAILED if problem is not None else State.DONE, now)
        if problem is not None:
            record_mishaps(row.scan_id, row.repository_id, [Mishap(row.repository.name, problem)], now=now)
        told = problem_columns(problem)
        if problem is None:
            Repository.objects.filter(pk=row.repository_id).update(scanned_at=now, **told)
            rows = Repository.objects.filter(pk=row.repository_id)
            version = rows.values_list("policy__current", flat=True).get()
            if version is not None:
                snapshot_unchanged(row.repository_id, version, now=now)
        else:
            Repository.objects.filter(pk=row.repository_id).update(**told)
            cursor = RepositoryScan.objects.values_list("cursor", flat=True).get(pk=row.pk)
            doubt_tags(tags_after(row.repository_id, cursor), problem, now=now)
    if not RepositoryScan.objects.filter(scan=row.scan_id, state__in=ACTIVE).exists():
        finish_scan(row.scan_id, now=now)


def _let_go(row: RepositoryScan, token: uuid.UUID, state: State, now: datetime) -> None:
    """Fence and final state in one: the row stays locked until the transaction ends."""
    ours = RepositoryScan.objects.filter(pk=row.pk, lease_token=token)
    if ours.update(state=state, finished_at=now, not_before=None, lease_token=None, lease_until=None) != 1:
        raise LeaseLost


def put_off_repository_scan(row: RepositoryScan, token: uuid.UUID, problem: ScanProblem, *, now: datetime) -> None:
    """Try again later where that can help, else end it as failed; either way the repository's page says why."""
    attempts = RepositoryScan.objects.values_list("attempts", flat=True).get(pk=row.pk)
    wait = retry_in(problem, attempts, now - row.scan.requested_at)
    if wait is None:
        end_repository_scan(row, token, problem, now=now)
        return
    with transaction.atomic():
        RepositoryScan.objects.fence(row.pk, token)
        Repository.objects.filter(pk=row.repository_id).update(**problem_columns(problem))
        RepositoryScan.objects.filter(pk=row.pk).update(
            state=State.QUEUED,
            not_before=now + wait,
            attempts=0 if problem.code == "rate-limited" else attempts,
            lease_token=None,
            lease_until=None,
        )
