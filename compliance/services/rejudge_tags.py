"""The tags of some repositories under a policy version, inside the caller's transaction, which holds their rows.

Tags that lead to one image are judged by one statement, whatever their number: ``tests`` hold it to the same answers
as ``tag_view`` and ``what_happened`` give. The rest, indexes and tags not confirmed, takes the way of scans.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from django.db import connection
from django.db.models import Q, QuerySet

from compliance.models import PolicyVersion, Tag, TagChange
from compliance.models.bulk import update_rows
from compliance.policy.tag_change import TagState, failing_since, what_happened
from compliance.policy.tag_view import TagView
from compliance.policy.unconfirmed import has_lapsed, lapsed
from compliance.services.doubt_tags import kept_for
from compliance.services.judge_images import evaluate, judged_images, stale_images
from compliance.services.known_images import Known
from compliance.services.write_tags import change_row, differs, show
from scanner.domain.verdict import Verdict
from scanner.judge import REVISION

_BATCH = 1_000
_SHOWN = (
    *("verdict", "score", "runs_as", "platforms", "violated", "size", "judged_at", "judged_by", "failing_since"),
    *("problem_code", "problem_message", "problem_remedy"),
)

_ONE_IMAGE = """
WITH judged AS (
    UPDATE compliance_tag t SET
        verdict = e.verdict, score = e.score, violated = e.violated, size = i.size,
        runs_as = CASE WHEN e.verdict = 'not_applicable' THEN '' ELSE i.runs_as END,
        platforms = jsonb_build_array(
            jsonb_build_object('platform', i.platform, 'digest', i.digest, 'verdict', e.verdict, 'runs_as', i.runs_as)
            || CASE WHEN i.identity = i.runs_as THEN '{}' ELSE jsonb_build_object('identity', i.identity) END),
        problem_code = i.problem_code, problem_message = i.problem_message, problem_remedy = i.problem_remedy,
        judged_at = %(now)s, judged_by_id = %(version)s,
        failing_since = CASE e.verdict WHEN 'fail' THEN COALESCE(old.failing_since, %(now)s)
            WHEN 'unknown' THEN old.failing_since END
    FROM compliance_tag old
    JOIN compliance_image i ON i.id = old.image_id AND i.outline_revision = %(revision)s
    JOIN compliance_evaluation e ON e.outline_id = i.outline_id AND e.policy_version_id = %(version)s
    WHERE old.id = t.id AND old.repository_id = ANY(%(repositories)s) AND old.deleted_at IS NULL
        AND old.unconfirmed_since IS NULL
        AND (old.verdict <> e.verdict OR old.score IS DISTINCT FROM e.score OR old.violated <> e.violated
            OR old.runs_as <> CASE WHEN e.verdict = 'not_applicable' THEN '' ELSE i.runs_as END
            OR old.problem_code <> i.problem_code OR old.problem_message <> i.problem_message OR old.size <> i.size
            OR COALESCE(old.platforms->0->>'identity', old.platforms->0->>'runs_as', '?') <> i.identity)
    RETURNING t.id, t.repository_id, t.digest, old.verdict AS was, t.verdict AS became, old.failing_since AS since
), changed AS (
    INSERT INTO compliance_tagchange (repository_id, tag_id, kind, at, from_digest, to_digest, was, became)
    SELECT repository_id, id, 'rejudged', %(now)s, digest, digest, was, became FROM judged WHERE was <> became
)
SELECT repository_id, count(*), count(*) FILTER (WHERE became = 'fail' AND since IS NULL),
    count(*) FILTER (WHERE became IN ('pass', 'not_applicable') AND since IS NOT NULL)
FROM judged WHERE was <> became GROUP BY repository_id
"""


@dataclass(slots=True)
class JudgedTags:
    """``changed`` counts tags with another verdict; by repository, those that began to fail and those that stopped."""

    changed: int = 0
    by_repository: dict[int, tuple[int, int]] = field(default_factory=dict)

    def add(self, repository: int, changed: int, new: int, fixed: int) -> None:
        """Count."""
        before = self.by_repository.get(repository, (0, 0))
        self.changed += changed
        self.by_repository[repository] = (before[0] + new, before[1] + fixed)


def rejudge_tags(repository_ids: Sequence[int], version: PolicyVersion, *, now: datetime) -> JudgedTags:
    """Judge the listed tags of these repositories and write those that show something else now."""
    evaluate(version, now=now)
    found = JudgedTags()
    for row in _judge_one_image(repository_ids, version, now):
        found.add(*row)
    changes: list[TagChange] = []
    after = 0
    others = _others(repository_ids)
    while tags := list(others.filter(pk__gt=after).order_by("pk")[:_BATCH]):
        after = tags[-1].pk
        for change, new, fixed in _judge_others(tags, version, now):
            changes.append(change)
            found.add(change.repository_id, 1, new, fixed)
    TagChange.objects.bulk_create(changes, batch_size=_BATCH)
    return found


def _judge_one_image(ids: Sequence[int], version: PolicyVersion, now: datetime) -> list[tuple[int, int, int, int]]:
    values: dict[str, Any] = {"repositories": list(ids), "version": version.pk, "revision": REVISION, "now": now}
    with connection.cursor() as cursor:
        cursor.execute(_ONE_IMAGE, values)
        return [(pk, changed, new, fixed) for pk, changed, new, fixed in cursor.fetchall()]


def _others(ids: Sequence[int]) -> QuerySet[Tag]:
    readable = Q(index__isnull=False) | Q(image__isnull=False)
    others = Q(index__isnull=False) | Q(unconfirmed_since__isnull=False)
    if stale_images().exists():
        others |= Q(image__in=stale_images())
    return Tag.objects.listed().filter(readable, others, repository__in=ids)


def _judge_others(tags: Sequence[Tag], version: PolicyVersion, now: datetime) -> Iterator[tuple[TagChange, bool, bool]]:
    known = judged_images({tag.digest for tag in tags}, version, now=now)
    touched: list[Tag] = []
    for tag in tags:
        if not known.has(tag.digest):  # its limit was raised: the next scan reads it again
            continue
        view = _view(tag, known, now)
        before = TagState(tag.digest, Verdict(tag.verdict), tag.failing_since)
        change = what_happened(before, tag.digest, view.verdict)
        if change is None and not differs(tag, view):
            continue
        tag.failing_since = failing_since(before, view.verdict, now)
        show(tag, view, version, now)
        touched.append(tag)
        if change is not None:
            yield change_row(tag.repository_id, tag, change, None, now), change.new, change.fixed
    update_rows(touched, _SHOWN)


def _view(tag: Tag, known: Known, now: datetime) -> TagView:
    """Judging again confirms nothing: only the registry can say what a tag points to."""
    view = known.view(tag.digest)
    if tag.unconfirmed_since is None:
        return view
    problem = (tag.problem_code, tag.problem_message, tag.problem_remedy)
    if has_lapsed(tag.unconfirmed_since, kept_for(), now):
        return lapsed(view, problem)
    return replace(view, problem=problem)
