"""Make, change and try out channels: where they lead is written once and never shown again."""

from __future__ import annotations

import secrets
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from django.db import transaction
from django.urls import reverse

from compliance.models import (
    AuditAction,
    Channel,
    ChannelKind,
    Delivery,
    NoticeKind,
    SharedValue,
    Subscription,
    Team,
    User,
)
from compliance.outgoing.request import destination
from compliance.policy.wake_up import WakeUp, Work
from compliance.remediation.joining import HOUR, packed
from compliance.remediation.notices import Kind, Notice, about
from compliance.services.record_audit import audit

MOST_CHANNELS: Final = 10
"""Of one person, or of one team."""

MOST_TESTS: Final = 10
"""Within an hour by one person, over all channels, also those that were deleted: anybody's address could be entered."""


class TooMany(Exception):
    """There are as many as there may be; the message says so to a person."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """A channel that somebody asks for.

    :param private: addresses of private networks are allowed; the caller has checked who says so.
    """

    kind: ChannelKind
    name: str
    target: str = field(repr=False)
    private: bool = False


@dataclass(frozen=True, slots=True)
class Made:
    """A new channel, and the secret that signs what it sends, which nobody can read again."""

    channel: Channel
    secret: str = field(repr=False)


def add_channel(owner: User | Team, wanted: Wanted, *, by: User, now: datetime) -> Made:
    """Make a channel of a person or a team that is told of nothing yet.

    :raises InvalidDestination: in words, for an address that nothing is sent to.
    :raises TooMany: when the owner has enough.
    """
    host = shown(wanted)
    secret = secrets.token_urlsafe(32) if wanted.kind is ChannelKind.WEBHOOK else ""
    with transaction.atomic():
        # One at a time for each owner, or two requests at once would both find room.
        # Not by ``type(owner)``: the user of a request is a proxy of one.
        owners = User.objects if isinstance(owner, User) else Team.objects
        owners.select_for_update().filter(pk=owner.pk).values_list("pk").first()
        if owner.channels.count() >= MOST_CHANNELS:
            raise TooMany(f"There can be {MOST_CHANNELS} channels; delete one first.")
        channel = Channel.objects.create(
            kind=wanted.kind,
            name=wanted.name,
            user=owner if isinstance(owner, User) else None,
            team=owner if isinstance(owner, Team) else None,
            target=wanted.target,
            host=host,
            secret=secret,
            allow_private=wanted.private,
            created_at=now,
        )
        audit(AuditAction.ADDED, channel, by=by, now=now, details={"kind": str(wanted.kind), "host": host})
    return Made(channel, secret)


def shown(wanted: Wanted) -> str:
    """What of a target may be shown: its host, since addresses of chats hold their secret.

    :raises InvalidDestination: for an address that nothing is sent to.
    """
    if wanted.kind is ChannelKind.MAIL:
        local, _, domain = wanted.target.rpartition("@")
        return f"{local[:1]}…@{domain}"
    return destination(wanted.target, private=wanted.private).origin.authority


def subscribe(channels: Iterable[Channel], wanted: Collection[tuple[int, str]], *, by: User, now: datetime) -> None:
    """Let channels be told of these kinds and no others, also of what waits.

    :param wanted: pairs of a channel's id and a kind; what is neither is nothing.
    """
    rows = {channel.pk: channel for channel in channels}
    may = {pk: NoticeKind.choosable(by_team=row.team_id is not None) for pk, row in rows.items()}
    pairs = {(pk, kind) for pk, kind in wanted if kind in may.get(pk, ())}
    with transaction.atomic():
        had = Subscription.objects.filter(channel__in=rows).order_by("pk").select_for_update()
        were = {(row.channel_id, row.kind): row.pk for row in had}
        for pk, kind in were.keys() - pairs:
            Subscription.objects.filter(pk=were[pk, kind]).delete()
            _drop_waiting(now, channel=pk, kind=kind)
        added = [Subscription(channel_id=pk, kind=kind) for pk, kind in sorted(pairs - were.keys())]
        Subscription.objects.bulk_create(added, ignore_conflicts=True)
        for changed in sorted({pk for pk, _ in pairs ^ were.keys()}):
            kinds = sorted(kind for pk, kind in pairs if pk == changed)
            audit(AuditAction.CHANGED, rows[changed], by=by, now=now, details={"told of": kinds})


def switch_channel(channel: Channel, *, on: bool, by: User, now: datetime) -> None:
    """Send, or send nothing and forget what waits."""
    with transaction.atomic():
        Channel.objects.filter(pk=channel.pk).update(enabled=on, problem="", problem_at=None)
        if not on:
            _drop_waiting(now, channel=channel.pk)
        audit(AuditAction.CHANGED, channel, by=by, now=now, details={"enabled": on})


def _drop_waiting(now: datetime, **of: object) -> None:
    """Else a flood would go on after somebody ended it, and begin again where they allow it again later."""
    waiting = Delivery.objects.free().filter(state=Delivery.State.WAITING, **of)
    waiting.update(state=Delivery.State.DROPPED, ended_at=now)


def delete_channel(channel: Channel, *, by: User, now: datetime) -> None:
    """Delete a channel with its log."""
    with transaction.atomic():
        # Held first: what others are telling it is committed by then, and goes with it.
        if Channel.objects.select_for_update().filter(pk=channel.pk).values_list("pk").first() is None:
            return
        audit(AuditAction.REMOVED, channel, by=by, now=now, details={"kind": channel.kind, "host": channel.host})
        channel.delete()


def send_test(channel: Channel, *, by: User, now: datetime) -> WakeUp:
    """Send a message that says only that it works, on the way that all take.

    :raises TooMany: when many were asked for already.
    """
    _count_test(by, now)
    title = f"{by.get_username()} tests the channel {channel.name}"
    notice = Notice(Kind.TEST, about(Kind.TEST, secrets.token_hex(8)), title, reverse("channel", args=[channel.pk]))
    Delivery.objects.create(
        channel=channel,
        kind=Kind.TEST.value,
        about=notice.about,
        message=packed(notice),
        created_at=now,
        next_at=now,
    )
    return WakeUp(Work.DELIVERIES, channel.pk)


def _count_test(by: User, now: datetime) -> None:
    """Count one more; apart from the channels, or whoever deletes one and adds it again would begin anew."""
    with transaction.atomic():
        key = f"channel tests:{by.pk}"
        row, _ = SharedValue.objects.select_for_update().get_or_create(key=key, defaults={"value": []})
        recent = [moment for moment in row.value or () if moment > (now - HOUR).timestamp()]
        if len(recent) >= MOST_TESTS:
            raise TooMany(f"There were {MOST_TESTS} tests within the hour; wait a while.")
        row.value, row.expires_at = [*recent, now.timestamp()], now + HOUR
        row.save()
