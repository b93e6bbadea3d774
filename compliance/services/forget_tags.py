"""Mark tags and repositories that the registry no longer lists; nothing is erased."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from django.db.models import Q

from compliance.models import Repository, Tag, TagChange
from compliance.policy.tag_change import TagState, deletion
from compliance.services.count_totals import count_totals
from scanner.domain.verdict import Verdict

_BATCH = 1_000


def forget_tags(
    repository_id: int, ids: Sequence[int], scan_id: int, *, now: datetime, seen_at: datetime | None = None
) -> None:
    """Mark tags as deleted, with a change for each; totals are the caller's, who holds the repository's row.

    :param seen_at: when the registry was asked; tags that somebody has seen since stay. ``None``: all are gone.
    """
    for start in range(0, len(ids), _BATCH):
        rows = Tag.objects.listed().filter(pk__in=ids[start : start + _BATCH])
        if seen_at is not None:
            rows = rows.filter(Q(seen_at=None) | Q(seen_at__lte=seen_at))
        tags = list(rows)
        TagChange.objects.bulk_create(_change(tag, repository_id, scan_id, now) for tag in tags)
        gone = {"deleted_at": now, "failing_since": None} | ({"seen_at": seen_at} if seen_at else {})
        Tag.objects.filter(pk__in=[tag.pk for tag in tags]).update(**gone)


def forget_repositories(ids: Sequence[int], scan_id: int, *, now: datetime, seen_at: datetime | None = None) -> None:
    """Mark repositories as deleted together with all their tags; their snapshot of today counts none.

    :param seen_at: when the registry was asked; a repository with a tag that somebody has seen since stays.
    """
    for pk in ids:
        repository = Repository.objects.select_for_update(of=("self",)).select_related("policy__current").get(pk=pk)
        tags = Tag.objects.listed().filter(repository=pk).values_list("pk", flat=True)
        forget_tags(pk, list(tags), scan_id, now=now, seen_at=seen_at)
        version = repository.policy.current
        if version is not None:
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
