"""One's own page: the name, the time zone, the keys, and the way to everything else."""

from __future__ import annotations

import pytest
from django.test import Client
from pytest_django.fixtures import DjangoAssertNumQueries

from compliance.models import AuditEvent, Subscription, User
from tests.support.channels import channel
from tests.support.pages import Page, get
from tests.support.rows import HOSTILE

URL = "/settings/profile/"
FORM = {"first_name": "Nia", "last_name": "N", "time_zone": "Europe/Berlin", "shortcuts": "on"}


def me() -> User:
    return User.objects.get(username="reader")


def test_what_is_kept(reader: Client) -> None:
    before = AuditEvent.objects.count()
    assert reader.post(URL, {**FORM, "role": "admin", "username": "boss", "email": "x@example.org"}).status_code == 302
    person = me()
    assert (person.get_full_name(), person.time_zone, person.shortcuts) == ("Nia N", "Europe/Berlin", True)
    assert (person.role, person.email) == ("security", "")
    page = get(reader, URL)  # the session goes on
    assert page.all("input", name="time_zone", value="Europe/Berlin")
    assert page.all("input", name="last_name", value="N")
    assert AuditEvent.objects.count() == before


@pytest.mark.parametrize(
    "change",
    [
        {"time_zone": ""},
        {"time_zone": "Europe"},
        {"time_zone": "Mars/Olympus"},
        {"time_zone": "../../etc/passwd"},
        {"time_zone": "Europe/Berlin\x00"},
        {"time_zone": "Z" * 65},
        {"first_name": "\x1b[31m"},
        {"last_name": "x" * 151},
    ],
)
def test_what_is_refused(reader: Client, change: dict[str, str]) -> None:
    answer = reader.post(URL, {**FORM, **change})
    assert answer.status_code == 422
    assert 'class="errors"' in answer.content.decode()
    assert me().time_zone == "UTC"


def test_moments_are_told_by_the_own_clock(reader: Client) -> None:
    assert "Europe/Berlin" not in get(reader, "/settings/system/").html
    reader.post(URL, FORM)
    assert "Europe/Berlin" in get(reader, "/settings/system/").html


def test_keys_that_are_switched_off_are_not_loaded(reader: Client) -> None:
    page = get(reader, "/findings/")
    assert any("keys.js" in each.attributes.get("src", "") for each in page.all("script"))
    assert page.all("dialog", id="help")
    reader.post(URL, {key: value for key, value in FORM.items() if key != "shortcuts"})
    assert me().shortcuts is False
    for path in ("/findings/", "/", "/settings/profile/"):
        page = get(reader, path)
        assert not any("keys.js" in each.attributes.get("src", "") for each in page.all("script"))
        assert not page.all("dialog", id="help")
        assert not page.all("p", class_="keys")
    assert "You have switched them off." in page.text
    assert "previous and next finding" in page.text
    reader.post(URL, FORM)
    assert get(reader, "/findings/").all("dialog", id="help")


def test_where_the_week_is_told(reader: Client) -> None:
    assert "You are not told of your teams’ weeks." in get(reader, URL).text
    own = channel(me())
    Subscription.objects.create(channel=own, kind="digest")
    page = get(reader, URL)
    assert "on Mondays at 8:00, UTC, to" in page.text
    assert page.all("a", href=f"/notifications/{own.pk}/")


def test_there_is_one_place_for_each_thing(reader: Client) -> None:
    assert get(reader, "/settings/").all("a", href=URL)
    assert not get(reader, "/settings/").all("form", action="/settings/lists/")
    page = get(reader, URL)
    for path in ("/settings/password/", "/settings/sessions/", "/settings/notifications/"):
        assert page.all("a", href=path)
        assert reader.get(path).status_code == 200
    assert len(page.all("form", action="/settings/lists/")) == 1
    chosen = [each.text for each in page.all("button", name="theme", aria_pressed="true")]
    assert chosen == ["Theme of the system", "As the system"]
    reader.post("/theme/", {"theme": "dark", "next": URL})
    assert "Dark" in [each.text for each in get(reader, URL).all("button", name="theme", aria_pressed="true")]


def test_hostile_names_are_inert(reader: Client) -> None:
    User.objects.filter(username="reader").update(first_name=HOSTILE, last_name=HOSTILE, email=HOSTILE)
    page = Page(get(reader, URL).html)
    assert not page.all("img")
    assert not page.all("b")


def test_queries(reader: Client, django_assert_num_queries: DjangoAssertNumQueries) -> None:
    with django_assert_num_queries(4):
        reader.get(URL)
