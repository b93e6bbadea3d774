"""Keep ``Tag.excused_as`` in step with findings and waivers, inside the caller's transaction."""

from __future__ import annotations

from collections.abc import Sequence

from django.db import connection

# A tag that fails for nothing but what is waived. Where another of its platforms is unknown, or another rule that
# decides could not tell, so is the tag: what is waived hides nothing else.
_EXCUSE = """
WITH touched AS (
    SELECT o.tag_id AS id FROM compliance_finding f JOIN compliance_occurrence o ON o.finding_id = f.id
     WHERE f.repository_id = ANY(%(repositories)s) AND f.status = 'waived' AND o.decides
    UNION
    SELECT t.id FROM compliance_tag t WHERE t.repository_id = ANY(%(repositories)s) AND t.excused_as <> ''
), deciding AS (
    SELECT o.tag_id AS id, bool_and(f.status = 'waived') AS waived
      FROM touched JOIN compliance_occurrence o ON o.tag_id = touched.id
      JOIN compliance_finding f ON f.id = o.finding_id
     WHERE o.decides AND f.status <> 'fixed'
     GROUP BY o.tag_id
), wanted AS (
    SELECT t.id,
           CASE WHEN t.verdict <> 'fail' OR t.deleted_at IS NOT NULL OR NOT COALESCE(d.waived, false) THEN ''
                WHEN t.platforms @> '[{"verdict": "unknown"}]' OR EXISTS (
                    SELECT FROM (
                        SELECT t.image_id AS id
                         UNION ALL SELECT c.image_id FROM compliance_indeximage c WHERE c.index_id = t.index_id
                    ) shown JOIN compliance_image i ON i.id = shown.id
                      JOIN compliance_evaluation e ON e.outline_id = i.outline_id AND e.unsure_of <> '[]'
                      JOIN compliance_policy p ON p.current_id = e.policy_version_id
                      JOIN compliance_repository r ON r.policy_id = p.id AND r.id = t.repository_id
                ) THEN 'unknown'
                ELSE 'waived' END AS excused_as
      FROM touched JOIN compliance_tag t USING (id) LEFT JOIN deciding d USING (id)
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
