"""What somebody watches, and whether any of it reaches them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from compliance.access import Actor
from compliance.models import NoticeKind, Repository, Subscription, Watch


@dataclass(frozen=True, slots=True)
class Watched:
    """One repository that somebody watches and may see."""

    registry_slug: str
    registry: str
    name: str
    since: datetime


def watched_by(actor: Actor) -> tuple[Watched, ...]:
    """By name. What they may not see any more is not named, nor are they told of it."""
    seen = Repository.objects.for_user(actor).order_by()
    rows = Watch.objects.filter(user=actor.id, repository__in=seen).select_related("repository__registry")
    return tuple(
        Watched(row.repository.registry.slug, row.repository.registry.name, row.repository.name, row.since)
        for row in rows.order_by("repository__name", "pk")
    )


def hears_of_watched(actor: Actor) -> bool:
    """Whether a channel of theirs is told of what they watch."""
    on = Subscription.objects.filter(channel__user=actor.id, channel__enabled=True)
    return on.filter(kind=NoticeKind.WATCHED).exists()
