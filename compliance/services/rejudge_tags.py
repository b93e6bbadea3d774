"""The tags of some repositories under a policy version, inside the caller's transaction, which holds their rows.

Nearly all are judged by statement. The rest takes the way of scans: tags not confirmed, and those that lead to an image
nobody has asked by the rules of this release.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from django.db.models import Q, QuerySet

from compliance.models import PolicyVersion, Tag, TagChange
from compliance.models.bulk import update_rows
from compliance.policy.tag_change import Change, TagState, failing_since, what_happened
from compliance.policy.tag_view import TagView
from compliance.policy.unconfirmed import has_lapsed, lapsed
from compliance.services.count_totals import Turns
from compliance.services.doubt_tags import kept_for
from compliance.services.judge_by_statement import Count, judge_indexes, judge_one_image
from compliance.services.judge_images import evaluate, judged_images, stale_images
from compliance.services.known_images import Known
from compliance.services.write_tags import change_row, differs, show
from scanner.domain.verdict import Verdict

_BATCH = 1_000
_SHOWN = (
    *("verdict", "score", "runs_as", "platforms", "violated", "size", "judged_at", "judged_by", "failing_since"),
    *("problem_code", "problem_message", "problem_remedy"),
)


@dataclass(slots=True)
class JudgedTags:
    """``changed`` counts tags with another verdict."""

    changed: int = 0
    by_repository: dict[int, Turns] = field(default_factory=dict)

    def add(self, count: Count) -> None:
        """Count."""
        before = self.by_repository.get(count.repository, Turns())
        self.changed += count.changed
        self.by_repository[count.repository] = Turns(
            before.new + count.new, before.fixed + count.fixed, before.regressed + count.regressed
        )


def rejudge_tags(repository_ids: Sequence[int], version: PolicyVersion, *, now: datetime) -> JudgedTags:
    """Judge the listed tags of these repositories and write those that show something else now."""
    evaluate(version, now=now)
    found = JudgedTags()
    indexes, of_indexes = judge_indexes(repository_ids, version, now)
    for count in (*judge_one_image(repository_ids, version, now), *of_indexes):
        found.add(count)
    changes: list[TagChange] = []
    others = _others(repository_ids, indexes)
    after = 0
    while tags := list(others.filter(pk__gt=after).select_related("index").order_by("pk")[:_BATCH]):
        after = tags[-1].pk
        for platforms, alike in _by_platforms(tags).items():
            for row, change in _judge_others(alike, version, platforms, now):
                changes.append(row)
                found.add(Count(row.repository_id, 1, change.new, change.fixed, change.regressed))
    TagChange.objects.bulk_create(changes, batch_size=_BATCH)
    return found


def _others(ids: Sequence[int], indexes: set[int]) -> QuerySet[Tag]:
    readable = Q(index__isnull=False) | Q(image__isnull=False)
    others = Q(unconfirmed_since__isnull=False) | (Q(index__isnull=False) & ~Q(index__in=indexes))
    if stale_images().exists():
        others |= Q(image__in=stale_images())
    return Tag.objects.listed().filter(readable, others, repository__in=ids)


def _by_platforms(tags: Iterable[Tag]) -> dict[str, list[Tag]]:
    found: dict[str, list[Tag]] = {}
    for tag in tags:
        found.setdefault(tag.index.platforms if tag.index else "", []).append(tag)
    return found


def _judge_others(
    tags: Sequence[Tag], version: PolicyVersion, platforms: str, now: datetime
) -> Iterator[tuple[TagChange, Change]]:
    known = judged_images({tag.digest for tag in tags}, version, now=now, platforms=platforms)
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
            yield change_row(tag.repository_id, tag, change, None, now), change
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
