"""Send what is due to one channel: the row is the work, and the network is asked while no transaction is open.

A worker that is killed between the other side's answer and our note of it leaves the row to its lease, and the message
is sent once more, with the same id: receivers can leave out what they have had.
"""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final

from django.conf import settings
from django.db import transaction

from compliance.models import Channel, ChannelKind, Delivery, DeliveryAttempt, LeaseLost
from compliance.models.encryption import CredentialKeyMissing, reveal
from compliance.outgoing.mail import send_mail
from compliance.outgoing.outcome import Outcome
from compliance.outgoing.request import post
from compliance.policy.wake_up import WakeUp, Work
from compliance.remediation.joining import HOUR
from compliance.remediation.notices import WAITS, Kind, Message, next_try, sign
from compliance.services.gather_deliveries import next_delivery
from compliance.services.word_delivery import message_of
from compliance.services.word_view import keep_told, word_view

Clock = Callable[[], datetime]

_AT_A_TIME: Final = 10
_TURN: Final = timedelta(minutes=5)
"""After which another worker goes on: a task has a time limit of its own."""
_LEASE: Final = timedelta(minutes=3)
"""Longer than all time limits of one try together."""
_LEASE_OF_MAIL: Final = timedelta(minutes=7)
"""The same of a mail: a dozen answers of a server, and the one to the mail."""

_UNDER_WAY: Final = "Under way."
_STOPPED: Final = "The worker was stopped in the middle of it: it may have arrived."

MOST_TRIES: Final = 60
"""Within an hour, over all channels of a person or a team, after which nothing is sent again by hand: whoever enters a
host that answers slowly keeps a worker from scanning.
"""

_State = Delivery.State


class TooManyTries(Exception):
    """There were so many; the message says so to a person."""


def send_deliveries(channel_id: int, *, clock: Clock) -> list[WakeUp]:
    """Send some of a channel's due messages; ring again where there are more. After a failure all of them wait."""
    begun = clock()
    for _ in range(_AT_A_TIME):
        now = clock()
        if now - begun > _TURN:
            break
        pk = next_delivery(channel_id, now)
        if pk is None:
            return []
        token = Delivery.objects.due(now).take(pk, _LEASE)
        if token is None:
            continue  # another worker was faster
        try:
            if not _deliver(pk, token, clock):
                return []
        except (LeaseLost, Delivery.DoesNotExist):
            continue  # its channel may have been deleted
    more = Delivery.objects.due(clock()).filter(channel=channel_id)
    return [WakeUp(Work.DELIVERIES, channel_id)] if more.exists() else []


def redeliver(delivery: Delivery, *, now: datetime) -> WakeUp:
    """Send a message again, or at once, with all its tries before it; one that is being sent is left alone.

    :raises TooManyTries: when the owner's channels were sent much within the hour.
    """
    owner = {"user": delivery.channel.user_id, "team": delivery.channel.team_id}
    channels = Channel.objects.filter(**owner).values("pk")
    recent = DeliveryAttempt.objects.filter(delivery__channel__in=channels, at__gt=now - HOUR)
    asked = Delivery.objects.filter(channel__in=channels, state=_State.WAITING, tries__isnull=False).distinct()
    if recent.count() + asked.count() >= MOST_TRIES:
        raise TooManyTries(f"There were {MOST_TRIES} tries within the hour; wait a while.")
    free = Delivery.objects.free().filter(pk=delivery.pk)
    free = free.exclude(state=_State.JOINED)  # the message it is part of is sent again
    free.update(state=_State.WAITING, next_at=now, attempts=0, ended_at=None, lease_token=None, lease_until=None)
    return WakeUp(Work.DELIVERIES, delivery.channel_id)


def _deliver(pk: int, token: uuid.UUID, clock: Clock) -> bool:
    """Whether the next one may be sent at once."""
    row = Delivery.objects.select_related("channel__user", "channel__team").get(pk=pk)
    if row.attempts > len(WAITS) + 1:
        stopped = _begin(row, token, clock())
        return _note(row, token, stopped, Outcome(False, 0, "The worker was stopped at each try."), clock())
    unsent = word_view(row, token, clock()) if row.channel.enabled else _State.DROPPED
    message = None if unsent else message_of(row)
    if message is None:
        _end(row, token, unsent or _State.DROPPED, clock())
        return True
    attempt = _begin(row, token, clock())
    begun = time.monotonic()
    outcome = _send(row, message, int(attempt.at.timestamp()))
    attempt.milliseconds = min(int((time.monotonic() - begun) * 1000), 2**31 - 1)
    return _note(row, token, attempt, outcome, clock())


@transaction.atomic
def _begin(row: Delivery, token: uuid.UUID, now: datetime) -> DeliveryAttempt:
    """Say that it is tried before it is: of a worker that is killed the log tells what may have arrived.

    :raises LeaseLost: when somebody else has the row by now, or nobody.
    """
    Delivery.objects.fence(row.pk, token)
    if row.channel.kind == ChannelKind.MAIL:
        Delivery.objects.renew(row.pk, token, _LEASE_OF_MAIL)
    row.tries.filter(words=_UNDER_WAY).update(words=_STOPPED)
    return DeliveryAttempt.objects.create(delivery=row, at=now, ok=False, words=_UNDER_WAY)


def _send(row: Delivery, message: Message, timestamp: int) -> Outcome:
    channel = row.channel
    try:
        target, secret = reveal(channel.target), reveal(channel.secret)
    except CredentialKeyMissing as error:
        return Outcome(False, 0, str(error))
    if channel.kind == ChannelKind.MAIL:
        return _mail(row, message, target)
    slack = channel.kind == ChannelKind.SLACK
    document = message.slack if slack else {**message.payload, "id": str(row.pk)}
    body = json.dumps(document, ensure_ascii=True, separators=(",", ":")).encode()
    headers = {} if slack else _headers(row, secret, timestamp, body)
    private = channel.allow_private and settings.ALLOW_PRIVATE_REGISTRIES
    return post(target, body, headers, private=private, limits=settings.LIMITS)


def _headers(row: Delivery, secret: str, timestamp: int, body: bytes) -> dict[str, str]:
    return {
        "Plimsoll-Delivery": str(row.pk),
        "Plimsoll-Kind": row.kind,
        "Plimsoll-Signature": sign(secret, str(row.pk), timestamp, body),
    }


def _mail(row: Delivery, message: Message, to: str) -> Outcome:
    if not settings.MAIL_CONFIGURED:
        return Outcome(False, 0, "No mail server is configured: the operator sets EMAIL_URL.")
    host = settings.DEFAULT_FROM_EMAIL.rpartition("@")[2].strip("> ")
    headers = {"Message-ID": f"<plimsoll-{row.pk}@{host}>", "Auto-Submitted": "auto-generated"}
    return send_mail(to, message.subject, message.text, sender=settings.DEFAULT_FROM_EMAIL, headers=headers)


def _note(row: Delivery, token: uuid.UUID, attempt: DeliveryAttempt, outcome: Outcome, now: datetime) -> bool:
    """Write down how a try went and what follows from it; say whether it went well.

    :raises LeaseLost: when somebody else has the row by now.
    """
    again = None if outcome.ok or outcome.final else next_try(row.attempts, now, asked=outcome.wait)
    with transaction.atomic():
        # The channel first, as whoever deletes it takes it, so that no two wait for each other in a circle.
        problem = "" if outcome.ok else outcome.words[:300]
        Channel.objects.filter(pk=row.channel_id).update(problem=problem, problem_at=None if outcome.ok else now)
        Delivery.objects.fence(row.pk, token)
        attempt.ok, attempt.status, attempt.words = outcome.ok, min(outcome.status, 32_767), outcome.words[:500]
        attempt.save(update_fields=["ok", "status", "words", "milliseconds"])
        if again is None:
            _end(row, token, _State.SENT if outcome.ok else _State.FAILED, now)
            if outcome.ok and row.kind == Kind.VIEW.value:
                keep_told(row)
        else:
            Delivery.objects.filter(pk=row.pk).update(next_at=again, lease_token=None, lease_until=None)
        if not outcome.ok:
            _put_off(row.channel_id, next_try(1, now, asked=outcome.wait) or now)
    return outcome.ok


def _put_off(channel_id: int, until: datetime) -> None:
    """The others would fail too, and each would keep a worker from scanning for as long as the host does not answer."""
    waiting = Delivery.objects.free().filter(channel=channel_id, state=_State.WAITING, next_at__lt=until)
    waiting.update(next_at=until)


def _end(row: Delivery, token: uuid.UUID, state: str, now: datetime) -> None:
    mine = Delivery.objects.filter(pk=row.pk, lease_token=token)
    mine.update(state=state, ended_at=now, lease_token=None, lease_until=None)
