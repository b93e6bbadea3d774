"""What must hold whatever was killed or flushed, as SQL: each statement counts the rows that break a promise."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Final

from django.db import connection

_READ: Final = (
    "t.deleted_at IS NULL AND t.unconfirmed_since IS NULL AND (t.image_id IS NOT NULL OR t.index_id IS NOT NULL)"
)

_SCANS: Final = ("compliance_scan", "compliance_repositoryscan")
_MOST_SCANS_OF_A_DIGEST: Final = 2

BROKEN: Final[Mapping[str, str]] = {
    "pushes that still wait": "SELECT count(*) FROM compliance_push WHERE state = 'waiting'",
    "pushes in a scan that has not ended": """
        SELECT count(*) FROM compliance_push p LEFT JOIN compliance_scan s ON s.id = p.scan_id
        WHERE p.state = 'joined' AND (s.id IS NULL OR s.state NOT IN ('done', 'failed', 'cancelled'))""",
    "accepted events without a push": """
        SELECT count(*) FROM compliance_inboundevent e WHERE e.outcome = 'accepted'
        AND NOT EXISTS (SELECT FROM compliance_push p WHERE p.event_id = e.id)""",
    **{
        f"{table}: running long after the lease": f"""
        SELECT count(*) FROM {table} WHERE state = 'running' AND lease_until < now() - interval '60 s'"""
        for table in _SCANS
    },
    **{f"{table}: tried too often": f"SELECT count(*) FROM {table} WHERE attempts > 3" for table in _SCANS},
    **{
        f"{table}: ended and still held": f"""
        SELECT count(*) FROM {table} WHERE state IN ('done', 'failed', 'cancelled') AND lease_token IS NOT NULL"""
        for table in _SCANS
    },
    "failed without a reason": """
        SELECT count(*) FROM compliance_scan s WHERE state = 'failed' AND problem_code = ''
        AND NOT EXISTS (SELECT FROM compliance_scanerror e WHERE e.scan_id = s.id)""",
    "judged twice": """
        SELECT count(*) FROM (SELECT 1 FROM compliance_evaluation
        GROUP BY outline_id, policy_version_id HAVING count(*) > 1) twice""",
    "images stored twice": """
        SELECT count(*) FROM (SELECT 1 FROM compliance_image GROUP BY digest HAVING count(*) > 1) twice""",
    "changes that do not go on where the one before ended": """
        SELECT count(*) FROM (SELECT from_digest, was,
            lag(to_digest, 1, '') OVER (PARTITION BY tag_id ORDER BY id) AS before_it,
            lag(became, 1, '') OVER (PARTITION BY tag_id ORDER BY id) AS was_before
        FROM compliance_tagchange) c WHERE from_digest <> before_it OR was <> was_before""",
    "tags that are not what their last change says": """
        SELECT count(*) FROM compliance_tag t LEFT JOIN LATERAL (SELECT to_digest, became
            FROM compliance_tagchange WHERE tag_id = t.id ORDER BY id DESC LIMIT 1) c ON true
        WHERE (t.digest, t.verdict) IS DISTINCT FROM (c.to_digest, c.became)""",
    "tags that were scanned more often for one digest than is allowed": f"""
        SELECT count(*) FROM (SELECT 1 FROM compliance_repositoryscan r
        CROSS JOIN unnest(r.only_tags) asked
        JOIN compliance_scan s ON s.id = r.scan_id AND s.trigger = 'webhook'
        GROUP BY r.repository_id, asked HAVING count(*) > {_MOST_SCANS_OF_A_DIGEST} * (
            SELECT count(DISTINCT p.digest) FROM compliance_push p
            JOIN compliance_repository home ON home.registry_id = p.registry_id AND home.name = p.repository
            WHERE home.id = r.repository_id AND p.tag = asked)) often""",
}

OF_FINDINGS: Final[Mapping[str, str]] = {
    "repositories that count other failing protected tags": r"""
        SELECT count(*) FROM compliance_repository r JOIN compliance_registry g ON g.id = r.registry_id
        WHERE r.deleted_at IS NULL AND r.failed_protected <> (
            SELECT count(*) FROM compliance_tag t WHERE t.repository_id = r.id AND t.deleted_at IS NULL
            AND t.shown = 'fail' AND EXISTS (SELECT FROM unnest(g.protected_tags) glob WHERE t.name LIKE
                replace(replace(replace(glob, '_', '\_'), '*', '%'), '?', '_')))""",
    "repositories whose last day counts other failing protected tags": """
        SELECT count(*) FROM compliance_repository r CROSS JOIN LATERAL (
            SELECT s.failed_protected FROM compliance_dailysnapshot s WHERE s.repository_id = r.id
            ORDER BY s.day DESC LIMIT 1
        ) s WHERE r.deleted_at IS NULL AND s.failed_protected <> r.failed_protected""",
    "findings that count other tags than show them": """
        SELECT count(*) FROM compliance_finding f WHERE f.tags <> (
            SELECT count(*) FROM compliance_occurrence o WHERE o.finding_id = f.id)""",
    "findings that are fixed and shown, or neither": """
        SELECT count(*) FROM compliance_finding f WHERE (f.status = 'fixed') = (f.tags > 0)""",
    "fixed findings that do not say when and why": """
        SELECT count(*) FROM compliance_finding f
        WHERE (f.status = 'fixed') <> (f.closed_at IS NOT NULL) OR (f.status = 'fixed') <> (f.resolution <> '')""",
    "findings whose episodes are not what they say": """
        SELECT count(*) FROM compliance_finding f LEFT JOIN LATERAL (
            SELECT count(*) FILTER (WHERE s.closed_at IS NULL) AS going_on,
                (array_agg(s ORDER BY s.id DESC))[1] AS last
            FROM compliance_findingspan s WHERE s.finding_id = f.id
        ) e ON true
        WHERE e.going_on <> CASE f.status WHEN 'fixed' THEN 0 ELSE 1 END
            OR ((e.last).opened_at, (e.last).closed_at, (e.last).rank, (e.last).resolution, (e.last).due_at)
                IS DISTINCT FROM (f.opened_at, f.closed_at, f.rank, f.resolution, f.due_at)""",
    "findings of another severity than the worst tag's": """
        SELECT count(*) FROM compliance_finding f CROSS JOIN LATERAL (
            SELECT min(o.rank) AS rank, bool_or(o.regression) AS regression
            FROM compliance_occurrence o WHERE o.finding_id = f.id
        ) o WHERE f.status <> 'fixed'
            AND (f.rank, f.regression) <> (CASE WHEN o.regression THEN 0 ELSE o.rank END, o.regression)""",
    "findings on another declared base than the image's that proves them": """
        SELECT count(*) FROM compliance_finding f WHERE f.tags > 0 AND f.base_id IS DISTINCT FROM (
            SELECT i.base_id FROM compliance_occurrence o JOIN compliance_image i ON i.id = o.image_id
            WHERE o.finding_id = f.id ORDER BY o.regression DESC, o.proved DESC, o.id LIMIT 1)""",
    "findings that were not found exactly once": """
        SELECT count(*) FROM compliance_finding f WHERE 1 <> (
            SELECT count(*) FROM compliance_findingevent e WHERE e.finding_id = f.id AND e.kind = 'found')""",
    "occurrences on tags that are gone, or of another repository": """
        SELECT count(*) FROM compliance_occurrence o JOIN compliance_tag t ON t.id = o.tag_id
        JOIN compliance_finding f ON f.id = o.finding_id
        WHERE t.deleted_at IS NOT NULL OR t.repository_id <> f.repository_id""",
    "tags that violate something else than findings say": f"""
        SELECT count(*) FROM compliance_tag t WHERE {_READ} AND t.violated <> (
            SELECT COALESCE(jsonb_agg(DISTINCT f.rule), '[]') FROM compliance_occurrence o
            JOIN compliance_finding f ON f.id = o.finding_id WHERE o.tag_id = t.id AND o.proved)""",
    "tags whose failure no finding explains": f"""
        SELECT count(*) FROM compliance_tag t WHERE {_READ} AND (t.verdict = 'fail') <> EXISTS (
            SELECT FROM compliance_occurrence o WHERE o.tag_id = t.id AND o.decides)""",
    "unconfirmed tags of which something is proved": """
        SELECT count(*) FROM compliance_occurrence o JOIN compliance_tag t ON t.id = o.tag_id
        WHERE o.proved AND t.unconfirmed_since IS NOT NULL""",
    "tags that are excused and should not be, or should": """
        SELECT count(*) FROM compliance_tag t WHERE t.deleted_at IS NULL AND t.verdict = 'fail'
        AND (t.excused_as <> '') <> (SELECT COALESCE(bool_and(f.status = 'waived'), false) FROM compliance_occurrence o
            JOIN compliance_finding f ON f.id = o.finding_id WHERE o.tag_id = t.id AND o.decides)""",
}


def broken_promises(promises: Mapping[str, str] = MappingProxyType({**BROKEN, **OF_FINDINGS})) -> dict[str, int]:
    """Each promise that does not hold, with how many rows break it."""
    found = {}
    with connection.cursor() as cursor:
        for name, statement in promises.items():
            cursor.execute(statement)
            (count,) = cursor.fetchone() or (0,)
            if count:
                found[name] = int(count)
    return found


def lost_events(answered: Iterable[int | None]) -> int:
    """How many events that were answered 202, by the ids in the answers, are not stored; no id counts as lost."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM unnest(%s::bigint[]) answered(id)"
            " WHERE NOT EXISTS (SELECT FROM compliance_inboundevent e WHERE e.id = answered.id)",
            [list(answered)],
        )
        (count,) = cursor.fetchone() or (0,)
    return int(count)


def most_scans_of_a_tag() -> int:
    """In how many scans for pushes the tag with the most of them was asked for."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT coalesce(max(n), 0) FROM (SELECT count(*) n FROM compliance_repositoryscan r, unnest(only_tags) t "
            "GROUP BY r.repository_id, t) each"
        )
        (count,) = cursor.fetchone() or (0,)
    return int(count)
