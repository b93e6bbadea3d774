"""What waits together is one message; a flood becomes few, of which nothing is lost, and a regression passes it by."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest

from compliance.models import Channel, Delivery, Finding, Repository, Team, User
from compliance.remediation.change import Assign
from compliance.remediation.joining import AT_ONCE, PACE
from compliance.remediation.notices import Kind
from compliance.services.change_findings import change_findings, rescans_of, undo
from compliance.services.gather_deliveries import next_delivery
from compliance.services.send_deliveries import redeliver, send_deliveries
from tests.support.channels import channel, delivery, notice
from tests.support.receiver import Receiver, receiving
from tests.support.remediation import finding, join, own, team
from tests.support.rows import NOW, fleet, user

pytestmark = pytest.mark.django_db
SECOND, HOUR = timedelta(seconds=1), timedelta(hours=1)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as made:
        yield made


@pytest.fixture
def repositories() -> list[Repository]:
    rows = fleet(4).repositories
    own(team("Web"), rows[:3])
    own(team("Data"), rows[3:])
    return rows


@pytest.fixture
def chat(repositories: list[Repository], receiver: Receiver) -> Channel:
    web = Team.objects.get(slug="web")
    return channel(web, kind="webhook", target=receiver.url, host="127.0.0.1", allow_private=True)


def send(to: Channel, after: timedelta = timedelta(0)) -> None:
    send_deliveries(to.pk, clock=lambda: NOW + after)


def titles(receiver: Receiver) -> list[str]:
    return [json.loads(request.body)["title"] for request in receiver.requests]


def test_what_waits_together_is_one_message(chat: Channel, repositories: list[Repository], receiver: Receiver) -> None:
    rows = [delivery(chat, notice(row, key=str(at))) for at, row in enumerate(repositories[:3])]
    send(chat)
    assert titles(receiver) == ["3 new critical findings in 3 repositories"]
    body = json.loads(receiver.requests[0].body)
    assert (body["id"], len(body["items"]), body["more"]) == (str(rows[0].pk), 3, 0)
    states = Delivery.objects.order_by("pk").values_list("state", "joined_to")
    assert list(states) == [("sent", None), ("joined", rows[0].pk), ("joined", rows[0].pk)]


def test_kinds_stay_apart_and_a_regression_is_first(
    chat: Channel, repositories: list[Repository], receiver: Receiver
) -> None:
    for at, kind in enumerate((Kind.OVERDUE, Kind.DIGEST, Kind.CRITICAL, Kind.REGRESSION)):
        delivery(chat, notice(repositories[0], key=str(at), kind=kind), at=NOW - timedelta(minutes=9 - at))
    send(chat)
    kinds = [request.headers["Plimsoll-Kind"] for request in receiver.requests]
    assert kinds == ["regression", "digest", "critical", "overdue"]


def test_a_flood_becomes_few_and_loses_nothing(
    chat: Channel, repositories: list[Repository], receiver: Receiver
) -> None:
    """One new critical finding each ten seconds, for two hours."""
    for at in range(720):
        moment = timedelta(seconds=10 * at)
        delivery(chat, notice(repositories[at % 3], key=str(at)), at=NOW + moment)
        send(chat, moment)
    send(chat, timedelta(seconds=7_200) + PACE)
    assert len(receiver.requests) <= AT_ONCE + 2 * HOUR / PACE + 1
    assert titles(receiver)[0] == "New critical finding"
    told = sum(len(body["items"]) + body["more"] for body in (json.loads(each.body) for each in receiver.requests))
    assert told == 720
    assert not Delivery.objects.exclude(state__in=("sent", "joined")).exists()


def test_a_regression_passes_a_flood(chat: Channel, repositories: list[Repository], receiver: Receiver) -> None:
    for at in range(AT_ONCE + 1):
        delivery(chat, notice(repositories[0], key=str(at)), at=NOW + at * SECOND)
        send(chat, at * SECOND)
    assert len(receiver.requests) == AT_ONCE
    delivery(chat, notice(repositories[0], key="worse", kind=Kind.REGRESSION), at=NOW + 20 * SECOND)
    send(chat, 20 * SECOND)
    assert receiver.requests[-1].headers["Plimsoll-Kind"] == "regression"
    assert len(receiver.requests) == AT_ONCE + 1
    send(chat, 10 * SECOND + PACE)
    assert len(receiver.requests) == AT_ONCE + 2


def test_what_was_tried_before_keeps_its_words(
    chat: Channel, repositories: list[Repository], receiver: Receiver
) -> None:
    receiver.answers = [500, 204]
    for at in range(2):
        delivery(chat, notice(repositories[0], key=str(at)))
    send(chat)
    delivery(chat, notice(repositories[1], key="later"), at=NOW + SECOND)
    send(chat, timedelta(minutes=2))
    first, again, later = receiver.requests
    assert again.body == first.body
    assert (
        again.headers["Plimsoll-Delivery"] == first.headers["Plimsoll-Delivery"] != later.headers["Plimsoll-Delivery"]
    )


def test_sent_again_is_all_of_it(chat: Channel, repositories: list[Repository], receiver: Receiver) -> None:
    rows = [delivery(chat, notice(row, key=str(at))) for at, row in enumerate(repositories[:3])]
    send(chat)
    redeliver(rows[1], now=NOW + HOUR)  # part of another
    send(chat, HOUR)
    assert len(receiver.requests) == 1
    redeliver(rows[0], now=NOW + HOUR)
    delivery(chat, notice(repositories[0], key="later"), at=NOW + HOUR)
    send(chat, HOUR)
    assert receiver.requests[1].body == receiver.requests[0].body
    assert len(receiver.requests) == 3


def test_parts_of_a_message_that_becomes_part_of_another_go_with_it(
    chat: Channel, repositories: list[Repository], receiver: Receiver
) -> None:
    for at in (5, 6):
        delivery(chat, notice(repositories[0], key=str(at)), at=NOW + at * SECOND)
    assert next_delivery(chat.pk, NOW + HOUR)  # and then the worker died
    delivery(chat, notice(repositories[1], key="older"))
    send(chat, HOUR)
    assert titles(receiver) == ["3 new critical findings in 2 repositories"]


def test_of_many_only_what_is_seen_is_said(repositories: list[Repository], receiver: Receiver) -> None:
    person = user("mem", role="member")
    join(Team.objects.get(slug="web"), person, "viewer")
    mine = channel(person, kind="webhook", target=receiver.url, allow_private=True)
    for row in repositories[:3]:
        delivery(mine, notice(row, key=str(row.pk)))
    delivery(mine, notice(*repositories[:2], key="overdue", kind=Kind.OVERDUE))
    own(team("Other"), repositories[:1])  # before anything was sent
    send(mine)
    assert titles(receiver) == ["2 new critical findings in 2 repositories", "1 finding is overdue"]
    for request in receiver.requests:
        assert repositories[0].name not in request.body.decode()
    person.memberships.all().delete()
    for whole in Delivery.objects.filter(joined_to=None):
        redeliver(whole, now=NOW + HOUR)
    send(mine, HOUR)
    assert len(receiver.requests) == 2
    assert set(Delivery.objects.filter(joined_to=None).values_list("state", flat=True)) == {"dropped"}


@pytest.fixture
def tri(repositories: list[Repository], receiver: Receiver) -> Channel:
    person = user("tri", role="member")
    join(Team.objects.get(slug="web"), person, "triager")
    return channel(person, Kind.ASSIGNED, kind="webhook", target=receiver.url, allow_private=True)


def assigned(row: Finding, to: User | None, by: User) -> int:
    return change_findings(Finding.objects.filter(pk=row.pk), Assign(to.pk if to else None), by=by, now=NOW).pk


def test_an_assignment_rings_at_once(repositories: list[Repository], tri: Channel) -> None:
    channel(Team.objects.get(slug="web"), Kind.ASSIGNED)  # which no form makes
    row, lead = finding(repositories[0]), user("sec", role="security")
    made = change_findings(Finding.objects.filter(pk=row.pk), Assign(tri.user_id), by=lead, now=NOW)
    assert [one.id for one in rescans_of(made)] == [tri.pk]


def test_what_was_taken_away_again_is_not_told(
    repositories: list[Repository], tri: Channel, receiver: Receiver
) -> None:
    first, second, lead = finding(repositories[0]), finding(repositories[1]), user("sec", role="security")
    undo(assigned(first, tri.user, lead), by=lead, now=NOW)
    assigned(second, tri.user, lead)
    assigned(second, lead, lead)
    send(tri)
    assert not receiver.requests
    assigned(first, tri.user, lead)  # and given again
    send(tri)
    assert titles(receiver) == ["sec assigned you a finding"]


def test_one_who_left_hears_nothing_of_what_others_gave_them(
    repositories: list[Repository], tri: Channel, receiver: Receiver
) -> None:
    assigned(finding(repositories[0]), tri.user, user("sec", role="security"))
    assert tri.user
    tri.user.memberships.all().delete()
    send(tri)
    assert not receiver.requests


def test_words_are_made_by_few_queries(  # type: ignore[no-untyped-def]  # the fixture has no public type
    chat: Channel, repositories: list[Repository], receiver: Receiver, django_assert_max_num_queries
) -> None:
    for at in range(300):
        delivery(chat, replace(notice(repositories[at % 3], key=str(at)), more=at))
    with django_assert_max_num_queries(40):
        send(chat)
    assert len(receiver.requests) == 1
    assert json.loads(receiver.requests[0].body)["more"] == 290
