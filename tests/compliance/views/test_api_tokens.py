"""The page of one's own tokens, and what an administrator sees of somebody's."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client
from pytest_django.fixtures import DjangoAssertNumQueries

from compliance.models import ApiToken, AuditEvent, User
from compliance.services.api_tokens import MOST_TOKENS, revoke_tokens, stamp_of
from tests.support.api_tokens import asked, token
from tests.support.factors import confirm
from tests.support.pages import Page, get
from tests.support.rows import HOSTILE, NOW, PASSWORD, user

pytestmark = pytest.mark.django_db

URL = "/settings/tokens/"
WANTED = {"name": "report", "days": "30", "scopes": ["read:summary", "read:waivers"]}


def stamp(client: Client) -> str:
    return get(client, URL).all("input", name="stamp")[0].attributes["value"]


def test_nobody_has_a_token_at_first(reader: Client) -> None:
    page = get(reader, URL)
    assert "No token yet" in page.text
    assert page.all("input", name="days")[0].attributes["value"] == "90"


def test_the_password_is_asked_for_again(reader: Client) -> None:
    sent = {**WANTED, "name": HOSTILE[:100], "stamp": stamp(reader)}
    assert "Your password is asked for before" in get(reader, URL).text
    asks = reader.post(URL, sent).headers["Location"]
    assert asks.startswith("/settings/security/confirm/?next=%2Fsettings%2Ftokens%2F%3F")
    assert not ApiToken.objects.exists()
    page = get(reader, asks)
    assert "make an API token" in page.text
    assert page.all("a", href=URL), "the way back"
    target = page.all("input", name="next")[-1].attributes["value"]
    assert reader.post("/settings/security/confirm/", {"password": "wrong", "next": target}).status_code == 200
    assert reader.post(URL, sent).headers["Location"] == asks
    back = reader.post("/settings/security/confirm/", {"password": PASSWORD, "next": target}).headers["Location"]
    page = get(reader, back)
    assert "Nothing was made yet" in page.text
    assert page.all("input", name="name")[0].attributes["value"] == sent["name"]
    assert page.all("input", name="days")[0].attributes["value"] == "30"
    ticked = [each.attributes["value"] for each in page.all("input", name="scopes") if "checked" in each.attributes]
    assert ticked == WANTED["scopes"]
    assert not ApiToken.objects.exists()
    assert reader.post(URL, sent).status_code == 200
    assert ApiToken.objects.get().name == sent["name"]


def test_confirming_leads_to_no_other_site(reader: Client) -> None:
    page = get(reader, "/settings/security/confirm/?next=//evil.example/settings/tokens/")
    assert not [each for each in page.all("a") if "evil" in each.attributes.get("href", "")]


def test_a_secret_is_shown_once_and_works(reader: Client) -> None:
    confirm(reader)
    response = reader.post(URL, {**WANTED, "stamp": stamp(reader)})
    page = Page(response.content.decode())
    secret = page.all("code", id="secret")[0].text
    assert response.headers["Cache-Control"] == "private, no-store"
    assert page.all("button", class_="copy")[0].attributes["data-copy"] == secret
    row = ApiToken.objects.get()
    assert (row.name, row.scopes, row.expires_at) == ("report", WANTED["scopes"], NOW + timedelta(days=30))
    assert asked("/api/v1/summary", secret).status_code == 200
    assert asked("/findings/export/", secret).status_code == 403
    again = get(reader, URL)
    assert secret not in again.html
    assert f"{row.prefix}_…" in again.text
    assert "1 active" in again.text


def test_a_reload_makes_no_second_token_and_shows_no_secret(reader: Client) -> None:
    confirm(reader)
    sent = {**WANTED, "stamp": stamp(reader)}
    secret = Page(reader.post(URL, sent).content.decode()).all("code", id="secret")[0].text
    again = reader.post(URL, sent)
    assert again.status_code == 409
    assert "done already" in again.content.decode()
    assert secret not in again.content.decode()
    assert ApiToken.objects.count() == 1


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"name": ""}, "This field is required."),
        ({"name": "a\u202eb"}, "cannot be printed"),
        ({"name": "x" * 101}, "at most 100 characters"),
        ({"days": ""}, "This field is required."),
        ({"days": "0"}, "greater than or equal to 1"),
        ({"days": "366"}, "less than or equal to 365"),
        ({"days": "9" * 5_000}, "Enter a whole number."),
        ({"days": "1e3"}, "Enter a whole number."),
        ({"scopes": []}, "Choose at least one."),
        ({"scopes": ["write:everything"]}, "not one of the available choices"),
    ],
)
def test_what_is_refused_says_why(reader: Client, wrong: dict[str, object], words: str) -> None:
    response = reader.post(URL, {**WANTED, "stamp": stamp(reader), **wrong})
    assert response.status_code == 422
    assert words in Page(response.content.decode()).text
    assert not ApiToken.objects.exists()


def test_there_are_no_more_than_so_many(reader: Client) -> None:
    confirm(reader)
    person = User.objects.get(username="reader")
    for _ in range(MOST_TOKENS):
        token(person)
    response = reader.post(URL, {**WANTED, "stamp": stamp_of(person)})
    assert response.status_code == 409
    assert "revoke one first" in response.content.decode()


def test_the_list_says_what_has_become_of_each(reader: Client) -> None:
    person = User.objects.get(username="reader")
    used = token(person, days=3, name="soon").token
    ApiToken.objects.filter(pk=used.pk).update(last_used_at=NOW - timedelta(hours=2), last_used_ip="203.0.113.7")
    token(person, name=HOSTILE)
    token(person, days=1, name="old", now=NOW - timedelta(days=40))
    gone = token(person, name="gone").token
    revoke_tokens(person, now=NOW, only=gone.pk)
    token(user("kim"), name="theirs")
    page = get(reader, URL)
    lines = [row.text for row in page.rows]
    assert len(lines) == 4, lines
    assert all(words in lines[0] for words in ("soon", "Active", "expires in 3 days", "2 hours ago", "203.0.113.7"))
    assert all(words in lines[1] for words in ("<img src=x", "expires in 1 month", "never", "Revoke"))
    assert all(words in lines[2] for words in ("gone", "Revoked", "just now"))
    assert all(words in lines[3] for words in ("old", "Expired", "1 month ago"))
    assert "Revoke" not in lines[2].replace("Revoked", "") + lines[3]
    assert "theirs" not in page.text
    assert "2 active" in page.text


def test_only_ones_own_are_revoked(reader: Client) -> None:
    person = User.objects.get(username="reader")
    mine, theirs = token(person), token(user("kim"))
    for pk in (theirs.token.pk, 10**17):
        assert reader.post(f"{URL}{pk}/revoke/").status_code == 404
    assert reader.get(f"{URL}{mine.token.pk}/revoke/").status_code == 405
    assert asked("/api/v1/summary", mine.secret).status_code == 200
    response = reader.post(f"{URL}{mine.token.pk}/revoke/", follow=True)
    assert "The token is revoked" in response.content.decode()
    assert asked("/api/v1/summary", mine.secret).status_code == 401
    assert asked("/api/v1/summary", theirs.secret).status_code == 200
    assert reader.post(f"{URL}{mine.token.pk}/revoke/").status_code == 404
    line = AuditEvent.objects.get(kind="apitoken", action="changed")
    assert (line.actor_name, line.object) == ("reader", str(mine.token.pk))


def test_an_administrator_sees_and_revokes_somebodys(admin: Client) -> None:
    kim = user("kim")
    first, second, third = (token(kim, name=name) for name in ("first", "second", "third"))
    other = token(user("lee"))
    url = f"/settings/people/{kim.pk}/"
    page = get(admin, url)
    assert "3 active" in page.text
    assert [each.secret for each in (first, second, third) if each.secret in page.html] == []
    for nonsense in ("", "x", str(other.token.pk)):
        answer = admin.post(f"{url}tokens/", {"token": nonsense}, follow=True)
        assert "There was no such token." in answer.content.decode()
    admin.post(f"{url}tokens/", {"token": first.token.pk})
    assert "2 active" in get(admin, url).text
    assert "2 tokens are revoked" in admin.post(f"{url}tokens/", {"token": "all"}, follow=True).content.decode()
    assert "No token is active" in get(admin, url).text
    assert set(AuditEvent.objects.filter(kind="apitoken", action="changed").values_list("actor_name", flat=True)) == {
        "boss"
    }
    assert asked("/api/v1/summary", other.secret).status_code == 200


def test_many_tokens_are_pages_of_as_many_queries(
    reader: Client, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    person = User.objects.get(username="reader")
    with django_assert_num_queries(7):
        reader.get(URL)
    for at in range(60):
        revoke_tokens(person, now=NOW, only=token(person, name=f"number {at}").token.pk)
    with django_assert_num_queries(7):
        assert len(get(reader, URL).rows) == 50
    assert len(get(reader, f"{URL}?page=2").rows) == 10
    part = reader.get(f"{URL}?page=2", headers={"HX-Request": "true"}).content.decode()
    assert "<html" not in part
    assert "number 3" in part


def test_settings_lead_there(reader: Client) -> None:
    assert get(reader, "/settings/").all("a", href=URL)[0].text == "API tokens"
