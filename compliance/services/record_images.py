"""Write a batch of a repository scan in one transaction: all of it, or, when the lease was lost, nothing."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from django.db import transaction
from django.db.models import F

from compliance.models import (
    Evaluation,
    Image,
    Index,
    IndexImage,
    PolicyVersion,
    Registry,
    Repository,
    RepositoryScan,
    Tag,
    TagChange,
)
from compliance.policy.tag_change import Change, TagState, failing_since, what_happened
from compliance.policy.tag_view import TagView
from compliance.services.count_totals import count_totals
from compliance.services.forget_tags import forget_tags
from compliance.services.judge_images import ImageRead, image_row, judge_stored
from compliance.services.known_images import Known, known_images
from compliance.services.record_problem import Mishap, problem_columns, record_mishaps
from scanner.domain.problems import ScanProblem
from scanner.domain.verdict import Verdict

_BATCH = 200


class PolicyChanged(Exception):
    """The registry is judged by another policy version now; the batch has to be judged again."""


@dataclass(frozen=True, slots=True)
class IndexRead:
    """A manifest list with its images, nested lists flattened, as (platform, digest)."""

    digest: str
    media_type: str
    children: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class TagRead:
    """A tag and what it leads to; with a problem the digest is empty where the registry gave none.

    :param keep: a passing fault hid what the tag points to, so what was known of it stays.
    """

    name: str
    digest: str
    problem: ScanProblem | None = None
    keep: bool = False


@dataclass(slots=True)
class Batch:
    """What to write.

    :param gone: ids of tags the registry no longer lists.
    :param known: how many tags led to a digest we had.
    :param tags_done: how many tags of the repository are done with this batch.
    :param cursor: the last tag of a batch that is complete.
    """

    tags: Sequence[TagRead] = ()
    images: Sequence[ImageRead] = ()
    indexes: Sequence[IndexRead] = ()
    gone: Sequence[int] = ()
    requests: int = 0
    bytes: int = 0
    layers: int = 0
    known: int = 0
    cursor: str | None = None
    tags_done: int = 0


@dataclass(slots=True)
class _Written:
    changes: list[tuple[Tag, Change]] = field(default_factory=list)
    new_tags: list[Tag] = field(default_factory=list)
    old_tags: list[Tag] = field(default_factory=list)


def record_images(
    repository_scan: RepositoryScan, token: uuid.UUID, version: PolicyVersion, batch: Batch, *, now: datetime
) -> None:
    """Write images, indexes, evaluations, tags, changes, totals, today's snapshot and counters.

    :raises LeaseLost: when another worker has the repository scan, or it was cancelled.
    :raises PolicyChanged: when ``version`` is no longer the registry's.
    """
    with transaction.atomic():
        RepositoryScan.objects.fence(repository_scan.pk, token)
        # Judging again after a policy change takes the same lock, so neither overwrites the other's verdicts.
        repository = Repository.objects.select_for_update().get(pk=repository_scan.repository_id)
        if _current_version(repository.registry_id) != version.pk:
            raise PolicyChanged
        images_new = _write_images(batch.images, now)
        _write_indexes(batch.indexes, now)
        known = _judged(batch, version, now)
        written = _write_tags(repository, batch.tags, known, now)
        _write_changes(repository, repository_scan.scan_id, written.changes, now)
        forget_tags(repository.pk, batch.gone, repository_scan.scan_id, now=now)
        new = sum(change.new for _, change in written.changes)
        fixed = sum(change.fixed for _, change in written.changes)
        if written.new_tags or written.old_tags or batch.gone:
            count_totals(repository, version, now=now, new=new, fixed=fixed)
        _write_mishaps(repository_scan, batch, now)
        _write_counters(repository_scan.pk, batch, images_new, (new, fixed))


def _current_version(registry_id: int) -> int | None:
    return Registry.objects.filter(pk=registry_id).values_list("policy__current", flat=True).get()


def _write_images(images: Iterable[ImageRead], now: datetime) -> int:
    rows: dict[str, Image] = {image.digest: image_row(image, now=now) for image in images}
    if not rows:
        return 0
    # In one order everywhere: two workers that insert the same digests must not wait for each other in a circle.
    existing = {row.digest: row for row in Image.objects.filter(digest__in=rows).defer("facts")}
    fresh = [rows[digest] for digest in sorted(rows) if digest not in existing]
    Image.objects.bulk_create(fresh, ignore_conflicts=True, batch_size=_BATCH)
    for digest, row in existing.items():
        if row.problem_code:  # an outgrown limit: the bytes were looked at again
            fresh_row = rows[digest]
            fresh_row.pk, fresh_row.first_seen_at = row.pk, row.first_seen_at
            fresh_row.save()
            Evaluation.objects.filter(image=row).delete()
    return len(fresh)


def _write_indexes(indexes: Iterable[IndexRead], now: datetime) -> None:
    by_digest = {index.digest: index for index in indexes}
    if not by_digest:
        return
    Index.objects.bulk_create(
        (
            Index(digest=digest, media_type=by_digest[digest].media_type[:255], first_seen_at=now)
            for digest in sorted(by_digest)
        ),
        ignore_conflicts=True,
    )
    pks = dict(Index.objects.filter(digest__in=by_digest).values_list("digest", "pk"))
    wanted = {digest for index in by_digest.values() for _, digest in index.children}
    images = dict(Image.objects.filter(digest__in=wanted).values_list("digest", "pk"))
    IndexImage.objects.bulk_create(
        (
            IndexImage(index_id=pks[digest], image_id=images[child], position=position, platform=platform[:100])
            for digest, index in sorted(by_digest.items())
            for position, (platform, child) in enumerate(index.children)
        ),
        ignore_conflicts=True,
    )


def _judged(batch: Batch, version: PolicyVersion, now: datetime) -> Known:
    digests = [tag.digest for tag in batch.tags if tag.digest and tag.problem is None]
    known = known_images(digests, version)
    unjudged = known.unjudged()
    if not unjudged:
        return known
    rows = list(judge_stored(sorted(unjudged), version, now=now))
    Evaluation.objects.bulk_create(rows, ignore_conflicts=True, batch_size=_BATCH)
    return known_images(digests, version)


def _write_tags(repository: Repository, tags: Sequence[TagRead], known: Known, now: datetime) -> _Written:
    stored = {row.name: row for row in Tag.objects.filter(repository=repository, name__in=[tag.name for tag in tags])}
    written = _Written()
    for read in tags:
        row = stored.get(read.name)
        if read.keep and row is not None and row.deleted_at is None:
            continue
        view = _unread(read.problem) if read.problem else known.view(read.digest)
        before = _state(row)
        change = what_happened(before, read.digest or (before.digest if before else ""), view.verdict)
        if row is not None and change is None and not _differs(row, view):
            continue
        tag = row or Tag(repository=repository, name=read.name, first_seen_at=now, moved_at=now)
        _update(tag, read, view, change, known, now)
        tag.failing_since = failing_since(before, view.verdict, now)
        (written.old_tags if row else written.new_tags).append(tag)
        if change is not None:
            written.changes.append((tag, change))
    Tag.objects.bulk_create(written.new_tags, batch_size=_BATCH)
    Tag.objects.bulk_update(written.old_tags, _UPDATED, batch_size=_BATCH)
    return written


_UPDATED = (
    *("digest", "image", "index", "verdict", "score", "runs_as", "platforms", "violated", "size", "moved_at"),
    *("judged_at", "deleted_at", "failing_since", "problem_code", "problem_message", "problem_remedy"),
)


def _state(row: Tag | None) -> TagState | None:
    if row is None:
        return None
    return TagState(row.digest, Verdict(row.verdict), row.failing_since, row.deleted_at is not None)


def _unread(problem: ScanProblem) -> TagView:
    columns = problem_columns(problem)
    told = (columns["problem_code"], columns["problem_message"], columns["problem_remedy"])
    return TagView(Verdict.UNKNOWN, None, "", (), (), 0, told)


def _differs(row: Tag, view: TagView) -> bool:
    shown = (row.score, row.runs_as, row.platforms, row.violated, row.problem_code)
    code = view.problem[0] if view.problem else ""
    return shown != (view.score, view.runs_as, list(view.platforms), list(view.violated), code)


def _update(tag: Tag, read: TagRead, view: TagView, change: Change | None, known: Known, now: datetime) -> None:
    if read.digest and read.digest != tag.digest:
        tag.moved_at = now
    tag.digest = read.digest or tag.digest
    index = known.indexes.get(read.digest)
    image = known.images.get(read.digest)
    if read.problem is not None:
        index = image = None
    tag.index_id = index.pk if index else None
    tag.image_id = image.pk if image and not index else None
    tag.deleted_at = None
    tag.judged_at = now
    show(tag, view)


def show(tag: Tag, view: TagView) -> None:
    """Copy a view into a tag's columns."""
    tag.verdict, tag.score, tag.runs_as = view.verdict.value, view.score, view.runs_as
    tag.platforms, tag.violated, tag.size = list(view.platforms), list(view.violated), view.size
    tag.problem_code, tag.problem_message, tag.problem_remedy = view.problem or ("", "", "")


def _write_changes(
    repository: Repository, scan_id: int | None, changes: Sequence[tuple[Tag, Change]], now: datetime
) -> None:
    TagChange.objects.bulk_create(
        (change_row(repository.pk, tag, change, scan_id, now) for tag, change in changes), batch_size=_BATCH
    )


def change_row(repository_id: int, tag: Tag, change: Change, scan_id: int | None, now: datetime) -> TagChange:
    """Make an unsaved row."""
    return TagChange(
        repository_id=repository_id,
        tag=tag,
        kind=change.kind.value,
        at=now,
        from_digest=change.from_digest,
        to_digest=change.to_digest,
        was=change.was.value if change.was else "",
        became=change.became.value if change.became else "",
        scan_id=scan_id,
    )


def _write_mishaps(repository_scan: RepositoryScan, batch: Batch, now: datetime) -> None:
    of_tags = [Mishap(tag.name, tag.problem) for tag in batch.tags if tag.problem]
    of_images = [Mishap(image.digest, image.problem) for image in batch.images if image.problem]
    record_mishaps(repository_scan.scan_id, repository_scan.repository_id, [*of_tags, *of_images], now=now)


def _write_counters(pk: int, batch: Batch, images_new: int, changes: tuple[int, int]) -> None:
    values: Mapping[str, object] = {
        "tags_done": batch.tags_done,
        "images_new": F("images_new") + images_new,
        "layers_indexed": F("layers_indexed") + batch.layers,
        "requests": F("requests") + batch.requests,
        "bytes": F("bytes") + batch.bytes,
        "cache_hits": F("cache_hits") + batch.known,
        "new": F("new") + changes[0],
        "fixed": F("fixed") + changes[1],
    }
    if batch.cursor is not None:
        values = {**values, "cursor": batch.cursor}
    # Something is stored that the next worker need not do again, so a crash after this is not the same crash.
    if batch.cursor is not None or images_new or batch.layers:
        values = {**values, "attempts": 1}
    RepositoryScan.objects.filter(pk=pk).update(**values)
