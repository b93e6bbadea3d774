"""Hold a repository to "nothing new": what is there now is known, and has no due date."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from compliance.access import may_set_baseline
from compliance.models import AuditAction, Finding, FindingEvent, Repository, User
from compliance.remediation.status import Status
from compliance.services.record_audit import audit
from compliance.services.write_findings import (
    Changer,
    NotAllowed,
    Said,
    due_of,
    lock_findings,
    sla_terms,
    write_changes,
)


def set_baseline(repository_id: int, *, by: User, now: datetime) -> int:
    """Make everything that is not fixed part of the baseline; return how many findings joined it.

    A due date that a person set stays: it is a promise of somebody's.

    :raises NotAllowed: when the person may not.
    """
    with transaction.atomic():
        row = _locked(repository_id, by)
        row.baseline_at, row.baseline_by = now, by
        row.save(update_fields=["baseline_at", "baseline_by"])
        return _told(row, _write(row, True, by, now), "set", by, now)


def clear_baseline(repository_id: int, *, by: User, now: datetime) -> int:
    """End it; what was part of it is due by the terms, counted from when it was found. Return how many left it.

    The terms do not begin again: clearing a baseline must not be a way to more time.

    :raises NotAllowed: when the person may not.
    """
    with transaction.atomic():
        row = _locked(repository_id, by)
        row.baseline_at = row.baseline_by = None
        row.save(update_fields=["baseline_at", "baseline_by"])
        return _told(row, _write(row, False, by, now), "cleared", by, now)


def _locked(repository_id: int, by: User) -> Repository:
    row = Repository.objects.select_for_update().get(pk=repository_id)
    if not may_set_baseline(by.actor, row.team_id):
        raise NotAllowed
    return row


def _told(row: Repository, count: int, what: str, by: User, now: datetime) -> int:
    """Write it down also where there is no finding whose history would show it."""
    audit(AuditAction.CHANGED, row, by=by, now=now, details={"baseline": what, "findings": count})
    return count


def _write(repository: Repository, member: bool, by: User, now: datetime) -> int:
    findings = Finding.objects.filter(repository=repository).exclude(status=Status.FIXED, baseline=False)
    return len(write_changes(lock_findings(findings), _changer(member), None, by=by, now=now))


def _changer(member: bool) -> Changer:
    terms = sla_terms()

    def change(row: Finding) -> Said | None:
        wanted = member and row.status != Status.FIXED
        if row.baseline == wanted:
            return None
        row.baseline = wanted
        if not row.due_edited and row.status != Status.FIXED:
            row.due_at = due_of(row, terms)
        return Said(FindingEvent.Kind.BASELINE, became="set" if wanted else "")

    return change
