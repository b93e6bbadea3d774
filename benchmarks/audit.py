"""What the audit trail costs, and how fast it is sealed and verified: `python -m benchmarks.audit [FINDINGS]`.

Budgets: what writes many findings at once takes at most twice as long as without its triggers; 5,000 rows a second are
sealed. Each comparison is made in the same run, on the same rows.
"""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable

from benchmarks.support.database import prepared_database

_SLOWER = 2.0
_SEALED_A_SECOND = 5_000
_ROUNDS = 3


def main(findings: int) -> int:
    """Fill, measure, print; 1 where a budget is missed."""
    with prepared_database():
        _fill(findings)
        works: dict[str, Callable[[int], None]] = {
            "a person assigns all of them": _assign,
            "a scan says that they are fixed, and that they are back": _flip,
            "one plain UPDATE of their status": _update,
        }
        told = {name: _compare(work) for name, work in works.items()}
        waiting = _waiting()
        sealing, verifying = _seconds(_seal), _seconds(_verify)
    for name, (without, with_trail) in told.items():
        print(f"{findings} findings, {name}: {with_trail:.2f} s, without the trail {without:.2f} s; "
              f"ratio {with_trail / without:.2f}")  # fmt: skip
    print(f"sealed: {waiting} rows in {sealing:.2f} s: {waiting / sealing:.0f} a second (budget {_SEALED_A_SECOND})")
    print(f"verified: {waiting} rows in {verifying:.2f} s: {waiting / verifying:.0f} a second")
    first_two = list(told.values())[:2]
    slow = any(with_trail > _SLOWER * without for without, with_trail in first_two)
    return int(slow or waiting / sealing < _SEALED_A_SECOND)


def _compare(work: Callable[[int], None]) -> tuple[float, float]:
    """Seconds without and with the triggers, in turns."""
    without, with_trail = [], []
    for number in range(_ROUNDS):
        _triggers("DISABLE")
        without.append(_seconds(work, 2 * number))
        _triggers("ENABLE")
        with_trail.append(_seconds(work, 2 * number + 1))
    return statistics.median(without), statistics.median(with_trail)


def _seconds(work: Callable[..., None], *arguments: int) -> float:
    began = time.perf_counter()
    work(*arguments)
    return time.perf_counter() - began


def _triggers(how: str) -> None:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(f"ALTER TABLE compliance_finding {how} TRIGGER USER")


def _fill(findings: int) -> None:
    from django.db import connection

    from tests.support import remediation, rows

    repository = rows.fleet(1).repositories[0]
    remediation.findings(remediation.finding_row(repository, subject=f"user-{n}") for n in range(findings))
    for name in ("boss", "ann", "bob"):
        rows.user(name, staff=True)
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")


def _assign(number: int) -> None:
    from compliance.models import Finding, User
    from compliance.remediation.change import Assign
    from compliance.services.change_findings import change_findings
    from tests.support.rows import NOW

    boss = User.objects.get(username="boss")
    to = User.objects.get(username=("ann", "bob")[number % 2])
    change_findings(Finding.objects.all(), Assign(to.pk), by=boss, now=NOW)


def _flip(number: int) -> None:
    """As the reconciliation writes: the rows, their spans and their timelines."""
    from django.db import transaction

    from compliance.models import Finding, FindingEvent, FindingSpan
    from tests.support.rows import NOW

    fixed = number % 2 == 0
    with transaction.atomic():
        rows = list(Finding.objects.all())
        for row in rows:
            row.status, row.closed_at = ("fixed", NOW) if fixed else ("regressed", None)
            row.resolution = "proved" if fixed else ""
        Finding.objects.bulk_update(rows, ["status", "closed_at", "resolution"], batch_size=1_000)
        FindingSpan.objects.update(closed_at=NOW if fixed else None)
        FindingEvent.objects.bulk_create(
            [FindingEvent(finding=row, at=NOW, kind="status", became=row.status) for row in rows], batch_size=1_000
        )


def _update(number: int) -> None:
    from compliance.models import Finding

    Finding.objects.update(status=("open", "in_progress")[number % 2], closed_at=None)


def _waiting() -> int:
    from compliance.models import AuditEvent

    return AuditEvent.objects.filter(number=None).count()


def _seal() -> None:
    from django.utils import timezone

    from compliance.services.seal_audit import seal_audit

    while _waiting():
        seal_audit(timezone.now())


def _verify() -> None:
    from compliance.services.verify_audit import verify_audit

    found = verify_audit()
    assert not found.problems, found.problems


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 10_000))
