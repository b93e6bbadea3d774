"""Findings as rows, without a scan: one for each of many repositories, shown by all of its tags but one."""

from __future__ import annotations

from typing import Any

from django.db import connection

from tests.support import rows
from tests.support.facts import facts, remapped
from tests.support.rows import NOW

RULE = "NR103"

_REPOSITORIES = """
INSERT INTO compliance_repository (registry_id, policy_id, judged_by_id, name, first_seen_at, scanned_at, tags_total,
    passed, failed, unknown, not_applicable, score, grade, verdict, failing_since, problem_code, problem_message,
    problem_remedy)
SELECT %(registry)s, %(policy)s, %(version)s, 'team' || n %% 200 || '/service' || n, %(now)s, %(now)s, %(tags)s + 1,
    1, %(tags)s, 0, 0, 10, 'F', 'fail', %(now)s, '', '', ''
FROM generate_series(1, %(findings)s) n
"""

_TAGS = """
INSERT INTO compliance_tag (repository_id, name, digest, image_id, verdict, score, runs_as, platforms, violated, size,
    first_seen_at, moved_at, judged_at, judged_by_id, failing_since, problem_code, problem_message, problem_remedy)
SELECT r.id, 'v1.' || t, i.digest, i.id, e.verdict, e.score, i.runs_as,
    jsonb_build_array(jsonb_build_object('platform', i.platform, 'digest', i.digest, 'verdict', e.verdict,
        'runs_as', i.runs_as)),
    e.violated, i.size, %(now)s, %(now)s - t * interval '1 hour', %(now)s, %(version)s,
    CASE WHEN e.verdict = 'fail' THEN %(now)s END, '', '', ''
FROM compliance_repository r CROSS JOIN generate_series(0, %(tags)s) t
JOIN compliance_image i ON i.id = CASE t WHEN 0 THEN %(passing)s ELSE %(failing)s END
JOIN compliance_evaluation e ON e.outline_id = i.outline_id AND e.policy_version_id = %(version)s
"""

_FINDINGS = """
INSERT INTO compliance_finding (repository_id, rule, platform, subject, rank, status, resolution, regression, baseline,
    protected, tags, first_seen_at, last_seen_at, opened_at, changed_at, sla_from, due_at, due_edited)
SELECT repository_id, %(rule)s, 'linux/amd64', '', 0, 'open', '', false, false, false, count(*),
    %(now)s - interval '10 days', %(now)s, %(now)s - interval '10 days', %(now)s - interval '10 days',
    %(now)s - interval '10 days', %(now)s + interval '4 days', false
FROM compliance_tag WHERE verdict = 'fail' GROUP BY repository_id
"""

_OCCURRENCES = """
INSERT INTO compliance_occurrence (finding_id, tag_id, image_id, decides, proved, rank, regression, since)
SELECT f.id, t.id, t.image_id, true, true, 0, false, f.opened_at
FROM compliance_finding f JOIN compliance_tag t ON t.repository_id = f.repository_id AND t.verdict = 'fail'
"""

_SPANS = """
INSERT INTO compliance_findingspan (finding_id, repository_id, rank, opened_at, due_at, resolution, reopened)
SELECT id, repository_id, rank, opened_at, due_at, '', false FROM compliance_finding
"""

_EVENTS = """
INSERT INTO compliance_findingevent (finding_id, at, kind, was, became, text)
SELECT id, opened_at, 'found', '', 'new', '' FROM compliance_finding
"""


def fill_findings(findings: int, tags: int) -> None:
    """Write them with all that belongs to them.

    :param tags: that show each.
    """
    home, version = rows.registry("Bench"), rows.policy_version()
    values: dict[str, Any] = {
        "registry": home.pk,
        "policy": home.policy_id,
        "version": version.pk,
        "passing": rows.image(facts("1001:1001"), 901).pk,
        "failing": rows.image(remapped(), 902).pk,
        "findings": findings,
        "tags": tags,
        "rule": RULE,
        "now": NOW,
    }
    with connection.cursor() as cursor:
        for statement in (_REPOSITORIES, _TAGS, _FINDINGS, _OCCURRENCES, _SPANS, _EVENTS):
            cursor.execute(statement, values)
            cursor.execute("ANALYZE")
        cursor.execute("VACUUM ANALYZE")
