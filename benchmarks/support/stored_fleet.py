"""A fleet as rows, without a scan: whole tables from a few judged images, made by Postgres itself."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection

from compliance.models import PolicyVersion, Registry
from compliance.services.judge_images import evaluate
from tests.support import rows
from tests.support.facts import facts, remapped

REGISTRIES = 4
_WRITTEN = re.compile(r"(?:INSERT INTO|UPDATE) (compliance_\w+)")

# Of each hundred images so many are copies of each pattern; the rest are rare on purpose.
_SHARES = (60, 95, 97, 99, 100)

DICE = """
CREATE OR REPLACE FUNCTION pg_temp.dice(n bigint, throw bigint, sides int) RETURNS int LANGUAGE sql IMMUTABLE AS $$
    SELECT (hashint8extended(n, throw) & 2147483647)::int % sides
$$
"""
"""The same numbers in every run, without an order in which they have to be asked for."""

_IMAGES = """
INSERT INTO compliance_image (digest, config_digest, platform, artifact, facts, size, built_at, first_seen_at,
    declared_user, uid, gid, runs_as, identity, outline_id, outline_revision, problem_code, problem_message,
    problem_remedy, problem_allowed, facts_schema)
SELECT 'sha256:' || encode(sha256(n::text::bytea), 'hex'), config_digest, platform, artifact, facts, size, built_at,
    first_seen_at, declared_user, uid, gid, runs_as, identity, outline_id, outline_revision, problem_code,
    problem_message, problem_remedy, problem_allowed, facts_schema
FROM generate_series(0, %(images)s - 1) n
JOIN compliance_image ON id = (%(patterns)s::bigint[])[1 + width_bucket(n %% 100, %(shares)s::int[])]
"""

# Two thirds in the first registry; every tenth under another policy.
_REPOSITORIES = """
INSERT INTO compliance_repository (registry_id, policy_id, judged_by_id, name, first_seen_at, scanned_at, tags_total,
    passed, failed, unknown, not_applicable, grade, verdict, problem_code, problem_message, problem_remedy)
SELECT (%(registries)s::bigint[])[greatest(1, pg_temp.dice(n, 1, 12) - 7)],
    (%(policies)s::bigint[])[1 + (n %% 10 = 0)::int], (%(versions)s::bigint[])[1 + (n %% 10 = 0)::int],
    'team' || floor(%(teams)s * power(pg_temp.dice(n, 2, 10000) / 10000.0, 1.5)) || '/service' || n,
    %(now)s - interval '2 years', %(now)s - pg_temp.dice(n, 3, 1440) * interval '1 minute', 0, 0, 0, 0, 0, '', '', '',
    '', ''
FROM generate_series(1, %(repositories)s) n
"""

# A prime between neighbors, so that the tags of a repository are not all of one pattern; written together, as scans do.
_TAGS = """
INSERT INTO compliance_tag (repository_id, name, digest, image_id, verdict, excused_as, score, runs_as, platforms,
    violated, size, first_seen_at, moved_at, judged_at, judged_by_id, failing_since, problem_code, problem_message,
    problem_remedy)
SELECT r.id, 'v1.' || t, i.digest, i.id, e.verdict,
    CASE WHEN e.verdict = 'fail' AND t %% 20 = 3 THEN 'waived' ELSE '' END, e.score, i.runs_as,
    jsonb_build_array(jsonb_build_object('platform', i.platform, 'digest', i.digest, 'verdict', e.verdict,
        'runs_as', i.runs_as)),
    e.violated, i.size, %(now)s - age.days * interval '1 day' - interval '60 days',
    %(now)s - age.days * interval '1 day', %(now)s - interval '1 hour', r.judged_by_id,
    CASE WHEN e.verdict = 'fail' THEN %(now)s - age.days * interval '1 day' END,
    i.problem_code, i.problem_message, i.problem_remedy
FROM compliance_repository r
CROSS JOIN generate_series(1, %(tags)s) t
CROSS JOIN LATERAL (SELECT power(pg_temp.dice(r.id * 1000 + t, 4, 10000) / 10000.0, 2) * 670 AS days) age
JOIN compliance_image i
    ON i.digest = 'sha256:' || encode(sha256((((r.id * %(tags)s + t) * 7919) %% %(images)s)::text::bytea), 'hex')
JOIN compliance_evaluation e ON e.outline_id = i.outline_id AND e.policy_version_id = r.judged_by_id
ORDER BY r.id, t
"""

# Each tag came, and half of them moved since; oldest first, as they happen.
_CHANGES = """
INSERT INTO compliance_tagchange (repository_id, tag_id, kind, at, from_digest, to_digest, was, became)
SELECT * FROM (
    SELECT repository_id, id, 'created', first_seen_at AS at, '', digest, '',
        CASE WHEN id %% 3 = 0 THEN 'pass' ELSE verdict END
    FROM compliance_tag
    UNION ALL SELECT repository_id, id, 'moved', moved_at, digest, digest, CASE WHEN id %% 3 = 0 THEN 'pass'
        ELSE verdict END, verdict
    FROM compliance_tag WHERE id %% 2 = 0
) change ORDER BY at
"""

_TOTALS = """
UPDATE compliance_repository r SET tags_total = c.n, passed = c.passed, failed = c.failed,
    failed_protected = c.failed / 20, unknown = c.unknown, waived = c.waived, not_applicable = c.idle, score = c.score,
    grade = substr('ABCDF', 1 + pg_temp.dice(r.id, 5, 5), 1),
    verdict = CASE WHEN c.failed > 0 THEN 'fail' WHEN c.unknown > 0 THEN 'unknown' ELSE 'pass' END,
    failing_since = c.since, pushed_at = c.pushed
FROM (
    SELECT repository_id, count(*) n, count(*) FILTER (WHERE shown = 'pass') passed,
        count(*) FILTER (WHERE shown = 'fail') failed, count(*) FILTER (WHERE shown = 'unknown') unknown,
        count(*) FILTER (WHERE shown = 'waived') waived, count(*) FILTER (WHERE shown = 'not_applicable') idle,
        round(avg(score), 1) score, min(failing_since) since, max(moved_at) pushed
    FROM compliance_tag GROUP BY repository_id
) c WHERE c.repository_id = r.id
"""

# Day by day, as they are written; the rules changed a year ago.
_SNAPSHOTS = """
INSERT INTO compliance_dailysnapshot (repository_id, day, policy_version_id, evaluated, passed, failed, unknown, waived,
    not_applicable, new, fixed, regressed, overdue, failed_protected, score, closed)
SELECT r.id, %(now)s::date - back, CASE WHEN back > %(days)s / 2 THEN %(version_before)s ELSE r.judged_by_id END,
    r.passed + r.failed + r.unknown + r.waived, r.passed - moved.n, r.failed + moved.n, r.unknown, r.waived,
    r.not_applicable, (moved.n > 0)::int, (moved.n = 0 AND back %% 9 = 0)::int, (moved.n > 3)::int,
    pg_temp.dice(r.id + back, 7, 4), r.failed_protected, r.score, back > 0
FROM generate_series(%(days)s - 1, 0, -1) back
CROSS JOIN LATERAL (SELECT * FROM compliance_repository WHERE back >= 0 ORDER BY id OFFSET 0) r
CROSS JOIN LATERAL (SELECT least(r.passed, pg_temp.dice(r.id * 1000 + back / 7, 6, 6)) AS n) moved
"""

# What a trigger does where days are closed one by one.
_CLOSED = """
INSERT INTO compliance_fleetday (day, registry_id, policy_version_id, evaluated, passed, failed, unknown, waived, new,
    fixed, regressed, overdue, failed_protected, scored, score_sum)
SELECT day, r.registry_id, s.policy_version_id, sum(s.evaluated), sum(s.passed), sum(s.failed), sum(s.unknown),
    sum(s.waived), sum(s.new), sum(s.fixed), sum(s.regressed), sum(s.overdue),
    sum(s.failed_protected), count(s.score), COALESCE(sum(s.score), 0)
FROM compliance_dailysnapshot s JOIN compliance_repository r ON r.id = s.repository_id
WHERE s.closed GROUP BY 1, 2, 3
"""


@dataclass(frozen=True, slots=True)
class Size:
    """How much there is; ``tags`` and ``findings`` are those of each repository."""

    repositories: int = 10_000
    tags: int = 100
    days: int = 730
    findings: int = 20
    teams: int = 200

    def __str__(self) -> str:
        return (
            f"{self.repositories:,} repositories, {self.repositories * self.tags:,} tags, "
            f"{self.repositories * self.days:,} snapshots, {self.repositories * self.findings:,} findings, "
            f"{self.teams:,} teams"
        )


def fill_fleet(size: Size, *, now: datetime) -> None:
    """Write repositories, tags, what happened to them, and snapshots; every fifth tag has an image of its own."""
    version, strict = rows.policy_version(), rows.policy_version("strict")
    homes = [rows.registry(f"Bench {at}" if at else "Bench") for at in range(REGISTRIES)]
    patterns = _patterns(strict, now)
    before = PolicyVersion.objects.create(
        policy=version.policy, number=version.number + 1, document=version.document, created_at=now
    )
    Registry.objects.update(created_at=now, reached_at=now)
    values: dict[str, Any] = {
        "registries": [home.pk for home in homes],
        "policies": [version.policy_id, strict.policy_id],
        "versions": [version.pk, strict.pk],
        "version_before": before.pk,
        "patterns": patterns,
        "shares": list(_SHARES[:-1]),
        "repositories": size.repositories,
        "tags": size.tags,
        "images": max(1, size.repositories * size.tags // 5),
        "days": size.days,
        "teams": size.teams,
        "now": now,
    }
    execute((_IMAGES, _REPOSITORIES, _TAGS, _CHANGES, _TOTALS, _SNAPSHOTS, _CLOSED), values)


def _patterns(strict: PolicyVersion, now: datetime) -> list[int]:
    found = (
        rows.image(facts("1001:1001"), 901),
        rows.image(facts(""), 902),
        rows.image(remapped(), 903),
        rows.unreadable(904),
        rows.artifact(905),
    )
    evaluate(strict, now=now)
    return [row.pk for row in found]


def execute(statements: tuple[str, ...], values: dict[str, Any]) -> None:
    """Run them one after the other, each with the statistics of what the one before wrote."""
    with connection.cursor() as cursor:
        cursor.execute(DICE)
        for statement in statements:
            cursor.execute(statement, values)
            for table in _WRITTEN.findall(statement):
                cursor.execute(f"ANALYZE {table}")


@contextmanager
def without_triggers() -> Iterator[None]:
    """Foreign keys and the audit trail look at each row otherwise, which takes longer than writing it."""
    with connection.cursor() as cursor:
        cursor.execute("SET session_replication_role = replica")
        yield
        cursor.execute("SET session_replication_role = origin")
        cursor.execute("VACUUM ANALYZE")
