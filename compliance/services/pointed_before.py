"""What tags pointed to before they moved, also where that was nothing anybody could say who runs it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict

from django.db import connection

from compliance.services.match_occurrences import Pointed

# asked: tags with a platform that runs as root now, and of which what they pointed to does not say who ran it. What had
# no verdict then counts where it was stored by then: what is stored since says nothing of what was known.
_EARLIER = """
WITH moved AS (
    SELECT * FROM jsonb_to_recordset(%(moved)s::jsonb) AS m(tag bigint, image bigint, index bigint)
), ran AS (
    SELECT m.tag, i.platform FROM moved m JOIN compliance_image i ON i.id = m.image WHERE i.uid IS NOT NULL
    UNION ALL
    SELECT m.tag, COALESCE(NULLIF(c.platform, ''), i.platform)
    FROM moved m JOIN compliance_indeximage c ON c.index_id = m.index JOIN compliance_image i ON i.id = c.image_id
    WHERE i.uid IS NOT NULL
), root AS (
    SELECT t.id AS tag, i.platform FROM moved m JOIN compliance_tag t ON t.id = m.tag
    JOIN compliance_image i ON i.id = t.image_id WHERE i.uid = 0
    UNION ALL
    SELECT t.id, COALESCE(NULLIF(c.platform, ''), i.platform) FROM moved m JOIN compliance_tag t ON t.id = m.tag
    JOIN compliance_indeximage c ON c.index_id = t.index_id JOIN compliance_image i ON i.id = c.image_id WHERE i.uid = 0
), asked AS (
    SELECT DISTINCT root.tag FROM root LEFT JOIN ran ON ran.tag = root.tag AND ran.platform = root.platform
    WHERE ran.tag IS NULL
)
SELECT asked.tag, i.id, x.id, c.back
FROM asked CROSS JOIN LATERAL (
    SELECT h.from_digest, h.at, h.was IN ('pass', 'fail') AS judged, row_number() OVER (ORDER BY h.id DESC) AS back
    FROM compliance_tagchange h WHERE h.tag_id = asked.tag AND h.from_digest <> '' ORDER BY h.id DESC LIMIT %(most)s
) c
LEFT JOIN compliance_image i ON i.digest = c.from_digest AND (c.judged OR i.first_seen_at < c.at)
LEFT JOIN compliance_index x ON x.digest = c.from_digest AND (c.judged OR x.first_seen_at < c.at)
WHERE i.id IS NOT NULL OR x.id IS NOT NULL
"""
_MOST_BACK = 50


def pointed_before(moved: Sequence[Pointed]) -> list[Pointed]:
    """Add what tags that run as root now pointed to earlier, where it takes that to say whether they did before.

    An image that cannot be read, or does not start, or that is of other platforms, must not hide between two pushes
    that the tag ran as somebody else before it.
    """
    if not moved:
        return []
    values: dict[str, str | int] = {"moved": json.dumps([asdict(each) for each in moved]), "most": _MOST_BACK}
    with connection.cursor() as cursor:
        cursor.execute(_EARLIER, values)
        return [*moved, *(Pointed(*row) for row in cursor.fetchall())]
