"""Judge everything again from stored facts: no registry is asked.

First the images, in batches of their own; then one repository after another, under the lock that scans take too, so
that each tag ends with a verdict of the current version whichever of the two came last.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime

from django.db import transaction

from compliance.models import Evaluation, Image, Policy, PolicyVersion, Repository, Tag, TagChange
from compliance.models.bulk import update_rows, upsert_rows
from compliance.policy.tag_change import TagState, failing_since, what_happened
from compliance.policy.tag_view import TagView
from compliance.policy.unconfirmed import has_lapsed, lapsed
from compliance.services.count_totals import count_totals
from compliance.services.doubt_tags import kept_for
from compliance.services.judge_images import UNIQUE_EVALUATION, judge_stored
from compliance.services.known_images import Known, known_images
from compliance.services.record_images import current_version
from compliance.services.write_tags import change_row, show
from scanner.domain.verdict import Verdict

_BATCH = 500
_SHOWN = (
    *("verdict", "score", "runs_as", "platforms", "violated", "size", "judged_at", "judged_by", "failing_since"),
    *("problem_code", "problem_message", "problem_remedy"),
)


@dataclass(slots=True)
class Rejudged:
    """How much was judged; ``changed`` counts tags whose verdict is another one now."""

    images: int = 0
    repositories: int = 0
    changed: int = 0


def rejudge(policy: Policy | None = None, *, now: datetime) -> Rejudged:
    """Judge every image under the current version of a policy, or of all policies some registry uses."""
    counts = Rejudged()
    for used in [policy] if policy else Policy.objects.filter(registries__isnull=False).distinct():
        if used.current is not None:
            _rejudge(used.current, counts, now)
    return counts


def _rejudge(version: PolicyVersion, counts: Rejudged, now: datetime) -> None:
    for pks in _images_of(version):
        _write(pks, version, now)
        counts.images += len(pks)
    repositories = Repository.objects.listed().filter(registry__policy=version.policy_id).order_by("pk")
    for pk in list(repositories.values_list("pk", flat=True)):
        counts.changed += _rejudge_tags(pk, version, now)
        counts.repositories += 1


def _images_of(version: PolicyVersion) -> Iterator[list[int]]:
    """Images that were judged under any version of the policy, in order, without holding them all."""
    after = 0
    judged = Evaluation.objects.filter(policy_version__policy=version.policy_id).values("image")
    while True:
        page = Image.objects.filter(pk__gt=after, pk__in=judged).order_by("pk").values_list("pk", flat=True)
        pks = list(page[:_BATCH])
        if not pks:
            return
        yield pks
        after = pks[-1]


def _write(pks: list[int], version: PolicyVersion, now: datetime) -> None:
    upsert_rows(list(judge_stored(pks, version, now=now)), UNIQUE_EVALUATION, replace=True)


def _rejudge_tags(repository_id: int, version: PolicyVersion, now: datetime) -> int:
    with transaction.atomic():
        repository = Repository.objects.select_for_update().get(pk=repository_id)
        if current_version(repository.registry_id) != version.pk:
            return 0  # a newer version, or another policy, came in between: its verdicts are not to be undone
        changes: list[TagChange] = []
        new = fixed = after = 0
        while True:
            tags = list(Tag.objects.listed().filter(repository=repository, pk__gt=after).order_by("pk")[:_BATCH])
            if not tags:
                break
            after = tags[-1].pk
            for change in _judge_tags(repository_id, tags, version, now):
                changes.append(change[0])
                new, fixed = new + change[1], fixed + change[2]
        TagChange.objects.bulk_create(changes, batch_size=_BATCH)
        count_totals(repository, version, now=now, new=new, fixed=fixed)
    return len(changes)


def _judge_tags(
    repository_id: int, tags: list[Tag], version: PolicyVersion, now: datetime
) -> Iterator[tuple[TagChange, bool, bool]]:
    readable = [tag for tag in tags if tag.image_id or tag.index_id]
    known = _judged({tag.digest for tag in readable}, version, now)
    touched: list[Tag] = []
    for tag in readable:
        if not known.has(tag.digest):  # its limit was raised: the next scan reads it again
            continue
        view = _view(tag, known, now)
        before = TagState(tag.digest, Verdict(tag.verdict), tag.failing_since)
        change = what_happened(before, tag.digest, view.verdict)
        tag.failing_since = failing_since(before, view.verdict, now)
        show(tag, view, version, now)
        touched.append(tag)
        if change is not None:
            yield change_row(repository_id, tag, change, None, now), change.new, change.fixed
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


def _judged(digests: set[str], version: PolicyVersion, now: datetime) -> Known:
    known = known_images(digests, version)
    missing = known.unjudged()  # what a scan stored since, or under the policy the registry had before
    if missing:
        upsert_rows(list(judge_stored(missing, version, now=now)), UNIQUE_EVALUATION, replace=False)
        known = known_images(digests, version)
    return known
