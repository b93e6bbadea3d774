"""The tags of some repositories under a policy version with one statement for each kind, whatever their number.

It writes what ``tag_view`` and ``what_happened`` say; tests hold it to that. Tags that show the same as before are not
touched, so a policy that turns twenty tags of a million writes twenty rows.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection

from compliance.models import Evaluation, PolicyVersion
from compliance.policy.document import read_policy
from compliance.policy.tag_view import ImageView, TagView, tag_view
from scanner.domain.policy import Policy
from scanner.domain.verdict import Verdict
from scanner.judge import REVISION

# What differs is found first: joined with the table it changes, the planner would read all tags for every batch.
_WRITE = """
WITH shown AS MATERIALIZED ({shown}), judged AS (
    UPDATE compliance_tag t SET
        verdict = s.verdict, score = s.score, violated = s.violated, runs_as = s.runs_as, platforms = s.platforms,
        size = s.size, problem_code = s.problem_code, problem_message = s.problem_message,
        problem_remedy = s.problem_remedy, judged_at = %(now)s, judged_by_id = %(version)s,
        failing_since = CASE s.verdict WHEN 'fail' THEN COALESCE(s.since, %(now)s) WHEN 'unknown' THEN s.since END
    FROM shown s WHERE s.id = t.id
    RETURNING t.id, t.repository_id, t.digest, s.was, t.verdict AS became, s.since
), changed AS (
    INSERT INTO compliance_tagchange (repository_id, tag_id, kind, at, from_digest, to_digest, was, became)
    SELECT repository_id, id, 'rejudged', %(now)s, digest, digest, was, became FROM judged WHERE was <> became
)
SELECT repository_id, count(*), count(*) FILTER (WHERE became = 'fail' AND since IS NULL),
    count(*) FILTER (WHERE became IN ('pass', 'not_applicable') AND since IS NOT NULL),
    count(*) FILTER (WHERE became = 'fail' AND since IS NULL AND was = 'pass')
FROM judged WHERE was <> became GROUP BY repository_id
"""

_CONFIRMED = "t.repository_id = ANY(%(repositories)s) AND t.deleted_at IS NULL AND t.unconfirmed_since IS NULL"

_ONE_IMAGE = _WRITE.format(
    shown=f"""
    SELECT t.id, t.verdict AS was, t.failing_since AS since, e.verdict, e.score, e.violated, i.size,
        CASE WHEN e.verdict = 'not_applicable' THEN '' ELSE i.runs_as END AS runs_as,
        jsonb_build_array(
            jsonb_build_object('platform', i.platform, 'digest', i.digest, 'verdict', e.verdict, 'runs_as', i.runs_as)
            || CASE WHEN i.identity = i.runs_as THEN '{{}}' ELSE jsonb_build_object('identity', i.identity) END
        ) AS platforms,
        i.problem_code, i.problem_message, i.problem_remedy
    FROM compliance_tag t
    JOIN compliance_image i ON i.id = t.image_id AND i.outline_revision = %(revision)s
    JOIN compliance_evaluation e ON e.outline_id = i.outline_id AND e.policy_version_id = %(version)s
    WHERE {_CONFIRMED} AND (t.verdict <> e.verdict OR t.score IS DISTINCT FROM e.score OR t.violated <> e.violated
        OR t.runs_as <> CASE WHEN e.verdict = 'not_applicable' THEN '' ELSE i.runs_as END
        OR t.problem_code <> i.problem_code OR t.problem_message <> i.problem_message OR t.size <> i.size
        OR COALESCE(t.platforms->0->>'identity', t.platforms->0->>'runs_as', '?') <> i.identity)
    """  # noqa: S608  # made of the constant above
)

# The children of each index as their order has them. A child that nobody asked by these rules takes the index out, and
# so does a tag that shows other platforms than the index has now.
_CHILDREN = f"""
SELECT c.index_id, jsonb_agg(jsonb_build_array(i.outline_id, i.identity, i.runs_as) ORDER BY c.position)::text
FROM (
    SELECT t.index_id AS id, min(jsonb_array_length(t.platforms)) AS least, max(jsonb_array_length(t.platforms)) AS most
    FROM compliance_tag t WHERE {_CONFIRMED} AND t.index_id IS NOT NULL GROUP BY t.index_id
) shown
JOIN compliance_indeximage c ON c.index_id = shown.id
JOIN compliance_image i ON i.id = c.image_id
GROUP BY c.index_id, shown.least, shown.most
HAVING bool_and(i.outline_id IS NOT NULL AND i.outline_revision = %(revision)s)
    AND count(*) = shown.least AND count(*) = shown.most
"""  # noqa: S608  # as above

# Of a platform's strip only its place in the index stays: which platform and which digest.
_INDEXES = _WRITE.format(
    shown=f"""
    SELECT t.id, t.verdict AS was, t.failing_since AS since, v.verdict, v.score, v.violated, t.size, v.runs_as,
        (SELECT jsonb_agg((strip - 'identity') || (v.strips->(n::int - 1)) ORDER BY n)
            FROM jsonb_array_elements(t.platforms) WITH ORDINALITY AS each(strip, n)) AS platforms,
        t.problem_code, t.problem_message, t.problem_remedy
    FROM compliance_tag t
    JOIN unnest(%(indexes)s::bigint[], %(places)s::int[]) AS x(id, place) ON x.id = t.index_id
    JOIN jsonb_to_recordset(%(views)s::jsonb) AS
        v(place int, verdict text, score int, violated jsonb, runs_as text, strips jsonb) ON v.place = x.place
    WHERE {_CONFIRMED} AND (t.verdict <> v.verdict OR t.score IS DISTINCT FROM v.score OR t.violated <> v.violated
        OR t.runs_as <> v.runs_as
        OR (SELECT jsonb_agg(strip - 'platform' - 'digest') FROM jsonb_array_elements(t.platforms) strip) <> v.strips)
    """  # noqa: S608  # as above
)

_Child = tuple[int, str, str]


@dataclass(frozen=True, slots=True)
class Count:
    """Tags of one repository with another verdict; of these, those that began to fail and those that stopped.

    :param regressed: of those that began to fail, those that had passed.
    """

    repository: int
    changed: int
    new: int
    fixed: int
    regressed: int


def judge_one_image(repository_ids: Sequence[int], version: PolicyVersion, now: datetime) -> Iterable[Count]:
    """Judge the confirmed tags that lead to one image, whose outline is weighed."""
    return _run(_ONE_IMAGE, _values(repository_ids, version, now))


def judge_indexes(
    repository_ids: Sequence[int], version: PolicyVersion, now: datetime
) -> tuple[set[int], Iterable[Count]]:
    """Judge the confirmed tags that lead to an index with weighed children only; return those indexes too."""
    values = _values(repository_ids, version, now)
    with connection.cursor() as cursor:
        cursor.execute(_CHILDREN, values)
        children: list[tuple[int, str]] = cursor.fetchall()
    if not children:
        return set(), ()
    places = {text: place for place, text in enumerate(dict.fromkeys(text for _, text in children))}
    views = list(_views(places, version))
    values |= {
        "indexes": [index for index, _ in children],
        "places": [places[text] for _, text in children],
        "views": json.dumps(views),
    }
    return {index for index, _ in children}, _run(_INDEXES, values)


def _views(places: Mapping[str, int], version: PolicyVersion) -> Iterator[dict[str, Any]]:
    """What a tag shows for each different list of children; a fleet has few of them."""
    lists: dict[str, list[_Child]] = {text: json.loads(text) for text in places}
    outlines = {outline for children in lists.values() for outline, *_ in children}
    judged = {row.outline_id: row for row in Evaluation.objects.filter(policy_version=version, outline__in=outlines)}
    policy = read_policy(version.document)
    for text, children in lists.items():
        if all(outline in judged for outline, *_ in children):
            yield {"place": places[text], **_shown(_view(children, judged, policy))}


def _view(children: Iterable[_Child], judged: Mapping[int, Evaluation], policy: Policy) -> TagView:
    return tag_view(
        [
            ImageView(
                "", "", Verdict(judged[outline].verdict), judged[outline].score, runs_as,
                tuple(judged[outline].violated), 0, identity=identity,
            )
            for outline, identity, runs_as in children
        ],
        policy,
    )  # fmt: skip


def _shown(view: TagView) -> dict[str, Any]:
    strips = [{key: strip[key] for key in strip.keys() - {"platform", "digest"}} for strip in view.platforms]
    verdict, violated = view.verdict.value, list(view.violated)
    return {
        "verdict": verdict, "score": view.score, "violated": violated, "runs_as": view.runs_as, "strips": strips
    }  # fmt: skip


def _values(repository_ids: Sequence[int], version: PolicyVersion, now: datetime) -> dict[str, Any]:
    return {"repositories": list(repository_ids), "version": version.pk, "revision": REVISION, "now": now}


def _run(statement: str, values: dict[str, Any]) -> list[Count]:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return [Count(*row) for row in cursor.fetchall()]
