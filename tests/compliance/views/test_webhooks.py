"""Pages about pushes: the log, one delivery with replay, a registry's endpoint."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from unittest.mock import patch

import pytest
from django.contrib.messages import get_messages
from django.test import Client
from pytest_django import Settings

from compliance.models import InboundEvent, Push, WebhookEndpoint
from compliance.models.encryption import reveal
from compliance.policy.wake_up import WakeUp, Work
from compliance.webhooks.senders import SENDERS
from tests.support.hooks import Hook, delivered, pushed
from tests.support.pages import Page, get, get_part
from tests.support.rows import NOW, fleet, registry

SETUP = "/registries/harbor/webhook/"
_SECRET = re.compile(r"\b[0-9a-f]{48}\b")


@pytest.fixture
def rung() -> Iterator[list[WakeUp]]:
    """What workers were woken for."""
    found: list[WakeUp] = []
    with patch("compliance.views.webhooks.ring", side_effect=found.extend), patch("compliance.views.hooks.BELL.ring"):
        yield found


def make(client: Client, product: str = "harbor", stamp: str = "") -> Page:
    """Press the button."""
    response = client.post(SETUP, {"product": product, "stamp": stamp})
    assert response.status_code == 200, response.content
    return Page(response.content.decode())


def stamp(page: Page) -> str:
    """What the forms of a page carry."""
    return page.all("input", name="stamp")[0].attributes["value"]


# -- the endpoint


def test_a_registry_without_one(admin: Client, reader: Client) -> None:
    registry(product="quay")
    page = get(admin, SETUP)
    chosen = [option.text for option in page.all("option") if "selected" in option.attributes]
    assert chosen == ["Quay"]
    assert page.all("button", id="make")
    assert "Somebody who may change registries can create an endpoint here." in get(reader, SETUP).text


@pytest.mark.parametrize(
    ("columns", "words"),
    [
        ({"url": "docker-daemon:", "product": "docker-engine"}, "on the workers' own machine announce no pushes"),
        ({"url": "https://registry.gitlab.com", "product": "gitlab"}, "GitLab.com has no event for pushes"),
        ({"product": "digitalocean"}, "announces no pushes that we know of"),
    ],
)
def test_products_that_announce_nothing(admin: Client, columns: dict[str, str], words: str) -> None:
    registry(**columns)
    page = get(admin, SETUP)
    assert words in page.text
    assert "they run every hour" in page.text


def test_a_source_on_the_workers_machine_gets_no_endpoint(admin: Client) -> None:
    registry(url="docker-daemon:", product="docker-engine")
    assert not get(admin, SETUP).all("button", id="make")
    assert admin.post(SETUP, {"product": "harbor", "stamp": ""}).status_code == 422
    assert not WebhookEndpoint.objects.exists()


@pytest.mark.parametrize("product", SENDERS)
def test_the_secret_is_shown_in_one_answer_where_it_belongs(admin: Client, product: str) -> None:
    registry()
    page = make(admin, product)
    endpoint = WebhookEndpoint.objects.get()
    secret = reveal(endpoint.secret)
    snippets = " ".join(pre.text for pre in page.all("pre"))
    assert secret in snippets.replace(page.all("code", id="secret")[0].text, "", 1)
    assert f"http://testserver/hooks/{endpoint.key}/" in snippets
    assert "YOUR_SECRET" not in page.html
    assert secret not in get(admin, SETUP).html
    assert "YOUR_SECRET" in get(admin, SETUP).html


def test_the_secret_is_in_no_session_and_no_cache(admin: Client) -> None:
    registry()
    response = admin.post(SETUP, {"product": "harbor", "stamp": ""})
    secret = reveal(WebhookEndpoint.objects.get().secret)
    assert response.headers["Cache-Control"] == "private, no-store"
    assert secret not in str(dict(admin.session))
    assert secret not in str(response.cookies)
    assert not list(get_messages(response.wsgi_request))


def test_a_form_sent_twice_changes_nothing_twice(admin: Client) -> None:
    registry()
    page = make(admin)
    key, secret = WebhookEndpoint.objects.values_list("key", "secret").get()
    again = admin.post(SETUP, {"product": "harbor", "stamp": ""}, follow=True)
    assert "This was done already" in again.content.decode()
    assert WebhookEndpoint.objects.values_list("key", "secret").get() == (key, secret)
    assert admin.post(f"{SETUP}rotate/", {"hours": "1", "stamp": stamp(page)}).status_code == 200
    assert admin.post(f"{SETUP}rotate/", {"hours": "1", "stamp": stamp(page)}).status_code == 302


def test_rotating(admin: Client, rung: list[WakeUp]) -> None:
    hook = Hook(registry())
    answer = admin.post(f"{SETUP}rotate/", {"hours": "5", "stamp": stamp(get(admin, SETUP))})
    page = Page(answer.content.decode())
    fresh = _SECRET.findall(page.all("code", id="secret")[0].text)[0]
    assert fresh != hook.secret
    assert "The old one counts too until Tue 10 Mar 17:00 UTC" in page.text
    assert hook.send(pushed()).status_code == 202
    hook.secret = fresh
    assert hook.send(pushed()).status_code == 202


@pytest.mark.parametrize("hours", ["", "-1", "721", "x", "9" * 400, "1.5"])
def test_hours_that_are_none(admin: Client, hours: str) -> None:
    hook = Hook(registry())
    answer = admin.post(f"{SETUP}rotate/", {"hours": hours, "stamp": stamp(get(admin, SETUP))})
    assert answer.status_code == 422
    assert reveal(WebhookEndpoint.objects.get().secret) == hook.secret


def test_switching_off_and_on(admin: Client, rung: list[WakeUp]) -> None:
    hook = Hook(registry())
    admin.post(f"{SETUP}enable/", {"enabled": "no"})
    assert hook.send(pushed()).status_code == 401
    assert "switched off" in get(admin, SETUP).text
    admin.post(f"{SETUP}enable/", {"enabled": "yes"})
    assert hook.send(pushed()).status_code == 202


def test_deleting_keeps_what_came(admin: Client) -> None:
    hook = Hook(registry())
    delivered(hook.registry, "1.0")
    admin.post(f"{SETUP}delete/")
    assert not WebhookEndpoint.objects.exists()
    page = get(admin, SETUP)
    assert "Latest deliveries" in page.text
    assert page.all("button", id="make")


@pytest.mark.parametrize("product", SENDERS)
def test_the_test_says_what_it_found(admin: Client, product: str) -> None:
    Hook(registry(), product)
    text = Page(admin.post(f"{SETUP}test/", follow=True).content.decode()).text
    assert "The request proved itself and was stored as delivery #" in text
    assert "Test: it was read as a push of " in text
    assert not Push.objects.exists()


def test_a_test_that_is_turned_away_says_why(admin: Client) -> None:
    Hook(registry())
    WebhookEndpoint.objects.update(enabled=False)
    text = Page(admin.post(f"{SETUP}test/", follow=True).content.decode()).text
    assert "turned away, as the registry's requests are: The endpoint is disabled." in text


def test_a_test_without_the_key_of_the_secret(admin: Client, settings: Settings) -> None:
    Hook(registry())
    settings.CREDENTIAL_KEYS = ["MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="]
    text = Page(admin.post(f"{SETUP}test/", follow=True).content.decode()).text
    assert "The test could not be made. A stored credential cannot be decrypted" in text


def test_the_alarm_says_what_to_look_at(reader: Client) -> None:
    Hook(registry())
    late = {"unannounced": 14, "unannounced_since": NOW - timedelta(days=2)}
    WebhookEndpoint.objects.update(rejected=3, rejected_at=NOW, rejected_reason="The secret was wrong.", **late)
    text = get(reader, SETUP).text
    assert "14 pushes were found by polling that no request announced since Sun 8 Mar 12:00 UTC; check the" in text
    assert "3 requests, the last one just now" in text
    assert "14 not announced" in get(reader, "/registries/").text
    assert "14 pushes found by polling" in get(reader, "/webhooks/").text


@pytest.mark.parametrize("product", ["quay", "dockerhub", "gar"])
def test_secrets_in_addresses_say_why(reader: Client, product: str) -> None:
    Hook(registry(), product)
    assert "so the address itself is the secret" in get(reader, SETUP).text


def test_an_endpoint_of_a_product_that_is_no_more(admin: Client) -> None:
    Hook(registry())
    WebhookEndpoint.objects.update(product="forgotten")
    page = get(admin, SETUP)
    assert "This release does not know the sender forgotten" in page.text
    assert not page.all("button", id="test")


@pytest.mark.parametrize("what", ["", "rotate/", "enable/", "test/", "delete/"])
def test_readers_change_nothing(reader: Client, what: str) -> None:
    hook = Hook(registry())
    assert reader.post(f"{SETUP}{what}", {"product": "quay", "hours": "0", "enabled": "no"}).status_code == 403
    row = WebhookEndpoint.objects.get()
    assert (row.key, reveal(row.secret), row.enabled) == (hook.endpoint.key, hook.secret, True)
    page = get(reader, SETUP)
    assert not [form for form in page.all("form") if "/webhook/" in form.attributes.get("action", "")]


@pytest.mark.parametrize("what", ["rotate/", "enable/", "test/", "delete/"])
def test_nothing_to_change_without_an_endpoint(admin: Client, what: str) -> None:
    registry()
    assert admin.post(f"{SETUP}{what}", {"hours": "1"}).status_code == 404
    assert admin.get(f"{SETUP}{what}").status_code == 405
    assert admin.post(f"/registries/nobody/webhook/{what}").status_code in (404, 405)


# -- the log


def test_empty_states(reader: Client) -> None:
    assert "No endpoint yet" in get(reader, "/webhooks/").text
    hook = Hook(registry())
    assert "Nothing has been announced yet" in get(reader, "/webhooks/").text
    delivered(hook.registry, "1.0")
    assert "No delivery matches" in get(reader, "/webhooks/?q=nothing").text
    assert "Nothing older is kept" in get(reader, "/webhooks/?before=1").text


def test_a_row_tells_all(reader: Client) -> None:
    made = fleet(1)
    event = delivered(made.registry, "1.0", scan=made.scan, state="joined", reason="It is said so")
    page = get(reader, "/webhooks/")
    text = page.rows[0].text
    for words in (f"#{event.pk}", "Harbor", "Distribution", "Pushed", "team/app-0000:1.0", "Accepted", "It is said so",
                  f"#{made.scan.pk} done", "202", "3.3 ms"):  # fmt: skip
        assert words in text
    assert page.all("a", href="/r/harbor/team/app-0000/-/t/1.0/")


def test_filters_are_chips_and_the_part_is_a_part(reader: Client) -> None:
    delivered(registry(), "1.0")
    page = get(reader, "/webhooks/?registry=harbor&outcome=accepted&q=app&period=hour&product=distribution&before=9999")
    assert len(page.all("a", class_="chip")) == 5
    assert all("before" not in chip.attributes["href"] for chip in page.all("a", class_="chip"))
    part = get_part(reader, "/webhooks/?outcome=accepted")
    assert part.lstrip().startswith('<div id="results">')
    assert "1 deliveries" in part


def test_a_push_s_scan_links_to_its_deliveries(reader: Client) -> None:
    made = fleet(1)
    assert f"/webhooks/?scan={made.scan.pk}" not in get(reader, f"/scans/{made.scan.pk}/").html
    made.scan.trigger = "webhook"
    made.scan.save()
    assert f"/webhooks/?scan={made.scan.pk}" in get(reader, f"/scans/{made.scan.pk}/").html


# -- one delivery


def test_one_delivery(reader: Client, rung: list[WakeUp]) -> None:
    hook = Hook(fleet(1).registry)
    hook.send(pushed("1.0", repository="team/app-0000"), {"x-one": "two"})
    page = get(reader, f"/webhooks/{hook.event().pk}/")
    assert hook.secret not in page.html
    for words in ("authorization not kept", "x-one two", "Proved itself", "team/app-0000:1.0", '"action": "push"'):
        assert words in page.text
    assert not page.all("button", id="replay")


@pytest.mark.parametrize(
    "body", [b"", b"\xff\xfe<b>", b"[" * 60_000, b'{"a":' * 9_000, b'"', b"\\", b'{"a": "\\u0000"}']
)
def test_bodies_that_are_strange(reader: Client, body: bytes) -> None:
    event = delivered(registry(), body=body, outcome="quarantined", reason="odd")
    page = get(reader, f"/webhooks/{event.pk}/")
    assert len(page.html) < 600_000
    assert not page.all("b")


@pytest.mark.parametrize("number", ["0", "99", "9" * 30])
def test_deliveries_that_are_not_there(admin: Client, number: str) -> None:
    get(admin, f"/webhooks/{number}/", status=404)
    text = Page(admin.post(f"/webhooks/{number}/replay/", follow=True).content.decode()).text
    assert "Not found" in text


def test_replaying(admin: Client, rung: list[WakeUp]) -> None:
    hook = Hook(registry())
    hook.send(pushed())
    first = hook.event()
    assert admin.get(f"/webhooks/{first.pk}/replay/").status_code == 405
    page = Page(admin.post(f"/webhooks/{first.pk}/replay/", follow=True).content.decode())
    assert rung == [WakeUp(Work.PUSHES, hook.registry.pk)]
    again = hook.event()
    assert again.replay_of_id == first.pk
    assert f"Delivery #{first.pk} was done again, as this one." in page.text
    assert f"Done again as #{again.pk}" in get(admin, f"/webhooks/{first.pk}/").text


def test_readers_replay_nothing(reader: Client) -> None:
    event = delivered(Hook(registry()).registry, "1.0")
    assert reader.post(f"/webhooks/{event.pk}/replay/").status_code == 403
    assert InboundEvent.objects.count() == 1


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"body_size": 99}, "only 2 of its 99 bytes were kept"),
        ({"product": "forgotten"}, "this release does not know what sent it"),
    ],
)
def test_what_cannot_be_done_again_says_why(admin: Client, change: dict[str, object], words: str) -> None:
    event = delivered(Hook(registry()).registry, **change)
    assert words in get(admin, f"/webhooks/{event.pk}/").text
    text = Page(admin.post(f"/webhooks/{event.pk}/replay/", follow=True).content.decode()).text
    assert text.count(words.split(" bytes")[0].replace("only", "Only")) or "does not know the sender" in text
    assert InboundEvent.objects.count() == 1


def test_a_delivery_whose_endpoint_is_gone(admin: Client) -> None:
    event = delivered(registry(), "1.0")
    assert "its registry has no endpoint any more" in get(admin, f"/webhooks/{event.pk}/").text
