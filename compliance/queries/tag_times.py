"""What is exactly known of when tags were pushed, asked about and built, read with the rows themselves."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.db.models import F, Max, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce

from compliance.models import Image, IndexImage, Push, Tag
from compliance.policy.tag_age import FIRST_CONTAINERS

_SAYS_WHEN: Final = Q(built_at__gte=FIRST_CONTAINERS, built_at__lte=F("first_seen_at"))
"""As ``policy.tag_age.built_at`` decides it."""


@dataclass(frozen=True, slots=True)
class Times:
    """Moments of one tag; ``None`` where nobody knows.

    :param pushed_at: when the registry announced the push of the very digest it points to.
    :param asked_at: when the last scan ended that found it as it is shown.
    :param built_at: what the config says, of several images the youngest.
    """

    pushed_at: datetime | None
    asked_at: datetime | None
    built_at: datetime | None


def with_times(tags: QuerySet[Tag]) -> QuerySet[Tag]:
    """Tags with what ``times_of`` reads; as subqueries these are asked for the rows that are returned, not for all."""
    single = Image.objects.filter(_SAYS_WHEN, pk=OuterRef("image")).values("built_at")
    children = IndexImage.objects.filter(index=OuterRef("index")).order_by().values("index")
    young = Q(image__built_at__gte=FIRST_CONTAINERS, image__built_at__lte=F("image__first_seen_at"))
    youngest = children.annotate(built=Max("image__built_at", filter=young)).values("built")
    return tags.annotate(
        announced_at=Subquery(_announcements().values("received_at")),
        built_at=Coalesce(Subquery(single), Subquery(youngest)),
    )


def times_of(tag: Tag) -> Times:
    """Read a tag of ``with_times`` that was selected with its repository."""
    annotated = vars(tag)
    asked_at = asked(tag.seen_at, tag.repository.scanned_at, unconfirmed=tag.unconfirmed_since is not None)
    return Times(annotated["announced_at"], asked_at, annotated["built_at"])


def asked(alone: datetime | None, together: datetime | None, *, unconfirmed: bool) -> datetime | None:
    """When the registry last said that a tag is as it is shown.

    :param alone: when a scan wrote down that it asked; one that finds nothing new of a tag writes nothing.
    :param together: when the last scan of all tags of the repository ended.
    :param unconfirmed: the registry has not said it since, and nothing keeps when it last did.
    """
    return None if unconfirmed else max(filter(None, (alone, together)), default=None)


def _announcements() -> QuerySet[Push]:
    """The last push of a tag that was announced, where it is the one that brought the tag to its digest.

    Only the last, however many there are. A tag that came back to a digest without being announced came after the scan
    that answered the earlier push. What is replayed comes later than the push.
    """
    last = Push.objects.filter(
        registry=OuterRef(OuterRef("repository__registry")),
        repository=OuterRef(OuterRef("repository__name")),
        tag=OuterRef(OuterRef("name")),
        state=Push.State.JOINED,
        event__replay_of=None,
    )
    return Push.objects.filter(
        Q(scan__finished_at=None) | Q(scan__finished_at__gte=OuterRef("moved_at")),
        pk=Subquery(last.order_by("-pk").values("pk")[:1]),
        kind=Push.Kind.PUSHED,
        digest=OuterRef("digest"),
        scan__isnull=False,
    ).exclude(digest="")
