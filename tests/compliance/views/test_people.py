"""Accounts: the list, making, changing, switching off; no default password, and never without an administrator."""

from __future__ import annotations

import pytest
from django.test import Client
from pytest_django.fixtures import DjangoAssertNumQueries

from compliance.models import AuditEvent, User
from tests.support.pages import Page, get, get_part, logged_in
from tests.support.remediation import join, team
from tests.support.rows import HOSTILE, PASSWORD, user

URL = "/settings/people/"
NEW = {"username": "nia", "email": "nia@example.org", "first_name": "Nia", "last_name": "N", "role": "member"}


def test_the_list_says_who_may_what(admin: Client) -> None:
    join(team("Web"), user("lea", role="member"), "lead")
    user("aud", role="auditor")
    page = get(admin, URL)
    assert [row.text for row in page.rows] == [
        "aud Auditor none – none never",
        "boss Administrator none – none just now",
        "lea Member Web lead – none never",
    ]
    tabs = [
        tab.text
        for tab in page.all("a")
        if "count" in tab.attributes.get("href", "") or "role=" in tab.attributes.get("href", "")
    ]
    assert tabs == ["Administrator 1", "Security 0", "Auditor 1", "Member 1"]


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("?q=LE", ["lea"]),
        ("?q=lea@", ["lea"]),
        ("?role=member", ["gone", "lea"]),
        ("?state=inactive", ["gone"]),
        ("?state=active&role=admin", ["boss"]),
        ("?state=never", ["lea"]),
        ("?q=nobody", []),
        ("?role=king&state=x&page=99999999999", ["boss", "gone", "lea"]),
        ("?q=%00", ["boss", "gone", "lea"]),
    ],
)
def test_the_list_is_narrowed(admin: Client, query: str, names: list[str]) -> None:
    user("lea", role="member")
    User.objects.filter(username="lea").update(email="lea@example.org")
    User.objects.filter(pk=user("gone", role="member").pk).update(is_active=False)
    page = get(admin, URL + query)
    assert [row.text.split()[0] for row in page.rows] == names
    assert ("Nobody matches" in page.text) == (not names)
    assert "<html" not in get_part(admin, URL + query)


def test_somebody_is_made_without_a_password_and_chooses_one_by_the_link(admin: Client) -> None:
    response = admin.post(f"{URL}-/new/", NEW)
    assert response.status_code == 200
    assert "no-store" in response.headers["Cache-Control"]
    person = User.objects.get(username="nia")
    assert (person.role, person.get_full_name(), person.has_usable_password()) == ("member", "Nia N", False)
    link = Page(response.content.decode()).all("code", id="link")[0].text
    assert link.startswith("http://testserver/welcome/")
    assert link not in get(admin, f"{URL}{person.pk}/").html
    fresh = Client()
    form = fresh.get(link, follow=True)
    chosen = {"new_password1": PASSWORD, "new_password2": PASSWORD}
    assert fresh.post(form.request["PATH_INFO"], chosen).status_code == 302
    assert fresh.login(username="nia", password=PASSWORD)
    assert not Client().login(username="nia", password="nia")


@pytest.mark.parametrize(
    "change",
    [
        {"username": ""},
        {"username": "BOSS"},
        {"username": "a b"},
        {"email": "x"},
        {"role": "king"},
        {"first_name": "\x1b"},
    ],
)
def test_who_cannot_be_made(admin: Client, change: dict[str, str]) -> None:
    assert admin.post(f"{URL}-/new/", {**NEW, **change}).status_code == 422
    assert User.objects.count() == 1


def test_an_account_is_changed(admin: Client) -> None:
    person = user("lea", role="member")
    session = logged_in(person)
    data = {**NEW, "username": "lea", "role": "auditor"}
    assert admin.post(f"{URL}{person.pk}/", data).headers["Location"] == f"{URL}{person.pk}/"
    person.refresh_from_db()
    assert (person.role, person.email) == ("auditor", "nia@example.org")
    assert person.check_password(PASSWORD)
    assert session.get("/teams/").headers["Location"].startswith("/login/")


def test_the_last_administrator_stays_one(admin: Client) -> None:
    boss = User.objects.get()
    response = admin.post(f"{URL}{boss.pk}/", {**NEW, "username": "boss", "role": "security"})
    assert response.status_code == 409
    assert "This is the last administrator" in response.content.decode()
    assert admin.post(f"{URL}{boss.pk}/active/", {"active": "no"}).status_code == 409
    other = user("other", role="admin")
    User.objects.filter(pk=other.pk).update(is_active=False)
    assert admin.post(f"{URL}{boss.pk}/active/", {"active": "no"}).status_code == 409
    boss.refresh_from_db()
    assert (boss.role, boss.is_active) == ("admin", True)
    User.objects.filter(pk=other.pk).update(is_active=True)
    assert admin.post(f"{URL}{boss.pk}/", {**NEW, "username": "boss", "role": "security"}).status_code == 302
    assert admin.get(URL).status_code == 302  # the session ended with the role
    assert logged_in(User.objects.get(username="boss")).get(URL).status_code == 403


def test_who_is_deactivated_is_out_at_once_and_does_not_come_back_by_an_old_session(admin: Client) -> None:
    person = user("lea", role="security")
    client = Client()
    client.post("/login/", {"username": "lea", "password": PASSWORD})
    assert client.get("/").status_code == 200
    admin.post(f"{URL}{person.pk}/active/", {"active": "no"})
    assert client.get("/").headers["Location"].startswith("/login/")
    assert not Client().login(username="lea", password=PASSWORD)
    assert "cannot log in" in get(admin, f"{URL}{person.pk}/").text
    admin.post(f"{URL}{person.pk}/active/", {"active": "yes"})
    assert client.get("/").headers["Location"].startswith("/login/")
    assert Client().login(username="lea", password=PASSWORD)


def test_a_new_link_leaves_the_old_password_until_another_is_chosen(admin: Client) -> None:
    person = user("lea", role="member")
    page = Page(admin.post(f"{URL}{person.pk}/link/").content.decode())
    assert "/welcome/" in page.all("code", id="link")[0].text
    assert Client().login(username="lea", password=PASSWORD)
    User.objects.filter(pk=person.pk).update(is_active=False)
    assert admin.post(f"{URL}{person.pk}/link/").status_code == 302


def test_ones_own_password_is_changed_by_the_old_one_alone(admin: Client) -> None:
    boss = User.objects.get(username="boss")
    page = get(admin, f"{URL}{boss.pk}/")
    assert not page.all("form", action=f"{URL}{boss.pk}/link/")
    assert page.all("a", href="/settings/password/")
    answer = admin.post(f"{URL}{boss.pk}/link/")
    assert answer.headers["Location"] == "/settings/password/"
    assert not AuditEvent.objects.filter(action="link_made").exists()


@pytest.mark.parametrize("path", ["999/", "999/link/", "999/active/"])
def test_nobody_is_not_found(admin: Client, path: str) -> None:
    assert admin.post(URL + path).status_code == 404


@pytest.mark.parametrize("role", ["member", "auditor", "security"])
def test_only_administrators_see_and_change_people(db: None, role: str) -> None:
    boss, client = user("boss", role="admin"), logged_in(user("lea", role=role))
    for path in ("", "-/new/", f"{boss.pk}/"):
        assert client.get(URL + path).status_code == 403
    for path in ("-/new/", f"{boss.pk}/", f"{boss.pk}/link/", f"{boss.pk}/active/"):
        assert client.post(URL + path, NEW).status_code == 403
    assert User.objects.count() == 2


def test_hostile_names_are_inert(admin: Client) -> None:
    person = user("odd", role="member")
    User.objects.filter(pk=person.pk).update(first_name=HOSTILE, last_name=HOSTILE, username=HOSTILE, email=HOSTILE)
    for path in (URL, f"{URL}{person.pk}/"):
        page = get(admin, path)
        assert not page.all("img")
        assert not page.all("b")


@pytest.mark.parametrize("people", [1, 60])
def test_queries_do_not_grow(admin: Client, django_assert_num_queries: DjangoAssertNumQueries, people: int) -> None:
    web = team("Web")
    for at in range(people):
        join(web, user(f"p{at}", role="member"), "viewer")
    # A person's page has sections for tokens and for the second factor, of one query each.
    for path, queries in {URL: 6, f"{URL}{User.objects.latest('pk').pk}/": 7, "/settings/": 3}.items():
        with django_assert_num_queries(queries, info=path):
            assert admin.get(path).status_code == 200


def test_settings_are_those_somebody_may_open(admin: Client, reader: Client) -> None:
    assert get(admin, "/settings/").all("a", href=URL)
    assert not get(reader, "/settings/").all("a", href=URL)
    for client in (admin, reader):
        for link in get(client, "/settings/").all("a"):
            if link.attributes.get("href", "").startswith("/settings/"):
                assert client.get(link.attributes["href"]).status_code == 200
