"""Keep a repository's labels those of the image its newest tag points to, inside the caller's transaction."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from compliance.models import Image, IndexImage, Repository, Tag
from compliance.policy.ownership import kept_labels
from compliance.services.assign_owners import assign_owner
from scanner.domain.verdict import Verdict
from scanner.storage import UnreadableFacts, load_facts

_LOOKED_AT: Final = 50


def label_repository(repository: Repository, *, now: datetime) -> None:
    """Write labels where the newest tag points to another image than they are of; the caller holds the row.

    An image that cannot be read says nothing, so the labels stay, and the owner with them.
    """
    newest = _newest(repository.pk)
    if newest is None or newest.digest == repository.labels_digest:
        return
    labels = _labels(newest)
    if labels is None:
        return
    changed = labels != repository.labels
    repository.labels, repository.labels_digest = labels, newest.digest
    repository.save(update_fields=["labels", "labels_digest"])
    if changed:
        assign_owner(repository, now=now)


def _newest(repository_id: int) -> Tag | None:
    """The tag that moved last and can run; signatures and attestations follow every push as tags of their own."""
    # Of those that moved at one moment the one listed last: "latest" comes after numbers, and 2.0 after 1.0.
    rows = Tag.objects.listed().filter(repository=repository_id).order_by("-moved_at", "-pk")
    columns = ("digest", "verdict", "image_id", "index_id")
    latest = rows.only(*columns)[:_LOOKED_AT]
    return next((tag for tag in latest if tag.verdict != Verdict.NOT_APPLICABLE), None)


def _labels(tag: Tag) -> dict[str, str] | None:
    """Those of its image, or of the first of its images that can run; ``None`` where none was read."""
    facts = _facts(tag)
    if facts is None:
        return None
    try:
        return kept_labels(dict(load_facts(bytes(facts)).config.labels))
    except UnreadableFacts:
        return None


def _facts(tag: Tag) -> bytes | memoryview | None:
    if tag.image_id is not None:
        return Image.objects.filter(pk=tag.image_id).values_list("facts", flat=True).first()
    children = IndexImage.objects.filter(index=tag.index_id).exclude(image__facts=None).order_by("position")
    return children.values_list("image__facts", flat=True).first()
