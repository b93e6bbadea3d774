"""Mark tags and repositories that the registry no longer lists; nothing is erased."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from compliance.models import Repository, Tag, TagChange
from compliance.policy.tag_change import TagState, deletion
from compliance.services.count_totals import count_totals
from scanner.domain.verdict import Verdict

_BATCH = 1_000


def forget_tags(repository_id: int, ids: Sequence[int], scan_id: int, *, now: datetime) -> None:
    """Mark tags as deleted, with a change for each; totals are the caller's."""
    for start in range(0, len(ids), _BATCH):
        tags = list(Tag.objects.listed().filter(pk__in=ids[start : start + _BATCH]))
        TagChange.objects.bulk_create(_change(tag, repository_id, scan_id, now) for tag in tags)
        Tag.objects.filter(pk__in=[tag.pk for tag in tags]).update(deleted_at=now, failing_since=None)


def forget_repositories(ids: Sequence[int], scan_id: int, *, now: datetime) -> None:
    """Mark repositories as deleted together with all their tags; their snapshot of today counts none."""
    for pk in ids:
        repository = Repository.objects.select_for_update(of=("self",)).select_related("policy__current").get(pk=pk)
        tags = Tag.objects.listed().filter(repository=pk).values_list("pk", flat=True)
        forget_tags(pk, list(tags), scan_id, now=now)
        version = repository.policy.current
        if version is not None:
            count_totals(repository, version, now=now)
        Repository.objects.filter(pk=pk).update(deleted_at=now)


def _change(tag: Tag, repository_id: int, scan_id: int, now: datetime) -> TagChange:
    change = deletion(TagState(tag.digest, Verdict(tag.verdict), tag.failing_since))
    return TagChange(
        repository_id=repository_id,
        tag=tag,
        kind=change.kind,
        at=now,
        from_digest=change.from_digest,
        to_digest="",
        was=tag.verdict,
        became="",
        scan_id=scan_id,
    )
