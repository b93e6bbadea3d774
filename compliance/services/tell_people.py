"""Write down who is to be told of what, in the transaction that makes it so: what is rolled back is told to nobody.

A team's channel is told of what is the team's. A person's is told of what the person may see, by the person's rights
now; ``send_deliveries`` asks again before it sends, and makes one message of what waits together.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Final

from django.db import connection
from django.db.models import Q

from compliance.access import Actor, Role, TeamRole, may_see_repository
from compliance.models import Channel, Delivery, Membership, Subscription, User
from compliance.policy.wake_up import WakeUp, Work
from compliance.remediation.joining import packed
from compliance.remediation.notices import Kind, Notice

MOST_WAKE_UPS: Final = 64

_BATCH = 500


def anybody_listens(*kinds: Kind) -> bool:
    """Whether there is any channel such news could go to: most of the time there is none, and nothing is to be read."""
    return Subscription.objects.filter(kind__in=kinds, channel__enabled=True).exists()


def tell(notices: Iterable[Notice], *, now: datetime) -> None:
    """Write a delivery for each channel that is to hear of each notice, once, in the caller's transaction.

    After it, ``waiting_deliveries`` says what to ring for.
    """
    news = list(notices)
    if not news:
        return
    asked = {kind for notice in news for kind in (notice.kind, *notice.unless)}
    told = _Told(_listening(asked), now)
    for notice in news:
        for channel in told.channels[notice.kind]:
            if told.is_for(channel, notice):
                told.add(channel, notice)
    write_down(told.rows)


def write_down(rows: Collection[Delivery]) -> None:
    """Keep what is to be sent, once, for channels that are still there."""
    held = set(_held({row.channel_id for row in rows}))
    kept = [row for row in rows if row.channel_id in held]
    Delivery.objects.bulk_create(kept, batch_size=_BATCH, ignore_conflicts=True)


def waiting_deliveries(now: datetime, *, since: datetime | None = None) -> list[WakeUp]:
    """Channels with messages to send now that nobody is sending.

    :param since: only those with messages written then or later, whoever wrote them.
    """
    due = Delivery.objects.due(now)
    fresh = due if since is None else due.filter(created_at__gte=since)
    channels = fresh.order_by().values_list("channel_id", flat=True).distinct()[:MOST_WAKE_UPS]
    return [WakeUp(Work.DELIVERIES, pk) for pk in channels]


def _listening(kinds: set[Kind]) -> Mapping[Kind, Sequence[Channel]]:
    found: dict[Kind, list[Channel]] = {kind: [] for kind in kinds}
    active = Q(channel__team__isnull=False) | Q(channel__user__is_active=True)
    rows = Subscription.objects.filter(active, kind__in=kinds, channel__enabled=True).select_related("channel__user")
    for row in rows.order_by("channel_id"):
        found[Kind(row.kind)].append(row.channel)
    return found


def _held(pks: Collection[int]) -> list[int]:
    """Those of the channels that are still there, which nobody deletes before the transaction ends.

    Else a scan would be rolled back because a person deletes a channel meanwhile: that a row refers to one that is
    there is looked at when it is committed.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT id FROM compliance_channel WHERE id = ANY(%s) ORDER BY id FOR KEY SHARE", [list(pks)])
        return [pk for (pk,) in cursor.fetchall()]


class _Told:
    """Deliveries to be written, with all that is asked for each read once."""

    def __init__(self, channels: Mapping[Kind, Sequence[Channel]], now: datetime) -> None:
        self.channels, self.now = channels, now
        self.rows: list[Delivery] = []
        self._hears = {(channel.pk, kind) for kind, found in channels.items() for channel in found}
        every = {channel.pk: channel for found in channels.values() for channel in found}.values()
        self._actors = actors_of([channel.user for channel in every if channel.user is not None])
        self._kept: dict[str, dict[str, object]] = {}

    def is_for(self, channel: Channel, notice: Notice) -> bool:
        """Whether this channel is to hear of it."""
        if any((channel.pk, kind) in self._hears for kind in notice.unless):
            return False
        if channel.user_id is None:
            return notice.to_teams and (channel.team_id in notice.teams or channel.team_id in notice.also)
        if notice.people is not None and channel.user_id not in notice.people:
            return False
        actor = self._actors[channel.user_id]
        # Whoever answers for a waiver sees it, whosever the repositories are.
        return notice.waiver is not None or all(may_see_repository(actor, team) for team in notice.teams)

    def add(self, channel: Channel, notice: Notice) -> None:
        """Write it down."""
        if notice.about not in self._kept:
            self._kept[notice.about] = packed(notice)
        self.rows.append(
            Delivery(
                channel=channel,
                kind=notice.kind.value,
                about=notice.about,
                message=self._kept[notice.about],
                created_at=self.now,
                next_at=self.now,
            )
        )


def actors_of(users: Iterable[User]) -> dict[int, Actor]:
    """The rights of many people by one query."""
    rows = {user.pk: user for user in users}
    teams: dict[int, dict[int, TeamRole]] = {pk: {} for pk in rows}
    for user, team, role in Membership.objects.filter(user__in=rows).values_list("user_id", "team_id", "role"):
        teams[user][team] = TeamRole(role)
    return {pk: Actor(pk, Role(user.role), teams[pk]) for pk, user in rows.items()}
