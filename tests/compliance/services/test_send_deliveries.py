"""Sending what waits: tries, giving up, killed workers, rights that were lost in between."""

from __future__ import annotations

import hmac
import json
from collections.abc import Iterator
from datetime import timedelta
from hashlib import sha256

import pytest
from django.core import mail
from pytest_django import Settings

from compliance.models import Channel, Delivery, DeliveryAttempt, Repository, Team, User
from compliance.policy.wake_up import WakeUp, Work
from compliance.remediation.notices import Kind, Notice
from compliance.services.send_deliveries import redeliver, send_deliveries
from compliance.services.tell_people import waiting_deliveries
from tests.support.channels import channel, delivery, notice
from tests.support.receiver import Receiver, receiving
from tests.support.remediation import join, own, team
from tests.support.rows import NOW, fleet, user

pytestmark = pytest.mark.django_db
SECOND = timedelta(seconds=1)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as made:
        yield made


@pytest.fixture
def repository() -> Repository:
    row = fleet(1).repositories[0]
    own(team("Web"), [row])
    return row


@pytest.fixture
def web(repository: Repository) -> Team:
    return Team.objects.get(slug="web")


@pytest.fixture
def chat(web: Team, receiver: Receiver) -> Channel:
    return channel(web, target=receiver.url, host="127.0.0.1", allow_private=True)


def send(to: Channel, after: timedelta = timedelta(0)) -> list[WakeUp]:
    return send_deliveries(to.pk, clock=lambda: NOW + after)


def test_a_chat_is_sent_its_words(chat: Channel, repository: Repository, receiver: Receiver) -> None:
    row = delivery(chat, notice(repository))
    assert send(chat) == []
    row.refresh_from_db()
    assert (row.state, row.ended_at, row.lease_token) == (Delivery.State.SENT, NOW, None)
    (request,) = receiver.requests
    assert json.loads(request.body)["text"].startswith("New critical finding")
    assert "Plimsoll-Signature" not in request.headers
    attempt = DeliveryAttempt.objects.get()
    assert (attempt.ok, attempt.status, attempt.words) == (True, 204, "Delivered.")
    send(chat)
    assert len(receiver.requests) == 1


def test_a_webhook_is_signed(web: Team, repository: Repository, receiver: Receiver) -> None:
    hook = channel(web, kind="webhook", target=receiver.url, secret="known", allow_private=True)
    row = delivery(hook, notice(repository))
    send(hook)
    (request,) = receiver.requests
    body = json.loads(request.body)
    assert (body["schema"], body["id"], body["kind"]) == (1, str(row.pk), "critical")
    time, proof = request.headers["Plimsoll-Signature"].split(",")
    signed = f"{request.headers['Plimsoll-Delivery']}.{time.removeprefix('t=')}.".encode() + request.body
    assert hmac.compare_digest(proof, "v1=" + hmac.new(b"known", signed, sha256).hexdigest())
    assert time == f"t={int(NOW.timestamp())}"


def test_tries_become_rarer_and_then_it_is_given_up(chat: Channel, repository: Repository, receiver: Receiver) -> None:
    receiver.answers = [500]
    row = delivery(chat, notice(repository))
    at = timedelta(0)
    for wait in (1, 5, 30, 120, 480):
        send(chat, at)
        row.refresh_from_db()
        assert (row.state, row.next_at) == (Delivery.State.WAITING, NOW + at + timedelta(minutes=wait))
        send(chat, at + timedelta(minutes=wait) - SECOND)  # too early
        at += timedelta(minutes=wait)
    send(chat, at)
    row.refresh_from_db()
    assert row.state == Delivery.State.FAILED
    assert len(receiver.requests) == row.tries.count() == 6
    chat.refresh_from_db()
    assert (chat.problem, chat.problem_at) == ("The host answered 500.", NOW + at)


def test_it_is_sent_again_when_asked(chat: Channel, repository: Repository, receiver: Receiver) -> None:
    row = delivery(chat, notice(repository))
    Delivery.objects.update(state=Delivery.State.FAILED, attempts=6, ended_at=NOW)
    assert redeliver(row, now=NOW) == WakeUp(Work.DELIVERIES, chat.pk)
    send(chat)
    row.refresh_from_db()
    assert row.state == Delivery.State.SENT
    chat.refresh_from_db()
    assert chat.problem == ""


def test_a_host_that_fails_is_left_alone(chat: Channel, repository: Repository, receiver: Receiver) -> None:
    receiver.answers = [503, 204]
    for at, kind in enumerate((Kind.CRITICAL, Kind.DIGEST, Kind.TEST)):
        delivery(chat, notice(repository, key=str(at), kind=kind))
    send(chat)
    assert len(receiver.requests) == 1
    assert waiting_deliveries(NOW) == []
    assert waiting_deliveries(NOW + timedelta(minutes=1)) == [WakeUp(Work.DELIVERIES, chat.pk)]
    send(chat, timedelta(minutes=1))
    assert Delivery.objects.filter(state=Delivery.State.SENT).count() == 3


@pytest.mark.parametrize(
    ("status", "asked", "seconds"),
    [
        (429, "120", 120),
        (503, " 3600 ", 3_600),
        (429, "999999999", 8 * 3_600),
        (429, "5", 60),
        (429, "-1", 60),
        (429, "Wed, 21 Oct 2026 07:28:00 GMT", 60),
        (429, "1" * 400, 60),
        (429, "\u0663", 60),
        (500, "3600", 60),
    ],
)
def test_a_host_that_wants_to_be_left_alone(
    status: int, asked: str, seconds: int, chat: Channel, repository: Repository, receiver: Receiver
) -> None:
    receiver.answers, receiver.headers = [status], {"Retry-After": asked.encode().decode("latin-1")}
    rows = [delivery(chat, notice(repository, key=kind, kind=kind)) for kind in (Kind.DIGEST, Kind.TEST)]
    send(chat)
    assert len(receiver.requests) == 1
    for row in rows:  # the others of the channel wait as long
        row.refresh_from_db()
        assert (row.state, row.next_at) == (Delivery.State.WAITING, NOW + timedelta(seconds=seconds))


def test_where_nobody_is_any_more_nothing_is_tried_again(
    chat: Channel, repository: Repository, receiver: Receiver
) -> None:
    receiver.answers = [410]
    row = delivery(chat, notice(repository))
    send(chat)
    row.refresh_from_db()
    assert (row.state, row.attempts) == (Delivery.State.FAILED, 1)
    chat.refresh_from_db()
    assert chat.problem == "The host answered 410: nobody is there any more."


def test_many_are_sent_in_turns(chat: Channel, repository: Repository, receiver: Receiver) -> None:
    for at in range(12):
        delivery(chat, notice(repository, key=str(at), kind=Kind.DIGEST))
    assert send(chat) == [WakeUp(Work.DELIVERIES, chat.pk)]
    assert len(receiver.requests) == 10
    assert send(chat) == []
    assert len(receiver.requests) == 12


def test_a_killed_worker_loses_nothing(chat: Channel, repository: Repository, receiver: Receiver) -> None:
    row = delivery(chat, notice(repository))
    assert Delivery.objects.take(row.pk, timedelta(hours=1)) is not None  # and then it died
    send(chat)
    assert not receiver.requests, "somebody has it"
    Delivery.objects.update(lease_until=NOW - timedelta(days=3_650))
    assert waiting_deliveries(NOW) == [WakeUp(Work.DELIVERIES, chat.pk)]
    send(chat)
    row.refresh_from_db()
    assert (row.state, row.attempts) == (Delivery.State.SENT, 2)


def test_what_kills_every_worker_is_given_up(chat: Channel, repository: Repository, receiver: Receiver) -> None:
    row = delivery(chat, notice(repository))
    Delivery.objects.update(attempts=6)
    send(chat)
    row.refresh_from_db()
    assert row.state == Delivery.State.FAILED
    assert not receiver.requests


def test_nothing_is_sent_by_a_channel_that_is_off(chat: Channel, repository: Repository, receiver: Receiver) -> None:
    row = delivery(chat, notice(repository))
    Channel.objects.update(enabled=False)
    send(chat)
    row.refresh_from_db()
    assert row.state == Delivery.State.DROPPED
    assert not receiver.requests


def test_who_was_deactivated_is_sent_nothing_that_names_nobody_s_things_either(receiver: Receiver) -> None:
    person = user("mem", role="member")
    mine = channel(person, target=receiver.url, allow_private=True)
    row = delivery(mine, Notice(Kind.OVERDUE, "overdue", "Three findings are overdue", "/findings/"))
    User.objects.filter(pk=person.pk).update(is_active=False)
    send(mine)
    row.refresh_from_db()
    assert row.state == Delivery.State.DROPPED
    assert not receiver.requests


@pytest.mark.parametrize("lost", ["team", "membership", "account"])
def test_rights_are_asked_again(lost: str, repository: Repository, web: Team, receiver: Receiver) -> None:
    person = user("mem", role="member")
    join(web, person, "viewer")
    mine = channel(person, target=receiver.url, allow_private=True)
    row = delivery(mine, notice(repository))
    if lost == "team":
        own(team("Other"), [repository])
    elif lost == "membership":
        person.memberships.all().delete()
    else:
        User.objects.filter(pk=person.pk).update(is_active=False)
    send(mine)
    row.refresh_from_db()
    assert row.state == Delivery.State.DROPPED
    assert not receiver.requests


def test_a_team_is_not_told_of_what_is_no_longer_its_own(
    chat: Channel, repository: Repository, receiver: Receiver
) -> None:
    delivery(chat, notice(repository))
    own(team("Other"), [repository])
    send(chat)
    assert not receiver.requests


@pytest.mark.parametrize("operator", [True, False])
def test_private_addresses_need_the_operator_too(
    operator: bool, chat: Channel, repository: Repository, receiver: Receiver, settings: Settings
) -> None:
    settings.ALLOW_PRIVATE_REGISTRIES = operator
    delivery(chat, notice(repository))
    send(chat)
    assert bool(receiver.requests) is operator


def test_a_mail(web: Team, repository: Repository, settings: Settings) -> None:
    settings.MAIL_CONFIGURED, settings.DEFAULT_FROM_EMAIL = True, "Plimsoll <plimsoll@example.org>"
    row = delivery(channel(web, kind="mail", target="web@example.org"), notice(repository))
    send(row.channel)
    (sent,) = mail.outbox
    assert (sent.to, sent.subject) == (["web@example.org"], "[Plimsoll] New critical finding")
    assert sent.extra_headers["Message-ID"] == f"<plimsoll-{row.pk}@example.org>"


def test_without_a_mail_server_the_channel_says_so(web: Team, repository: Repository, settings: Settings) -> None:
    settings.MAIL_CONFIGURED = False
    post = channel(web, kind="mail", target="web@example.org")
    delivery(post, notice(repository))
    send(post)
    post.refresh_from_db()
    assert post.problem == "No mail server is configured: the operator sets EMAIL_URL."
    assert not mail.outbox
