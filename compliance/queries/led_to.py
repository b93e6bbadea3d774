"""Images and indexes that somebody may see: what a tag of a repository of theirs leads to, or led to."""

from __future__ import annotations

from django.db.models import Exists, OuterRef, Q, QuerySet

from compliance.access import Actor
from compliance.models import Image, Index, IndexImage, Tag, TagChange


def images_for(actor: Actor) -> QuerySet[Image]:
    """Images that somebody may see, to be narrowed to a few: each is looked up in the tags."""
    if actor.sees_everything:
        return Image.objects.all()
    tags = Tag.objects.for_user(actor).filter(image=OuterRef("pk"))
    within = IndexImage.objects.filter(image=OuterRef("pk"), index__in=indexes_for(actor))
    return Image.objects.filter(Exists(tags) | Exists(within) | _passed(actor))


def indexes_for(actor: Actor) -> QuerySet[Index]:
    """Indexes that somebody may see, to be narrowed likewise."""
    if actor.sees_everything:
        return Index.objects.all()
    return Index.objects.filter(Exists(Tag.objects.for_user(actor).filter(index=OuterRef("pk"))) | _passed(actor))


def _passed(actor: Actor) -> Q:
    """A tag has moved on from it, whose history still links to the digest; asked last, and then once for all rows."""
    return Q(digest__in=TagChange.objects.for_user(actor).order_by().values("to_digest"))
