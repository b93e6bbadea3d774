"""Keep a repository's totals and today's snapshot in step with its tags, inside the caller's transaction."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from django.db import connection
from django.db.models import Avg, Count, Max, Q

from compliance.models import PolicyVersion, Registry, Repository, Tag, VerdictChoice
from compliance.models.bulk import update_rows
from compliance.policy.protected_tags import is_protected
from compliance.policy.tag_change import still_failing_since
from compliance.policy.totals import Totals

_COLUMNS = (
    *("tags_total", "passed", "failed", "unknown", "not_applicable", "score", "grade", "verdict", "failing_since"),
    "pushed_at",
)


def count_totals(
    repository: Repository, version: PolicyVersion, *, now: datetime, new: int = 0, fixed: int = 0
) -> None:
    """Count the listed tags and write repository and snapshot; the caller holds the repository's row.

    :param new: tags that began to fail since the last call.
    :param fixed: tags that stopped.
    """
    count_many([repository], version, {repository.pk: (new, fixed)}, now=now)


def count_many(
    repositories: Sequence[Repository],
    version: PolicyVersion,
    changes: Mapping[int, tuple[int, int]],
    *,
    now: datetime,
) -> None:
    """The same for several repositories, with as many queries as for one.

    :param changes: tags that began to fail and tags that stopped, by repository.
    """
    counts = _counts(repositories)
    protected = _with_failing_protected_tag(repositories)
    snapshots = []
    for row in repositories:
        totals, row.pushed_at = _totals(counts.get(row.pk), protected_fails=row.pk in protected)
        row.tags_total, row.score, row.grade, row.verdict = totals.tags, totals.score, totals.grade, totals.verdict
        row.passed, row.failed = totals.passed, totals.failed
        row.unknown, row.not_applicable = totals.unknown, totals.not_applicable
        row.failing_since = still_failing_since(row.failing_since, totals.verdict, now)
        snapshots.append(_snapshot(row, version, totals, changes.get(row.pk, (0, 0))))
    update_rows(repositories, _COLUMNS)
    _write_snapshots(snapshots, now.astimezone(UTC).date())


def _counts(repositories: Sequence[Repository]) -> dict[int, dict[str, Any]]:
    counts = {f"n_{verdict.value}": Count("pk", filter=Q(verdict=verdict)) for verdict in VerdictChoice}
    tags = Tag.objects.listed().filter(repository__in=[row.pk for row in repositories]).order_by()
    rows = tags.values("repository_id").annotate(**counts, mean=Avg("score"), pushed=Max("moved_at"))
    return {row["repository_id"]: dict(row) for row in rows}


def _totals(found: Mapping[str, Any] | None, *, protected_fails: bool) -> tuple[Totals, datetime | None]:
    if found is None:
        return Totals(0, 0, 0, 0, None), None
    mean: float | None = found["mean"]
    score = None if mean is None else round(Decimal(mean), 1)
    passed, failed, unknown = found["n_pass"], found["n_fail"], found["n_unknown"]
    return Totals(passed, failed, unknown, found["n_not_applicable"], score, protected_fails), found["pushed"]


def _with_failing_protected_tag(repositories: Sequence[Repository]) -> set[int]:
    homes = {row.registry_id for row in repositories}
    patterns = dict(Registry.objects.filter(pk__in=homes).values_list("pk", "protected_tags"))
    of = {row.pk: patterns[row.registry_id] for row in repositories if patterns[row.registry_id]}
    if not of:
        return set()
    failing = Tag.objects.listed().filter(repository__in=of, verdict=VerdictChoice.FAIL).order_by()
    names = failing.values_list("repository_id", "name").iterator()
    return {repository for repository, name in names if is_protected(name, of[repository])}


# One statement, so that the first batch of a day needs no second one. A closed row stays as it is: the trigger would
# refuse the update and with it the whole batch. Who looked at the clock before midnight and writes after the day was
# closed writes into the day that is open: what began or stopped to fail must not be lost.
_UPSERT = """
INSERT INTO compliance_dailysnapshot AS s
    (repository_id, day, policy_version_id, evaluated, passed, failed, unknown, not_applicable,
     new, fixed, score, closed)
SELECT repository_id, GREATEST(%(day)s::date, closed.day + 1), policy_version_id, evaluated, passed, failed, unknown,
    not_applicable, new, fixed, score, false
FROM jsonb_to_recordset(%(rows)s::jsonb) AS n(repository_id bigint, policy_version_id bigint, evaluated int,
    passed int, failed int, unknown int, not_applicable int, new int, fixed int, score numeric)
LEFT JOIN LATERAL (
    SELECT c.day FROM compliance_dailysnapshot c WHERE c.repository_id = n.repository_id AND c.closed
    ORDER BY c.day DESC LIMIT 1
) closed ON true
ON CONFLICT (repository_id, day) DO UPDATE SET
    policy_version_id = excluded.policy_version_id, evaluated = excluded.evaluated, passed = excluded.passed,
    failed = excluded.failed, unknown = excluded.unknown, not_applicable = excluded.not_applicable,
    new = s.new + excluded.new, fixed = s.fixed + excluded.fixed, score = excluded.score
WHERE NOT s.closed
RETURNING repository_id
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


def _snapshot(
    repository: Repository, version: PolicyVersion, totals: Totals, changes: tuple[int, int]
) -> dict[str, int | str | None]:
    return {
        "repository_id": repository.pk,
        "policy_version_id": version.pk,
        "evaluated": totals.evaluated,
        "passed": totals.passed,
        "failed": totals.failed,
        "unknown": totals.unknown,
        "not_applicable": totals.not_applicable,
        "new": changes[0],
        "fixed": changes[1],
        "score": None if totals.score is None else str(totals.score),
    }


def _write_snapshots(snapshots: Sequence[Mapping[str, int | str | None]], day: date) -> None:
    left = list(snapshots)
    with connection.cursor() as cursor:
        while left:  # again for those whose day was closed between our look at it and our write
            cursor.execute(_UPSERT, {"day": day, "rows": json.dumps(left)})
            written = {repository for (repository,) in cursor.fetchall()}
            left = [row for row in left if row["repository_id"] not in written]
