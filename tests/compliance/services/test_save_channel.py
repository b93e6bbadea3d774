"""Channels that are added, tried out and deleted, also while something is told to them."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from django.db import transaction

from compliance.models import Channel, ChannelKind, Delivery, Team, User
from compliance.remediation.notices import Kind
from compliance.services import send_deliveries as sending
from compliance.services.save_channel import (
    MOST_TESTS,
    TooMany,
    Wanted,
    add_channel,
    delete_channel,
    send_test,
    subscribe,
    switch_channel,
)
from compliance.services.save_team import delete_team
from compliance.services.send_deliveries import send_deliveries
from compliance.services.tell_people import tell
from tests.compliance.services.test_changes_and_scans import InBackground
from tests.support.channels import channel, delivery, notice
from tests.support.remediation import team
from tests.support.rows import NOW, user

STRANGER = Wanted(ChannelKind.MAIL, "Somebody", "stranger@example.org")


def remade(person: User) -> Channel:
    """The person's channel, deleted and added again."""
    for row in person.channels.all():
        delete_channel(row, by=person, now=NOW)
    return add_channel(person, STRANGER, by=person, now=NOW).channel


@pytest.mark.django_db
def test_a_channel_that_is_deleted_and_added_again_has_no_more_tests() -> None:
    person = user("sam")
    for _ in range(MOST_TESTS):
        send_test(remade(person), by=person, now=NOW)
    with pytest.raises(TooMany):
        send_test(remade(person), by=person, now=NOW)
    other = user("kim")
    send_test(remade(other), by=other, now=NOW)
    send_test(remade(person), by=person, now=NOW + timedelta(hours=1, seconds=1))


@pytest.mark.django_db
def test_what_waits_is_forgotten_by_who_switches_off() -> None:
    person = user("sam", role="security")
    row = channel(person)
    for at, kind in enumerate((Kind.CRITICAL, Kind.TEST)):
        delivery(row, notice(key=str(at), kind=kind), at=NOW + timedelta(hours=8))
    for on in (False, True):
        switch_channel(row, on=on, by=person, now=NOW)
    assert set(Delivery.objects.values_list("state", "ended_at")) == {("dropped", NOW)}


@pytest.mark.django_db
def test_what_waits_is_forgotten_by_who_wants_no_more_of_it() -> None:
    person = user("sam", role="security")
    row, other = (channel(person, Kind.CRITICAL, Kind.OVERDUE) for _ in range(2))
    waiting = [delivery(row, notice(key=kind, kind=kind)) for kind in (Kind.CRITICAL, Kind.OVERDUE)]
    waiting.append(delivery(other, notice()))
    kept = {(row.pk, "overdue"), (other.pk, "critical"), (other.pk, "overdue")}
    subscribe(person.channels.all(), kept, by=person, now=NOW)
    states = dict(Delivery.objects.values_list("pk", "state"))
    assert [states[each.pk] for each in waiting] == ["dropped", "waiting", "waiting"]


def test_where_it_leads_is_not_printed() -> None:
    assert "stranger" not in repr(STRANGER)


@pytest.mark.django_db(transaction=True)
def test_a_channel_is_deleted_while_a_transaction_tells_it_something() -> None:
    """What is told of is kept, and whoever deletes waits for it: neither breaks the other."""
    person = user("sam", role="security")
    row = channel(person, Kind.CRITICAL)
    with transaction.atomic():
        tell([notice()], now=NOW)
        other = InBackground(lambda: delete_channel(row, by=person, now=NOW))
        other.until_it_waits()
    other.end()
    assert not Channel.objects.exists()
    assert not Delivery.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_a_team_is_deleted_while_a_transaction_tells_it_something() -> None:
    web, admin = team("Web"), user("root", role="admin")
    channel(web, Kind.CRITICAL)
    news = replace(notice(), teams=frozenset((web.pk,)))
    with transaction.atomic():
        tell([news], now=NOW)
        other = InBackground(lambda: delete_team(web, by=admin, now=NOW))
        other.until_it_waits()
    other.end()
    assert not Team.objects.exists()
    assert not Delivery.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_what_is_told_while_a_channel_is_deleted_is_told_to_the_others() -> None:
    person = user("sam", role="security")
    row, stays = channel(person, Kind.CRITICAL), channel(person, Kind.CRITICAL)
    with transaction.atomic():
        delete_channel(row, by=person, now=NOW)
        other = InBackground(lambda: tell([notice()], now=NOW))
        other.until_it_waits()
    other.end()
    assert Delivery.objects.get().channel == stays


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("step", ["message_of", "_send"])
def test_a_channel_is_deleted_while_something_is_sent_to_it(step: str, monkeypatch: pytest.MonkeyPatch) -> None:
    person = user("sam", role="security")
    row = channel(person, kind="mail", target="sam@example.org")
    delivery(row, notice())
    real: Any = getattr(sending, step)

    def meanwhile(*args: Any) -> Any:
        found = real(*args)
        delete_channel(Channel.objects.get(pk=row.pk), by=person, now=NOW)
        return found

    monkeypatch.setattr(sending, step, meanwhile)
    assert send_deliveries(row.pk, clock=lambda: NOW) == []
    assert not Channel.objects.exists()
