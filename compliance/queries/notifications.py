"""Channels with what they are told of, and one channel with what was sent to it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.db.models import Count, Prefetch

from compliance.access import Actor, may_see_team
from compliance.models import Channel, Delivery, DeliveryAttempt, NoticeKind, Team, User
from compliance.queries.paging import Paging, page_of

KINDS: Final[Mapping[str, str]] = {str(kind): str(kind.label) for kind in NoticeKind}
_LABELS: Final[Mapping[str, str]] = {**KINDS, "view": "A saved view", "test": "A test"}
_MOST_TRIES: Final = 20


@dataclass(frozen=True, slots=True)
class Ticked:
    """One cell of the table: a channel's id and a kind, as the form sends it."""

    value: str
    label: str
    channel: str
    on: bool


@dataclass(frozen=True, slots=True)
class KindRow:
    """A kind of news with a cell for each channel."""

    label: str
    cells: tuple[Ticked, ...]


@dataclass(frozen=True, slots=True)
class ChannelsPage:
    """The page of a person's or a team's channels."""

    channels: tuple[Channel, ...]
    kinds: tuple[KindRow, ...]


@dataclass(frozen=True, slots=True)
class SentRow:
    """One message with its latest tries; ``next_at`` only where another is to come, ``parts``: what else is in it.

    ``subject`` is empty before it was tried: rights are asked then, and may be lost by then.
    """

    id: int
    kind: str
    subject: str
    state: str
    state_label: str
    created_at: datetime
    next_at: datetime | None
    tries: tuple[DeliveryAttempt, ...]
    parts: int


@dataclass(frozen=True, slots=True)
class ChannelPage:
    """One channel's page."""

    channel: Channel
    rows: tuple[SentRow, ...]
    paging: Paging


def channels_page(owner: User | Team) -> ChannelsPage:
    """All channels of somebody: two queries."""
    channels = tuple(owner.channels.order_by("name", "pk").prefetch_related("subscriptions"))
    on = {(channel.pk, row.kind) for channel in channels for row in channel.subscriptions.all()}
    kinds = tuple(
        KindRow(
            label,
            tuple(
                Ticked(f"{channel.pk}:{kind}", f"{label}: {channel.name}", channel.name, (channel.pk, kind) in on)
                for channel in channels
            ),
        )
        for kind, label in _kinds(owner)
    )
    return ChannelsPage(channels, kinds)


def _kinds(owner: User | Team) -> list[tuple[str, str]]:
    return [(str(kind), KINDS[kind]) for kind in NoticeKind.choosable(by_team=not isinstance(owner, User))]


def told_of_the_week(person: User) -> tuple[Channel, ...]:
    """The channels of a person that are told of their teams' weeks."""
    return tuple(person.channels.filter(subscriptions__kind=NoticeKind.DIGEST))


def find_channel(channel_id: int, actor: Actor) -> Channel | None:
    """A channel of one's own, or of a team one sees: its leads alone may open it. Nobody sees another person's."""
    row = Channel.objects.select_related("team", "user").filter(pk=channel_id).first()
    if row is None:
        return None
    visible = row.user_id == actor.id if row.team_id is None else may_see_team(actor, row.team_id)
    return row if visible else None


def channel_page(channel: Channel, params: Mapping[str, str]) -> ChannelPage:
    """One page of what was sent, latest first: four queries."""
    sent = Delivery.objects.filter(channel=channel, joined_to=None)
    paging = page_of(params.get("page", ""), sent.count())
    tries = Prefetch("tries", DeliveryAttempt.objects.order_by("-at", "-pk"))
    latest = sent.order_by("-created_at", "-pk").prefetch_related(tries)
    rows = list(latest[paging.offset : paging.offset + paging.size])
    parts = _parts(row.pk for row in rows)
    return ChannelPage(channel, tuple(_row(row, parts.get(row.pk, 0)) for row in rows), paging)


def _parts(ids: Iterable[int]) -> dict[int, int]:
    rows = Delivery.objects.filter(joined_to__in=list(ids)).order_by()
    return dict(rows.values_list("joined_to_id").annotate(n=Count("pk")))


def _row(row: Delivery, parts: int) -> SentRow:
    tries = tuple(row.tries.all())[:_MOST_TRIES]
    return SentRow(
        row.pk,
        _LABELS.get(row.kind, row.kind),
        str(row.message.get("title", "")) if tries else "",
        row.state,
        str(Delivery.State(row.state).label),
        row.created_at,
        row.next_at if row.state == Delivery.State.WAITING else None,
        tries,
        parts,
    )
