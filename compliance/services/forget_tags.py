"""Mark tags and repositories that the registry no longer lists; nothing is erased."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from compliance.models import Repository, Tag, TagChange
from compliance.models.bulk import update_rows
from compliance.policy.tag_change import TagState, deletion
from compliance.services.count_totals import count_totals
from compliance.services.reconcile_findings import reconcile_tags
from scanner.domain.verdict import Verdict

_BATCH = 1_000
_COLUMNS = ("deleted_at", "failing_since", "seen_at")


def forget_tags(repository_id: int, gone: Mapping[int, datetime], scan_id: int, *, now: datetime) -> None:
    """Mark tags as deleted, with a change for each; findings and totals are the caller's, who holds the repository.

    :param gone: ids, each with when the registry was asked for that tag; those that somebody has seen since stay.
    """
    ids = list(gone)
    for start in range(0, len(ids), _BATCH):
        rows = Tag.objects.listed().filter(pk__in=ids[start : start + _BATCH])
        tags = [tag for tag in rows if tag.seen_at is None or tag.seen_at <= gone[tag.pk]]
        TagChange.objects.bulk_create(_change(tag, repository_id, scan_id, now) for tag in tags)
        for tag in tags:
            tag.deleted_at, tag.failing_since, tag.seen_at = now, None, gone[tag.pk]
        update_rows(tags, _COLUMNS)


def forget_repositories(ids: Sequence[int], scan_id: int, *, now: datetime, asked_at: datetime) -> None:
    """Mark repositories as deleted together with all their tags; their snapshot of today counts none.

    :param asked_at: when the registry was; a repository with a tag that somebody has seen since stays.
    """
    for pk in ids:
        repository = Repository.objects.select_for_update(of=("self",)).select_related("policy__current").get(pk=pk)
        tags = list(Tag.objects.listed().filter(repository=pk).values_list("pk", flat=True))
        forget_tags(pk, dict.fromkeys(tags, asked_at), scan_id, now=now)
        version = repository.policy.current
        if version is not None:
            reconcile_tags(pk, tags, version, scan_id=scan_id, now=now)
            count_totals(repository, version, now=now)
        if not Tag.objects.listed().filter(repository=pk).exists():
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
