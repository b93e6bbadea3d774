"""Keep a repository's totals and today's snapshot in step with its tags, inside the caller's transaction."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal

from django.db import connection
from django.db.models import Avg, Count, Max, Q

from compliance.models import PolicyVersion, Registry, Repository, Tag, VerdictChoice
from compliance.policy.protected_tags import is_protected
from compliance.policy.tag_change import still_failing_since
from compliance.policy.totals import Totals


def count_totals(
    repository: Repository, version: PolicyVersion, *, now: datetime, new: int = 0, fixed: int = 0
) -> None:
    """Count the listed tags and write repository and snapshot; the caller holds the repository's row.

    :param new: tags that began to fail since the last call.
    :param fixed: tags that stopped.
    """
    totals, pushed_at = _count(repository)
    verdict = totals.verdict
    failing_since = still_failing_since(repository.failing_since, verdict, now)
    Repository.objects.filter(pk=repository.pk).update(
        tags_total=totals.tags,
        passed=totals.passed,
        failed=totals.failed,
        unknown=totals.unknown,
        not_applicable=totals.not_applicable,
        score=totals.score,
        grade=totals.grade,
        verdict=verdict,
        failing_since=failing_since,
        pushed_at=pushed_at,
    )
    repository.failing_since = failing_since
    _write_snapshot(repository, version, totals, now.astimezone(UTC).date(), (new, fixed))


def _count(repository: Repository) -> tuple[Totals, datetime | None]:
    counts = {f"n_{verdict.value}": Count("pk", filter=Q(verdict=verdict)) for verdict in VerdictChoice}
    found = (
        Tag.objects.listed()
        .filter(repository=repository)
        .aggregate(**counts, mean=Avg("score"), pushed_at=Max("moved_at"))
    )
    mean: float | None = found["mean"]
    return (
        Totals(
            passed=found["n_pass"],
            failed=found["n_fail"],
            unknown=found["n_unknown"],
            not_applicable=found["n_not_applicable"],
            score=None if mean is None else round(Decimal(mean), 1),
            protected_fails=bool(found["n_fail"]) and _protected_fails(repository),
        ),
        found["pushed_at"],
    )


def _protected_fails(repository: Repository) -> bool:
    patterns = Registry.objects.values_list("protected_tags", flat=True).get(pk=repository.registry_id)
    if not patterns:
        return False
    failing = Tag.objects.listed().filter(repository=repository, verdict=VerdictChoice.FAIL).order_by()
    return any(is_protected(name, patterns) for name in failing.values_list("name", flat=True).iterator())


# One statement, so that the first batch of a day needs no second one. A closed row stays as it is: the trigger would
# refuse the update and with it the whole batch. Who looked at the clock before midnight and writes after the day was
# closed writes into the day that is open: what began or stopped to fail must not be lost.
_UPSERT = """
INSERT INTO compliance_dailysnapshot AS s
    (repository_id, day, policy_version_id, evaluated, passed, failed, unknown, not_applicable,
     new, fixed, score, closed)
SELECT %(repository)s, GREATEST(%(day)s::date, max(day) + 1), %(version)s, %(evaluated)s, %(passed)s, %(failed)s,
    %(unknown)s, %(not_applicable)s, %(new)s, %(fixed)s, %(score)s, false
FROM compliance_dailysnapshot WHERE repository_id = %(repository)s AND closed
ON CONFLICT (repository_id, day) DO UPDATE SET
    policy_version_id = excluded.policy_version_id, evaluated = excluded.evaluated, passed = excluded.passed,
    failed = excluded.failed, unknown = excluded.unknown, not_applicable = excluded.not_applicable,
    new = s.new + excluded.new, fixed = s.fixed + excluded.fixed, score = excluded.score
WHERE NOT s.closed
"""


_CARRY = """
INSERT INTO compliance_dailysnapshot
    (repository_id, day, policy_version_id, evaluated, passed, failed, unknown, not_applicable,
     new, fixed, score, closed)
SELECT id, %s, %s, passed + failed + unknown, passed, failed, unknown, not_applicable, 0, 0, score, false
FROM compliance_repository WHERE id = %s
ON CONFLICT (repository_id, day) DO NOTHING
"""


def snapshot_unchanged(repository_id: int, version_id: int, *, now: datetime) -> None:
    """Give today its row where a scan found nothing to change, so that no trend ends, or dips, before today."""
    with connection.cursor() as cursor:
        cursor.execute(_CARRY, [now.astimezone(UTC).date(), version_id, repository_id])


def _write_snapshot(
    repository: Repository, version: PolicyVersion, totals: Totals, day: date, changes: tuple[int, int]
) -> None:
    values: dict[str, int | date | Decimal | None] = {
        "repository": repository.pk,
        "day": day,
        "version": version.pk,
        "evaluated": totals.evaluated,
        "passed": totals.passed,
        "failed": totals.failed,
        "unknown": totals.unknown,
        "not_applicable": totals.not_applicable,
        "new": changes[0],
        "fixed": changes[1],
        "score": totals.score,
    }
    with connection.cursor() as cursor:
        cursor.execute(_UPSERT, values)
        while cursor.rowcount == 0:  # the day was closed between our look at it and our write
            cursor.execute(_UPSERT, values)
