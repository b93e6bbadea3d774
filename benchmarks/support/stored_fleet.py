"""A fleet as rows, without a scan: whole tables from a few judged images, made by Postgres itself."""

from __future__ import annotations

from typing import Any

from django.db import connection

from tests.support import rows
from tests.support.facts import facts, remapped

# Of each hundred images so many are copies of each pattern; the rest are rare on purpose.
_SHARES = (60, 95, 97, 99, 100)

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

_REPOSITORIES = """
INSERT INTO compliance_repository (registry_id, policy_id, judged_by_id, name, first_seen_at, scanned_at, tags_total,
    passed, failed, unknown, not_applicable, grade, verdict, problem_code, problem_message, problem_remedy)
SELECT %(registry)s, %(policy)s, %(version)s, 'team' || n %% 200 || '/service' || n, %(now)s, %(now)s, 0,
    0, 0, 0, 0, '', '', '', '', ''
FROM generate_series(1, %(repositories)s) n
"""

# A prime between neighbors, so that the tags of a repository are not all of one pattern.
_TAGS = """
INSERT INTO compliance_tag (repository_id, name, digest, image_id, verdict, score, runs_as, platforms, violated, size,
    first_seen_at, moved_at, judged_at, judged_by_id, failing_since, problem_code, problem_message, problem_remedy)
SELECT r.id, 'v1.' || t, i.digest, i.id, e.verdict, e.score, i.runs_as,
    jsonb_build_array(jsonb_build_object('platform', i.platform, 'digest', i.digest, 'verdict', e.verdict,
        'runs_as', i.runs_as)),
    e.violated, i.size, %(now)s - interval '60 days', %(now)s - t * interval '1 hour', %(now)s, %(version)s,
    CASE WHEN e.verdict = 'fail' THEN %(now)s - t * interval '1 hour' END,
    i.problem_code, i.problem_message, i.problem_remedy
FROM compliance_repository r
CROSS JOIN generate_series(1, %(tags)s) t
JOIN compliance_image i
    ON i.digest = 'sha256:' || encode(sha256((((r.id * %(tags)s + t) * 7919) %% %(images)s)::text::bytea), 'hex')
JOIN compliance_evaluation e ON e.outline_id = i.outline_id AND e.policy_version_id = %(version)s
"""

_CHANGES = """
INSERT INTO compliance_tagchange (repository_id, tag_id, kind, at, from_digest, to_digest, was, became)
SELECT repository_id, id, 'created', moved_at, '', digest, '', verdict FROM compliance_tag
"""

_TOTALS = """
UPDATE compliance_repository r SET tags_total = c.n, passed = c.passed, failed = c.failed, unknown = c.unknown,
    not_applicable = c.idle, score = c.score, grade = 'C',
    verdict = CASE WHEN c.failed > 0 THEN 'fail' WHEN c.unknown > 0 THEN 'unknown' ELSE 'pass' END,
    failing_since = c.since, pushed_at = c.pushed
FROM (
    SELECT repository_id, count(*) n, count(*) FILTER (WHERE verdict = 'pass') passed,
        count(*) FILTER (WHERE verdict = 'fail') failed, count(*) FILTER (WHERE verdict = 'unknown') unknown,
        count(*) FILTER (WHERE verdict = 'not_applicable') idle, round(avg(score), 1) score,
        min(failing_since) since, max(moved_at) pushed
    FROM compliance_tag GROUP BY repository_id
) c WHERE c.repository_id = r.id
"""

_SNAPSHOTS = """
INSERT INTO compliance_dailysnapshot (repository_id, day, policy_version_id, evaluated, passed, failed, unknown,
    not_applicable, new, fixed, score, closed)
SELECT id, %(now)s::date - back, %(version)s, passed + failed + unknown, passed, failed, unknown, not_applicable,
    back %% 2, 0, score, back > 0
FROM compliance_repository CROSS JOIN generate_series(0, %(days)s - 1) back
"""


def fill(*, repositories: int, tags: int, days: int) -> None:
    """Write them; every fifth tag has an image of its own.

    :param tags: of each repository.
    """
    home, version = rows.registry("Bench"), rows.policy_version()
    patterns = (
        rows.image(facts("1001:1001"), 901),
        rows.image(facts(""), 902),
        rows.image(remapped(), 903),
        rows.unreadable(904),
        rows.artifact(905),
    )
    values: dict[str, Any] = {
        "registry": home.pk,
        "policy": home.policy_id,
        "version": version.pk,
        "patterns": [row.pk for row in patterns],
        "shares": list(_SHARES[:-1]),
        "repositories": repositories,
        "tags": tags,
        "images": max(1, repositories * tags // 5),
        "days": days,
        "now": rows.NOW,
    }
    with connection.cursor() as cursor:
        for statement in (_IMAGES, _REPOSITORIES, _TAGS, _CHANGES, _TOTALS, _SNAPSHOTS):
            cursor.execute(statement, values)
            cursor.execute("ANALYZE")
        cursor.execute("VACUUM ANALYZE")
    rows.scan(home)
