"""What the images that tags of a repository have pointed to are under a policy as it is now; nothing is written."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from django.db.models import Q, QuerySet

from compliance.models import Image, Index, IndexImage, Outline, Repository, Tag, TagChange
from compliance.policy.document import read_policy
from compliance.policy.scan_scope import OUT_OF_SCOPE
from compliance.policy.tag_view import ImageView, tag_view
from compliance.policy.weighed_again import Move
from compliance.policy.weighing import weigh
from scanner.domain.policy import Policy
from scanner.domain.verdict import Verdict
from scanner.judge import REVISION

MOST_MOVES: Final = 10_000
"""Weighing more again takes longer than somebody waits for a page."""


def moves_of(repository: Repository, *, kept: timedelta, now: datetime) -> list[Move] | None:
    """All moves of the tags in today's scope, each with what its image is under the policy of today.

    What it pointed to is *unknown* where that image is no longer stored, or was read for other platforms.

    :param repository: with registry, policy and its current version.
    :param kept: how long a verdict counts that the registry does not confirm.
    :returns: ``None`` where there are more than ``MOST_MOVES``.
    """
    if repository.policy.current is None:  # nothing was ever judged
        return []
    left_out = Q(tag__problem_code=OUT_OF_SCOPE, tag__deleted_at__isnull=False)
    changes = TagChange.objects.filter(repository=repository).exclude(kind=TagChange.Kind.REJUDGED).exclude(left_out)
    rows = list(changes.order_by("at", "pk").values_list("at", "tag_id", "kind", "to_digest")[: MOST_MOVES + 1])
    if len(rows) > MOST_MOVES:
        return None
    digests = {digest for *_, digest in rows}
    policy = read_policy(repository.policy.current.document)
    verdicts = _verdicts(digests, policy, repository.registry.scope.platform_key)
    gone = TagChange.Kind.DELETED
    moves = [
        Move(at, tag, digest, None if kind == gone else verdicts.get(digest, Verdict.UNKNOWN))
        for at, tag, kind, digest in rows
    ]
    return sorted([*moves, *_doubted(repository, kept, now)], key=lambda move: move.at)


def _doubted(repository: Repository, kept: timedelta, now: datetime) -> Iterable[Move]:
    """Tags nobody can say anything of now, whatever is known of what they pointed to."""
    unread = Q(image__isnull=True, index__isnull=True)
    rows = Tag.objects.listed().filter(Q(unconfirmed_since__lte=now - kept) | unread, repository=repository)
    for pk, digest, since, judged in rows.values_list("pk", "digest", "unconfirmed_since", "judged_at"):
        yield Move(since + kept if since and since <= now - kept else judged or now, pk, digest, Verdict.UNKNOWN)


def _verdicts(digests: Collection[str], policy: Policy, platforms: str) -> dict[str, Verdict]:
    indexes = dict(Index.objects.filter(digest__in=digests, platforms=platforms).values_list("pk", "digest"))
    children: dict[int, list[tuple[int, str]]] = {pk: [] for pk in indexes}
    rows = IndexImage.objects.filter(index__in=list(indexes)).order_by("index", "position")
    for index, image, platform in rows.values_list("index_id", "image_id", "platform"):
        children[index].append((image, platform))
    below = {image for found in children.values() for image, _ in found}
    views = _views(Image.objects.filter(Q(digest__in=digests) | Q(pk__in=below)), policy)
    found = {view.digest: tag_view([view], policy).verdict for view in views.values() if view.digest in digests}
    for pk, digest in indexes.items():
        shown = [replace(views[image], platform=platform or views[image].platform) for image, platform in children[pk]]
        found[digest] = tag_view(shown, policy).verdict
    return found


def _views(images: QuerySet[Image], policy: Policy) -> dict[int, ImageView]:
    rows = list(images.values("pk", "digest", "platform", "identity", "outline_id", "outline_revision"))
    # What other rules were put to is not weighed: nobody knows what ours would find.
    outlines = {row["pk"]: row["outline_id"] for row in rows if row["outline_revision"] == REVISION}
    texts = Outline.objects.filter(pk__in=set(outlines.values())).values_list("pk", "text")
    verdicts: dict[int | None, Verdict] = {pk: weigh(policy, text).verdict for pk, text in texts}
    return {
        row["pk"]: ImageView(
            digest=row["digest"],
            platform=row["platform"],
            verdict=verdicts.get(outlines.get(row["pk"]), Verdict.UNKNOWN),
            score=None, runs_as="", violated=(), size=0, identity=row["identity"],
        )
        for row in rows
    }  # fmt: skip
