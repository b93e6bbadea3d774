"""Rows of channels and of what is sent to them."""

from __future__ import annotations

from datetime import datetime

from compliance.models import Channel, Delivery, Repository, Subscription, Team, User
from compliance.remediation.joining import packed
from compliance.remediation.notices import Kind, Line, Notice
from tests.support.rows import NOW


def channel(owner: User | Team, *kinds: Kind, **columns: object) -> Channel:
    """A chat's channel that hears of these kinds."""
    values: dict[str, object] = {
        "kind": "slack",
        "name": f"Chat of {owner}",
        "user": owner if isinstance(owner, User) else None,
        "team": owner if isinstance(owner, Team) else None,
        "target": "https://chat.example/services/S3CRET",
        "host": "chat.example",
        "created_at": NOW,
    }
    row = Channel.objects.create(**{**values, **columns})
    Subscription.objects.bulk_create(Subscription(channel=row, kind=kind.value) for kind in kinds)
    return row


def notice(*repositories: Repository, key: str = "critical/1", kind: Kind = Kind.CRITICAL) -> Notice:
    """News of some repositories."""
    return Notice(
        kind,
        key,
        "New critical finding",
        "/findings/",
        tuple(Line(f"NR103 in {row.name}", "/findings/1/", 1, "NR103", row.pk) for row in repositories),
        repositories=tuple(row.pk for row in repositories),
        teams=frozenset(row.team_id for row in repositories),
    )


def delivery(to: Channel, about: Notice, *, at: datetime = NOW) -> Delivery:
    """One that waits."""
    return Delivery.objects.create(
        channel=to, kind=about.kind.value, about=about.about, message=packed(about), created_at=at, next_at=at
    )
