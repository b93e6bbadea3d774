"""Keep ``Tag.excused_as`` in step with findings and waivers, inside the caller's transaction."""

from __future__ import annotations

from collections.abc import Sequence

from django.db import connection

# A tag that fails for nothing but what is waived. Where another of its platforms is unknown, or another rule that
# decides could not tell, so is the tag: what is waived hides nothing else. Postgres does not know how many rows a
# waiver has just made of these: what could be many meets by hash (``IN``), never by a join of which it expects one row.
_EXCUSE = """
WITH touched AS MATERIALIZED (
    SELECT o.tag_id AS id FROM compliance_finding f JOIN compliance_occurrence o ON o.finding_id = f.id
     WHERE f.repository_id = ANY(%(repositories)s) AND f.status = 'waived' AND o.decides
    UNION
    SELECT t.id FROM compliance_tag t WHERE t.repository_id = ANY(%(repositories)s) AND t.excused_as <> ''
), deciding AS MATERIALIZED (
    SELECT o.tag_id AS id
      FROM touched JOIN compliance_occurrence o ON o.tag_id = touched.id
      JOIN compliance_finding f ON f.id = o.finding_id
     WHERE o.decides AND f.status <> 'fixed'
     GROUP BY o.tag_id HAVING bool_and(f.status = 'waived')
), excused AS MATERIALIZED (
    SELECT t.id, r.policy_id, t.image_id, t.index_id, t.platforms @> '[{"verdict": "unknown"}]' AS unknown
      FROM deciding JOIN compliance_tag t USING (id) JOIN compliance_repository r ON r.id = t.repository_id
     WHERE t.verdict = 'fail' AND t.deleted_at IS NULL
), shown AS MATERIALIZED (
    SELECT x.id, x.policy_id, i.outline_id FROM excused x JOIN compliance_image i ON i.id = x.image_id
     UNION ALL
    SELECT x.id, x.policy_id, i.outline_id FROM excused x JOIN compliance_indeximage c ON c.index_id = x.index_id
      JOIN compliance_image i ON i.id = c.image_id
), unsure AS MATERIALIZED (
    SELECT s.policy_id, s.outline_id FROM (SELECT DISTINCT policy_id, outline_id FROM shown) s
      JOIN compliance_policy p ON p.id = s.policy_id
      JOIN compliance_evaluation e ON e.outline_id = s.outline_id AND e.policy_version_id = p.current_id
     WHERE e.unsure_of <> '[]'
), doubtful AS MATERIALIZED (
    SELECT id FROM shown
     GROUP BY id HAVING bool_or((policy_id, outline_id) IN (SELECT policy_id, outline_id FROM unsure))
), wanted AS MATERIALIZED (
    SELECT id, CASE WHEN unknown OR id IN (SELECT id FROM doubtful) THEN 'unknown' ELSE 'waived' END AS excused_as
      FROM excused
     UNION ALL
    SELECT id, '' FROM touched WHERE id NOT IN (SELECT id FROM excused)
), written AS (
    UPDATE compliance_tag t SET excused_as = w.excused_as FROM wanted w
     WHERE t.id = w.id AND t.excused_as <> w.excused_as
 RETURNING t.repository_id
)
SELECT DISTINCT repository_id FROM written
"""


def excuse_tags(repository_ids: Sequence[int]) -> frozenset[int]:
    """Write what differs; return the repositories whose tags show something else now, for ``count_many``."""
    if not repository_ids:
        return frozenset()
    with connection.cursor() as cursor:
        cursor.execute(_EXCUSE, {"repositories": list(repository_ids)})
        return frozenset(pk for (pk,) in cursor.fetchall())
