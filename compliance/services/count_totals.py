"""Keep a repository's totals and today's snapshot in step with its tags, inside the caller's transaction."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from django.db import connection
from django.db.models import Avg, Count, Max, Q

from compliance.models import Finding, PolicyVersion, Registry, Repository, ShownChoice, Tag
from compliance.models.bulk import update_rows
from compliance.policy.protected_tags import patterns_regex
from compliance.policy.tag_change import still_failing_since
from compliance.policy.totals import Shown, Totals
from compliance.remediation.status import TO_DO
from scanner.domain.verdict import Verdict

_COLUMNS = (
    *("tags_total", "passed", "failed", "unknown", "waived", "not_applicable", "score", "grade", "verdict"),
    *("failed_protected", "failing_since", "pushed_at"),
)
_JUDGED = Q(shown__in=(ShownChoice.PASS, ShownChoice.FAIL))


@dataclass(frozen=True, slots=True)
class Turns:
    """Tags of a repository that began to fail, those that stopped, and of the first those that had passed before."""

    new: int = 0
    fixed: int = 0
    regressed: int = 0


_NONE = Turns()


def count_totals(repository: Repository, version: PolicyVersion, *, now: datetime, turns: Turns | None = None) -> None:
    """Count the listed tags and write repository and snapshot; the caller holds the repository's row.

    :param turns: since the last call.
    """
    count_many([repository], version, {repository.pk: turns} if turns else {}, now=now)


def count_many(
    repositories: Sequence[Repository],
    version: PolicyVersion,
    turns: Mapping[int, Turns],
    *,
    now: datetime,
) -> None:
    """The same for several repositories, with as many queries as for one.

    :param turns: by repository.
    """
    counts = _counts(repositories)
    overdue = _overdue(repositories, now)
    protected = failing_protected_tags(repositories)
    snapshots = []
    for row in repositories:
        totals, row.pushed_at = _totals(counts.get(row.pk), protected_fails=row.pk in protected)
        row.tags_total, row.score, row.grade, row.verdict = totals.tags, totals.score, totals.grade, totals.shown
        row.passed, row.failed, row.waived = totals.passed, totals.failed, totals.waived
        row.unknown, row.not_applicable = totals.unknown, totals.not_applicable
        row.failed_protected = protected.get(row.pk, 0)
        row.failing_since = _failing_since(row.failing_since, totals.shown, now)
        snapshot = _snapshot(row, version, totals, turns.get(row.pk, _NONE))
        snapshots.append({**snapshot, "overdue": overdue.get(row.pk, 0)})
    update_rows(repositories, _COLUMNS)
    _write_snapshots(snapshots, now.astimezone(UTC).date())


def _counts(repositories: Sequence[Repository]) -> dict[int, dict[str, Any]]:
    counts = {f"n_{shown.value}": Count("pk", filter=Q(shown=shown)) for shown in ShownChoice}
    tags = Tag.objects.listed().filter(repository__in=[row.pk for row in repositories]).order_by()
    rows = tags.values("repository_id").annotate(**counts, mean=Avg("score", filter=_JUDGED), pushed=Max("moved_at"))
    return {row["repository_id"]: dict(row) for row in rows}


def _totals(found: Mapping[str, Any] | None, *, protected_fails: bool) -> tuple[Totals, datetime | None]:
    if found is None:
        return Totals(0, 0, 0, 0, None), None
    mean: float | None = found["mean"]
    score = None if mean is None else round(Decimal(mean), 1)
    passed, failed, unknown = found["n_pass"], found["n_fail"], found["n_unknown"]
    waived = found["n_waived"]
    totals = Totals(passed, failed, unknown, found["n_not_applicable"], score, protected_fails, waived)
    return totals, found["pushed"]


def _overdue(repositories: Sequence[Repository], now: datetime) -> dict[int, int]:
    late = Finding.objects.to_do().filter(repository__in=[row.pk for row in repositories], due_at__lt=now).order_by()
    return dict(late.values_list("repository_id").annotate(Count("pk")))


def _failing_since(since: datetime | None, shown: Shown, now: datetime) -> datetime | None:
    """What is waived does not fail: when that ends, it begins to fail anew."""
    return still_failing_since(since, Verdict.PASS if shown is Shown.WAIVED else Verdict(shown), now)


def failing_protected_tags(repositories: Iterable[Repository]) -> dict[int, int]:
    """How many of the tags that fail are protected, by repository; those without one are left out."""
    homes: dict[int, list[int]] = {}
    for row in repositories:
        homes.setdefault(row.registry_id, []).append(row.pk)
    found: dict[int, int] = {}
    for registry in Registry.objects.filter(pk__in=homes).exclude(protected_tags=[]).only("protected_tags"):
        failing = Tag.objects.listed().filter(repository__in=homes[registry.pk], shown=ShownChoice.FAIL).order_by()
        protected = failing.filter(name__regex=patterns_regex(registry.protected_tags))
        found |= dict(protected.values_list("repository_id").annotate(Count("pk")))
    return found


# One statement, so that the first batch of a day needs no second one. A closed row stays as it is: the trigger would
# refuse the update and with it the whole batch. Who looked at the clock before midnight and writes after the day was
# closed writes into the day that is open: what began or stopped to fail must not be lost.
_UPSERT = """
INSERT INTO compliance_dailysnapshot AS s
    (repository_id, day, policy_version_id, evaluated, passed, failed, unknown, waived, not_applicable,
     new, fixed, regressed, overdue, failed_protected, score, closed)
SELECT repository_id, GREATEST(%(day)s::date, closed.day + 1), policy_version_id, evaluated, passed, failed, unknown,
    waived, not_applicable, new, fixed, regressed, overdue, failed_protected, score, false
FROM jsonb_to_recordset(%(rows)s::jsonb) AS n(repository_id bigint, policy_version_id bigint, evaluated int,
    passed int, failed int, unknown int, waived int, not_applicable int, new int, fixed int, regressed int,
    overdue int, failed_protected int, score numeric)
LEFT JOIN LATERAL (
    SELECT c.day FROM compliance_dailysnapshot c WHERE c.repository_id = n.repository_id AND c.closed
    ORDER BY c.day DESC LIMIT 1
) closed ON true
ON CONFLICT (repository_id, day) DO UPDATE SET
    policy_version_id = excluded.policy_version_id, evaluated = excluded.evaluated, passed = excluded.passed,
    failed = excluded.failed, unknown = excluded.unknown, waived = excluded.waived,
    not_applicable = excluded.not_applicable, new = s.new + excluded.new, fixed = s.fixed + excluded.fixed,
    regressed = s.regressed + excluded.regressed, overdue = excluded.overdue,
    failed_protected = excluded.failed_protected, score = excluded.score
WHERE NOT s.closed
RETURNING repository_id
"""


_CARRY = """
INSERT INTO compliance_dailysnapshot AS s
    (repository_id, day, policy_version_id, evaluated, passed, failed, unknown, waived, not_applicable,
     new, fixed, regressed, overdue, failed_protected, score, closed)
SELECT r.id, %(day)s, p.current_id, passed + failed + unknown + waived, passed, failed, unknown, waived, not_applicable,
    0, 0, 0, (SELECT count(*) FROM compliance_finding f WHERE f.repository_id = r.id AND f.due_at < %(now)s
        AND f.status = ANY(%(to_do)s)), r.failed_protected, score, false
FROM compliance_repository r JOIN compliance_policy p ON p.id = r.policy_id
WHERE r.id = ANY(%(repositories)s) AND p.current_id IS NOT NULL
ON CONFLICT (repository_id, day) DO UPDATE SET failed_protected = excluded.failed_protected
WHERE NOT s.closed AND s.failed_protected IS DISTINCT FROM excluded.failed_protected
"""


def snapshot_unchanged(repository_ids: Sequence[int], *, now: datetime) -> None:
    """Give today its row where no tag was judged anew, so that no trend ends, or dips, before today.

    Of a row that there is, the failing protected tags alone are written: other patterns protect others.
    """
    with connection.cursor() as cursor:
        day = now.astimezone(UTC).date()
        to_do = sorted(status.value for status in TO_DO)
        cursor.execute(_CARRY, {"day": day, "repositories": list(repository_ids), "now": now, "to_do": to_do})


def _snapshot(
    repository: Repository, version: PolicyVersion, totals: Totals, turns: Turns
) -> dict[str, int | str | None]:
    return {
        "repository_id": repository.pk,
        "policy_version_id": version.pk,
        "evaluated": totals.evaluated,
        "passed": totals.passed,
        "failed": totals.failed,
        "unknown": totals.unknown,
        "waived": totals.waived,
        "not_applicable": totals.not_applicable,
        "new": turns.new,
        "fixed": turns.fixed,
        "regressed": turns.regressed,
        "failed_protected": repository.failed_protected,
        "score": None if totals.score is None else str(totals.score),
    }


def _write_snapshots(snapshots: Sequence[Mapping[str, int | str | None]], day: date) -> None:
    left = list(snapshots)
    with connection.cursor() as cursor:
        while left:  # again for those whose day was closed between our look at it and our write
            cursor.execute(_UPSERT, {"day": day, "rows": json.dumps(left)})
            written = {repository for (repository,) in cursor.fetchall()}
            left = [row for row in left if row["repository_id"] not in written]
