"""What tags pointed to before they moved, also where that was nothing anybody could say who runs it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict

from django.db import connection

from compliance.models import Tag
from compliance.services.match_occurrences import Pointed
from scanner.domain.verdict import Verdict

# asked: tags with a platform that runs as root now, and of which what they pointed to does not say who ran it. What had
# no verdict then counts where it was stored by then: what is stored since says nothing of what was known. An image may
# be stored and read later, so of one without a verdict, and of what the tag said nothing of, root does not count.
_EARLIER = """
WITH pointed AS (
    SELECT * FROM jsonb_to_recordset(%(pointed)s::jsonb) AS p(tag bigint, image bigint, index bigint, unsaid text[])
), before AS (
    SELECT p.tag, p.unsaid, i.platform, i.uid FROM pointed p JOIN compliance_image i ON i.id = p.image
    UNION ALL
    SELECT p.tag, p.unsaid, COALESCE(NULLIF(c.platform, ''), i.platform), i.uid
    FROM pointed p JOIN compliance_indeximage c ON c.index_id = p.index JOIN compliance_image i ON i.id = c.image_id
), ran AS (
    SELECT tag, platform FROM before
    WHERE uid IS NOT NULL AND NOT (uid = 0 AND (platform = ANY(unsaid) OR '' = ANY(unsaid)))
), root AS (
    SELECT t.id AS tag, i.platform FROM pointed p JOIN compliance_tag t ON t.id = p.tag
    JOIN compliance_image i ON i.id = t.image_id WHERE i.uid = 0
    UNION ALL
    SELECT t.id, COALESCE(NULLIF(c.platform, ''), i.platform) FROM pointed p JOIN compliance_tag t ON t.id = p.tag
    JOIN compliance_indeximage c ON c.index_id = t.index_id JOIN compliance_image i ON i.id = c.image_id WHERE i.uid = 0
), asked AS (
    SELECT DISTINCT root.tag FROM root LEFT JOIN ran ON ran.tag = root.tag AND ran.platform = root.platform
    WHERE ran.tag IS NULL
)
SELECT p.tag, i.id, x.id, c.back, CASE WHEN NOT c.judged THEN '{""}'
    WHEN i.id = p.image OR x.id = p.index THEN p.unsaid ELSE '{}' END
FROM asked JOIN pointed p ON p.tag = asked.tag CROSS JOIN LATERAL (
    SELECT h.from_digest, h.at, h.was IN ('pass', 'fail') AS judged, row_number() OVER (ORDER BY h.id DESC) AS back
    FROM compliance_tagchange h WHERE h.tag_id = asked.tag AND h.from_digest <> '' ORDER BY h.id DESC LIMIT %(most)s
) c
LEFT JOIN compliance_image i ON i.digest = c.from_digest AND (c.judged OR i.first_seen_at < c.at)
LEFT JOIN compliance_index x ON x.digest = c.from_digest AND (c.judged OR x.first_seen_at < c.at)
WHERE i.id IS NOT NULL OR x.id IS NOT NULL
"""
_MOST_BACK = 50


_UNSAID = """
SELECT t.id, t.image_id, t.index_id, 0, array_agg(strip->>'platform'), false
FROM compliance_tag t CROSS JOIN LATERAL jsonb_array_elements(t.platforms) strip
WHERE t.repository_id = ANY(%s) AND t.deleted_at IS NULL
    AND strip->>'runs_as' = '' AND strip->>'verdict' <> 'not_applicable'
GROUP BY t.id
"""


def shown_of(row: Tag) -> Pointed:
    """What a tag points to before it is written, and of which platforms it does not say who runs them."""
    unsaid = [
        strip["platform"]
        for strip in row.platforms
        if not strip["runs_as"] and strip["verdict"] != Verdict.NOT_APPLICABLE.value
    ]
    return Pointed(row.pk, row.image_id, row.index_id, unsaid=unsaid)


def unread_until_now(repository_ids: Sequence[int]) -> list[Pointed]:
    """The listed tags of some repositories that do not say of every platform who runs it.

    Asked before they are judged again, which writes what a scan of another repository has read of their images since.
    """
    with connection.cursor() as cursor:
        cursor.execute(_UNSAID, [list(repository_ids)])
        return [Pointed(*row) for row in cursor.fetchall()]


def pointed_before(pointed: Sequence[Pointed]) -> list[Pointed]:
    """Add what tags that run as root now pointed to earlier, where it takes that to say whether they did before.

    An image that cannot be read, or does not start, or that is of other platforms, must not hide between two pushes
    that the tag ran as somebody else before it; nor must one that is read later than the tag was seen to point to it.
    """
    if not pointed:
        return []
    values: dict[str, str | int] = {"pointed": json.dumps([asdict(each) for each in pointed]), "most": _MOST_BACK}
    with connection.cursor() as cursor:
        cursor.execute(_EARLIER, values)
        return [*pointed, *(Pointed(*row) for row in cursor.fetchall())]
