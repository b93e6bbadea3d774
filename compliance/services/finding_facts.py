"""What the occurrences of findings add up to, and the episodes that follow from where findings stand."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import connection

from compliance.models import Finding, Registry
from compliance.policy.protected_tags import patterns_regex
from compliance.services.match_occurrences import Scope

# The base is that of the image that proves it, as ``queries.finding_evidence`` chooses one.
_FACTS = """
SELECT f.id, count(o.id), COALESCE(min(o.rank), f.rank), COALESCE(bool_or(o.regression), false),
    COALESCE(bool_or(t.name ~ p.pattern), false),
    COALESCE(bool_and(o.proved AND t.unconfirmed_since IS NULL AND COALESCE(t.seen_at > f.claimed_at, false)), false),
    told.at, (SELECT i.base_id FROM compliance_image i WHERE i.id = (array_agg(o.image_id
        ORDER BY o.regression DESC, o.proved DESC, o.id) FILTER (WHERE o.image_id IS NOT NULL))[1])
FROM compliance_finding f
JOIN compliance_repository r ON r.id = f.repository_id
LEFT JOIN jsonb_to_recordset(%(patterns)s::jsonb) AS p(registry bigint, pattern text) ON p.registry = r.registry_id
LEFT JOIN compliance_occurrence o ON o.finding_id = f.id
LEFT JOIN compliance_tag t ON t.id = o.tag_id
LEFT JOIN LATERAL (
    SELECT e.at FROM compliance_findingevent e WHERE e.finding_id = f.id AND e.kind IN ('found', 'spread')
    ORDER BY e.at DESC LIMIT 1
) told ON true
WHERE f.id = ANY(%(findings)s)
GROUP BY f.id, f.rank, told.at
"""

# Images of these tags that say otherwise are few; only then are all that show a finding asked which of them proves it.
_OTHER_BASES = """
SELECT f.id FROM compliance_finding f WHERE f.id IN (
    SELECT o.finding_id FROM compliance_tag t JOIN compliance_occurrence o ON o.tag_id = t.id
    JOIN compliance_finding shown ON shown.id = o.finding_id JOIN compliance_image i ON i.id = o.image_id
    WHERE {scope} AND shown.base_id IS DISTINCT FROM i.base_id
) AND f.base_id IS DISTINCT FROM (
    SELECT i.base_id FROM compliance_occurrence o JOIN compliance_image i ON i.id = o.image_id
    WHERE o.finding_id = f.id ORDER BY o.regression DESC, o.proved DESC, o.id LIMIT 1
)
"""

# First what is over, then what begins: nothing is both at once.
_CLOSE = """
UPDATE compliance_findingspan s SET rank = f.rank, due_at = f.due_at, closed_at = f.closed_at, resolution = f.resolution
FROM compliance_finding f WHERE f.id = s.finding_id AND s.closed_at IS NULL AND f.id = ANY(%(findings)s)
    AND (s.rank, s.due_at, s.closed_at) IS DISTINCT FROM (f.rank, f.due_at, f.closed_at)
"""
_OPEN = """
INSERT INTO compliance_findingspan (finding_id, repository_id, rank, opened_at, due_at, resolution, reopened)
SELECT f.id, f.repository_id, f.rank, f.opened_at, f.due_at, '', f.id = ANY(%(reopened)s::bigint[])
FROM compliance_finding f WHERE f.id = ANY(%(findings)s) AND f.status <> 'fixed'
    AND NOT EXISTS (SELECT FROM compliance_findingspan s WHERE s.finding_id = f.id AND s.closed_at IS NULL)
"""

# Whoever works on one meanwhile is not waited for: the next scan sees it too.
_SEE = """
UPDATE compliance_finding SET last_seen_at = %(now)s WHERE id IN (
    SELECT f.id FROM compliance_finding f WHERE f.repository_id = %(repository)s AND f.status <> 'fixed' AND EXISTS (
        SELECT FROM compliance_occurrence o JOIN compliance_tag t ON t.id = o.tag_id
        WHERE o.finding_id = f.id AND o.proved AND t.unconfirmed_since IS NULL)
    FOR UPDATE OF f SKIP LOCKED)
"""


@dataclass(frozen=True, slots=True)
class Facts:
    """What the occurrences of a finding add up to.

    :param rank: of the worst of them.
    :param protected: whether a protected tag is among them.
    :param checked: every tag was asked for after the finding was claimed to be fixed, and shows it.
    :param told_at: when somebody could last read how many tags show it.
    :param base: what the image that proves it says it was built on.
    """

    tags: int
    rank: int
    regression: bool
    protected: bool
    checked: bool
    told_at: datetime | None
    base: int | None


def facts_of(rows: Sequence[Finding]) -> dict[int, Facts]:
    """Add up, by the findings' ids."""
    homes = Registry.objects.filter(repositories__in={row.repository_id for row in rows}).exclude(protected_tags=[])
    patterns = [
        {"registry": pk, "pattern": patterns_regex(globs)}
        for pk, globs in homes.distinct().values_list("pk", "protected_tags")
    ]
    with connection.cursor() as cursor:
        cursor.execute(_FACTS, {"patterns": json.dumps(patterns), "findings": [row.pk for row in rows]})
        return {pk: Facts(*found) for pk, *found in cursor.fetchall()}


def of_other_bases(scope: Scope) -> list[int]:
    """Findings of these tags, the same as before, of whose image more is known now than when they were written."""
    with connection.cursor() as cursor:
        cursor.execute(_OTHER_BASES.format(scope=scope.condition), scope.values)
        return [pk for (pk,) in cursor.fetchall()]


def see_findings(repository_id: int, *, now: datetime) -> None:
    """Say of a repository's findings that a scan has just seen them, where it has."""
    with connection.cursor() as cursor:
        cursor.execute(_SEE, {"repository": repository_id, "now": now})


def settle_spans(finding_ids: Sequence[int], reopened: Iterable[int] = (), made: Collection[int] = ()) -> None:
    """Write what differs in the episodes of these findings: the one that goes on, is over, or begins.

    :param made: those that have none yet, since this very transaction.
    """
    if not finding_ids:
        return
    made = set(made)
    with connection.cursor() as cursor:
        if old := [pk for pk in finding_ids if pk not in made]:
            cursor.execute(_CLOSE, {"findings": old})
        cursor.execute(_OPEN, {"findings": list(finding_ids), "reopened": list(reopened)})
