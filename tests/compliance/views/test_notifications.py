"""Channels: one's own and a team's; what they are told of; tests, the log, sending again; secrets that stay inside."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django import Settings
from pytest_django.fixtures import DjangoAssertNumQueries

from compliance.models import (
    AuditEvent,
    Channel,
    Delivery,
    DeliveryAttempt,
    SavedView,
    Subscription,
    Team,
    User,
    ViewMail,
)
from compliance.models.encryption import reveal
from compliance.remediation.notices import Kind
from compliance.services.save_channel import MOST_CHANNELS, MOST_TESTS
from compliance.services.send_deliveries import MOST_TRIES
from tests.support.channels import channel, delivery, notice
from tests.support.pages import get, logged_in
from tests.support.remediation import team
from tests.support.rows import HOSTILE, NOW, user

MINE, OURS = "/settings/notifications/", "/teams/web/notifications/"
TARGET = "https://hooks.example/services/T0P/S3CRET"


@pytest.fixture
def web(db: None) -> Team:
    """A team that Lea leads and in which Vic views."""
    return team("Web", lead=user("lea", role="member"), viewer=user("vic", role="member"))


@pytest.fixture
def lea(web: Team) -> Client:
    return logged_in(User.objects.get(username="lea"))


def wanted(**more: str) -> dict[str, str]:
    return {"kind": "slack", "name": "Chat", "target": TARGET, **more}


@pytest.mark.parametrize("url", [MINE, OURS])
def test_a_channel_is_added_and_its_address_stays_inside(lea: Client, url: str) -> None:
    assert lea.post(url, wanted()).headers["Location"] == url
    row = Channel.objects.get()
    assert (row.host, reveal(row.target), row.allow_private) == ("hooks.example", TARGET, False)
    assert (row.team is None) == (url == MINE)
    for shown in (url, f"/notifications/{row.pk}/"):
        page = get(lea, shown)
        assert "hooks.example" in page.html
        assert "S3CRET" not in page.html


def test_a_webhook_shows_its_secret_once(lea: Client) -> None:
    answer = lea.post(MINE, wanted(kind="webhook")).content.decode()
    secret = reveal(Channel.objects.get().secret)
    assert len(secret) >= 32
    assert secret in answer
    assert secret not in get(lea, MINE).html
    assert secret not in get(lea, f"/notifications/{Channel.objects.get().pk}/").html


@pytest.mark.parametrize(
    "more",
    [
        {"target": "http://hooks.example/x"},
        {"target": "https://user:password@hooks.example/"},
        {"target": "hooks.example"},
        {"target": ""},
        {"kind": "mail"},
        {"kind": "mail", "target": "a@example.org\r\nBcc: b@example.org"},
        {"kind": "mail", "target": "a@example.org,b@example.org"},
        {"kind": "mail", "target": "a@[10.0.0.5]"},
        {"kind": "pigeon"},
        {"name": "a\u202eb"},
        {"target": "http://10.0.0.5/", "private": "on"},
    ],
)
def test_what_is_no_channel(lea: Client, more: dict[str, str]) -> None:
    assert lea.post(MINE, wanted(**more)).status_code == 422
    assert not Channel.objects.exists()


@pytest.mark.parametrize(("operator", "status"), [(True, 302), (False, 422)])
def test_an_administrator_allows_private_addresses(db: None, settings: Settings, operator: bool, status: int) -> None:
    settings.ALLOW_PRIVATE_REGISTRIES = operator
    admin = logged_in(user("root", staff=True))
    assert admin.post(MINE, wanted(target="http://10.0.0.5/", private="on")).status_code == status
    assert Channel.objects.filter(allow_private=True).exists() is operator


def test_there_is_an_end_to_channels(web: Team, lea: Client) -> None:
    for at in range(MOST_CHANNELS):
        channel(web, name=str(at))
    assert lea.post(OURS, wanted()).status_code == 409
    assert lea.post(MINE, wanted()).status_code == 302


def test_what_is_told_is_chosen(web: Team, lea: Client) -> None:
    row, other = channel(web, Kind.DIGEST), channel(user("other"), Kind.DIGEST)
    on = [
        f"{row.pk}:critical",
        f"{row.pk}:overdue",
        f"{row.pk}:assigned",
        f"{row.pk}:nonsense",
        f"{other.pk}:critical",
        "x",
        "1:",
        ":",
    ]
    assert lea.post(f"{OURS}kinds/", {"on": on}).headers["Location"] == OURS
    assert set(Subscription.objects.values_list("channel", "kind")) == {
        (row.pk, "critical"),
        (row.pk, "overdue"),
        (other.pk, "digest"),
    }
    assert sum("checked" in box.attributes for box in get(lea, OURS).all("input")) == 2
    assert "assigned to me" not in get(lea, OURS).html
    told = AuditEvent.objects.filter(kind="channel").latest("pk")
    assert (told.actor_name, told.data["told of"]) == ("lea", ["critical", "overdue"])


@pytest.mark.parametrize(("who", "status"), [("vic", 403), ("stranger", 404), ("auditor", 403), ("root", 200)])
def test_who_opens_a_teams_channels(web: Team, who: str, status: int) -> None:
    row = channel(web)
    roles = {"stranger": "member", "auditor": "auditor", "root": "admin"}
    person = User.objects.filter(username=who).first() or user(who, role=roles[who])
    client = logged_in(person)
    for url in (OURS, f"/notifications/{row.pk}/"):
        assert client.get(url).status_code == status
    changed = client.post(f"/notifications/{row.pk}/change/", {"do": "off"}).status_code
    assert changed == (302 if status == 200 else status)
    assert Channel.objects.get().enabled is (status != 200)


def test_nobody_opens_another_persons(web: Team, lea: Client) -> None:
    row = channel(User.objects.get(username="vic"))
    sent = delivery(row, notice())
    for client in (lea, logged_in(user("root", staff=True))):
        assert client.get(f"/notifications/{row.pk}/").status_code == 404
        assert client.post(f"/notifications/{row.pk}/change/", {"do": "delete"}).status_code == 404
        assert client.post(f"/notifications/{row.pk}/again/", {"delivery": sent.pk}).status_code == 404
    assert Channel.objects.exists()


def test_tests_are_sent_on_the_way_of_all_others(web: Team, lea: Client) -> None:
    row = channel(web)
    for _ in range(MOST_TESTS + 3):
        lea.post(f"/notifications/{row.pk}/change/", {"do": "test"})
    assert Delivery.objects.filter(kind="test").count() == MOST_TESTS
    assert "A test" in get(lea, f"/notifications/{row.pk}/").text


def test_a_message_is_sent_again(web: Team, lea: Client) -> None:
    row = channel(web)
    sent, foreign = delivery(row, notice()), delivery(channel(user("other")), notice())
    Delivery.objects.update(state="failed", attempts=6)
    assert lea.post(f"/notifications/{row.pk}/again/", {"delivery": sent.pk}).status_code == 302
    assert lea.post(f"/notifications/{row.pk}/again/", {"delivery": foreign.pk}).status_code == 404
    assert lea.post(f"/notifications/{row.pk}/again/", {"delivery": "x"}).status_code == 400
    assert dict(Delivery.objects.values_list("pk", "state")) == {sent.pk: "waiting", foreign.pk: "failed"}


def test_a_channel_is_deleted(web: Team, lea: Client) -> None:
    row = channel(web)
    assert lea.post(f"/notifications/{row.pk}/change/", {"do": "delete"}).headers["Location"] == OURS
    assert not Channel.objects.exists()


def test_hostile_names_are_text(web: Team, lea: Client) -> None:
    row = channel(web, name=HOSTILE[:100], problem=HOSTILE)
    for url in (OURS, f"/notifications/{row.pk}/"):
        page = get(lea, url)
        assert not page.all("img", onerror="alert(1)")
        assert "onerror" in page.text


@pytest.mark.parametrize("many", [1, 10])
def test_queries_do_not_grow(
    web: Team, lea: Client, django_assert_num_queries: DjangoAssertNumQueries, many: int
) -> None:
    """Three are the session, its user and the user's teams."""
    person = User.objects.get(username="lea")
    for at in range(many):
        mine, ours = channel(person, Kind.DIGEST, name=str(at)), channel(web, Kind.CRITICAL, name=str(at))
        view = SavedView.objects.create(name=str(at), query="tab=all", by=person)
        ViewMail.objects.create(channel=mine, view=view, name=view.name, since=NOW)
        for key in range(many):
            whole = delivery(ours, notice(key=f"{key}"))
            DeliveryAttempt.objects.bulk_create(DeliveryAttempt(delivery=whole, at=NOW, ok=False) for _ in range(many))
            part = delivery(ours, notice(key=f"{key} part"))
            Delivery.objects.filter(pk=part.pk).update(joined_to=whole, state="joined")
    for url, expected in {
        MINE: 7,
        OURS: 6,
        f"/notifications/{mine.pk}/": 6,
        f"/notifications/{ours.pk}/": 8,
    }.items():
        with django_assert_num_queries(expected, info=url):
            assert lea.get(url).status_code == 200


def test_what_was_joined_is_one_row(web: Team, lea: Client) -> None:
    row = channel(web)
    whole, *parts = (delivery(row, notice(key=str(at))) for at in range(3))
    Delivery.objects.filter(pk__in=[part.pk for part in parts]).update(joined_to=whole, state="joined")
    page = get(lea, f"/notifications/{row.pk}/")
    assert "sent together with 2 more" in page.text
    assert len(page.all("button", name="delivery")) == 1


def test_there_is_an_end_to_sending_again(web: Team, lea: Client) -> None:
    row = channel(web)
    sent = delivery(row, notice())
    Delivery.objects.update(state="sent")
    now = timezone.now()
    DeliveryAttempt.objects.bulk_create(DeliveryAttempt(delivery=sent, at=now, ok=True) for _ in range(MOST_TRIES))
    lea.post(f"/notifications/{row.pk}/again/", {"delivery": sent.pk})
    assert Delivery.objects.get().state == "sent"
    DeliveryAttempt.objects.update(at=now - timedelta(hours=1, minutes=1))
    lea.post(f"/notifications/{row.pk}/again/", {"delivery": sent.pk})
    assert Delivery.objects.get().state == "waiting"


def test_what_was_asked_to_be_sent_again_counts_before_it_is_sent(web: Team, lea: Client) -> None:
    row = channel(web)
    sent = [delivery(row, notice(key=str(at))) for at in range(MOST_TRIES + 3)]
    for each in sent:
        DeliveryAttempt.objects.create(delivery=each, at=NOW - timedelta(days=1), ok=True)
    Delivery.objects.update(state="sent")
    for each in sent:
        lea.post(f"/notifications/{row.pk}/again/", {"delivery": each.pk})
    assert Delivery.objects.filter(state="waiting").count() == MOST_TRIES


def test_the_log_names_what_left_the_house(web: Team, lea: Client) -> None:
    """Whoever lost a right before something was sent does not read here what it was."""
    row = channel(User.objects.get(username="lea"))
    sent, _ = delivery(row, notice(key="sent")), delivery(row, replace(notice(key="kept"), title="About harbor/secret"))
    DeliveryAttempt.objects.create(delivery=sent, at=NOW, ok=True)
    for state in ("waiting", "dropped"):
        Delivery.objects.filter(about="kept").update(state=state)
        page = get(lea, f"/notifications/{row.pk}/")
        assert "New critical finding" in page.text
        assert "secret" not in page.html
