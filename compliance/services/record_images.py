"""Write a batch of a repository scan in one transaction: all of it, or, when the lease was lost, nothing."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from django.db import transaction
from django.db.models import BooleanField, ExpressionWrapper, Q

from compliance.models import (
    Image,
    Index,
    IndexImage,
    Policy,
    PolicyVersion,
    Repository,
    RepositoryScan,
)
from compliance.services.ask_images import ImageRead, image_rows
from compliance.services.count_totals import Turns, count_totals
from compliance.services.forget_tags import forget_tags
from compliance.services.heavy_layers import BIG_LAYERS
from compliance.services.judge_images import judged_images
from compliance.services.known_images import Known
from compliance.services.label_repository import label_repository
from compliance.services.leave_out import leave_out_tags
from compliance.services.look_again import look_again, overwritten
from compliance.services.news_of_findings import tell_of_findings
from compliance.services.reconcile_findings import reconcile_tags
from compliance.services.record_problem import NO_PROBLEM, Mishap, record_mishaps
from compliance.services.record_progress import Progress, record_progress
from compliance.services.write_tags import TagRead, write_tags

_BATCH = 200


class PolicyChanged(Exception):
    """The repository is judged by another policy version now; the batch has to be judged again."""


@dataclass(frozen=True, slots=True)
class IndexRead:
    """A manifest list with its images, nested lists flattened, as (platform, digest)."""

    digest: str
    media_type: str
    children: tuple[tuple[str, str], ...]


@dataclass(slots=True, kw_only=True)
class Batch(Progress):
    """What to write.

    :param gone: ids of tags the registry no longer has, each with when it was asked.
    :param outside: ids of tags that are out of scope.
    :param platforms: ``Index.platforms``.
    """

    tags: Sequence[TagRead] = ()
    images: Sequence[ImageRead] = ()
    indexes: Sequence[IndexRead] = ()
    gone: Mapping[int, datetime] = field(default_factory=dict)
    outside: Sequence[int] = ()
    platforms: str = ""

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to write but counters."""
        return not (self.tags or self.images or self.indexes or self.gone or self.outside)


def record_images(
    repository_scan: RepositoryScan, token: uuid.UUID, version: PolicyVersion, batch: Batch, *, now: datetime
) -> None:
    """Write images, indexes, evaluations, tags, changes, findings, totals, today's snapshot and counters.

    :raises LeaseLost: when another worker has the repository scan, or it was cancelled.
    :raises PolicyChanged: when ``version`` is no longer the repository's.
    """
    look_again(overwritten(image.digest for image in batch.images))
    with transaction.atomic():
        RepositoryScan.objects.fence(repository_scan.pk, token)
        # Judging again after a policy change takes the same lock, so neither overwrites the other's verdicts.
        repository = Repository.objects.select_for_update().get(pk=repository_scan.repository_id)
        if current_version(repository) != version.pk:
            raise PolicyChanged
        _mix(repository, version)
        images_new = _write_images(batch.images, now)
        _write_indexes(batch.indexes, batch.platforms, now)
        known = _judged(batch, version, now)
        written = write_tags(repository, batch.tags, known, version, repository_scan.scan_id, now=now)
        forget_tags(repository.pk, batch.gone, repository_scan.scan_id, now=now)
        leave_out_tags(batch.outside, now=now)
        label_repository(repository, now=now)  # before findings: waivers go by teams
        tags = [*written.tags, *batch.gone, *batch.outside]
        found = reconcile_tags(
            repository.pk, tags, version, scan_id=repository_scan.scan_id, now=now, moved=written.moved
        )
        if written.rows or batch.gone or batch.outside or found.recount:
            turns = Turns(written.new, written.fixed, written.regressed)
            count_totals(repository, version, now=now, turns=turns)
            _return(repository)
        tell_of_findings(found, now=now)  # rung for when the turn ends, or by the tick
        _write_mishaps(repository_scan, batch, now)
        record_progress(repository_scan.pk, token, batch, images_new=images_new, written=written)


def current_version(repository: Repository) -> int | None:
    """The id of the policy version that counts for a repository now; the caller holds its row."""
    return Policy.objects.filter(pk=repository.policy_id).values_list("current", flat=True).get()


def _return(repository: Repository) -> None:
    """A push may bring back what a listing no longer had."""
    if repository.deleted_at is not None and repository.tags_total:
        Repository.objects.filter(pk=repository.pk).update(deleted_at=None, **NO_PROBLEM)


def _mix(repository: Repository, version: PolicyVersion) -> None:
    """From here on its tags are not all of one version."""
    if repository.judged_by_id not in (None, version.pk):
        Repository.objects.filter(pk=repository.pk).update(judged_by=None)


def _write_images(images: Iterable[ImageRead], now: datetime) -> int:
    rows: dict[str, Image] = {row.digest: row for row in image_rows(images, now=now)}
    if not rows:
        return 0
    # In one order everywhere: two workers that insert the same digests must not wait for each other in a circle.
    existing = {row.digest: row for row in Image.objects.filter(digest__in=rows).defer("facts", "config_document")}
    fresh = [rows[digest] for digest in sorted(rows) if digest not in existing]
    Image.objects.bulk_create(fresh, ignore_conflicts=True, batch_size=_BATCH)
    again = overwritten(existing)
    for digest, row in existing.items():
        if row.pk in again:
            fresh_row = rows[digest]
            fresh_row.pk, fresh_row.first_seen_at = row.pk, row.first_seen_at
            fresh_row.save()
    return len(fresh)


def _write_indexes(indexes: Iterable[IndexRead], platforms: str, now: datetime) -> None:
    by_digest = {index.digest: index for index in indexes}
    if not by_digest:
        return
    Index.objects.bulk_create(
        (
            Index(digest=digest, platforms=platforms, media_type=read.media_type[:255], first_seen_at=now)
            for digest, read in sorted(by_digest.items())
        ),
        ignore_conflicts=True,
    )
    pks = dict(Index.objects.filter(digest__in=by_digest, platforms=platforms).values_list("digest", "pk"))
    wanted = {digest for index in by_digest.values() for _, digest in index.children}
    images = {row.digest: row for row in Image.objects.filter(digest__in=wanted).only("digest", "platform", "artifact")}
    _forget_other_children(by_digest, pks)
    repeating = [pks[digest] for digest, index in by_digest.items() if _repeats(_children(index), images)]
    Index.objects.filter(pk__in=pks.values()).update(repeats=ExpressionWrapper(Q(pk__in=repeating), BooleanField()))
    IndexImage.objects.bulk_create(
        (
            IndexImage(index_id=pks[digest], image_id=images[child].pk, position=position, platform=platform)
            for digest, index in sorted(by_digest.items())
            for position, (platform, child) in enumerate(_children(index))
        ),
        ignore_conflicts=True,
    )


def _repeats(children: Iterable[tuple[str, str]], images: Mapping[str, Image]) -> bool:
    """Whether two images may be of one platform: one that says none may be of any."""
    runnable = [(platform, images[digest]) for platform, digest in children if not images[digest].artifact]
    found = [platform or row.platform for platform, row in runnable]
    return len(set(found)) < len(found) or ("" in found and len(found) > 1)


def _forget_other_children(by_digest: Mapping[str, IndexRead], pks: Mapping[str, int]) -> None:
    """An index whose limit has been raised since has other images below it than the problem that stood for them."""
    stored: dict[int, list[tuple[str, str]]] = {}
    rows = IndexImage.objects.filter(index__in=pks.values()).order_by("index", "position")
    for index, platform, digest in rows.values_list("index_id", "platform", "image__digest"):
        stored.setdefault(index, []).append((platform, digest))
    other = [pks[digest] for digest, index in by_digest.items() if stored.get(pks[digest]) != _children(index)]
    IndexImage.objects.filter(index__in=[pk for pk in other if pk in stored]).delete()


def _children(index: IndexRead) -> list[tuple[str, str]]:
    return [(platform[:100], digest) for platform, digest in index.children]


def _judged(batch: Batch, version: PolicyVersion, now: datetime) -> Known:
    digests = [tag.digest for tag in batch.tags if tag.digest and tag.problem is None]
    return judged_images(digests, version, now=now, platforms=batch.platforms)


def _write_mishaps(repository_scan: RepositoryScan, batch: Batch, now: datetime) -> None:
    of_tags = [Mishap(tag.name, tag.problem) for tag in batch.tags if tag.problem and tag.problem.code != BIG_LAYERS]
    of_images = [Mishap(image.digest, image.problem) for image in batch.images if image.problem]
    record_mishaps(repository_scan.scan_id, repository_scan.repository_id, [*of_tags, *of_images], now=now)
