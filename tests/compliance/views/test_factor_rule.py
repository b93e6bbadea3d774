"""A second factor that is demanded: who is told what before, who is led where, and what a token is answered."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import NoReverseMatch, reverse
from pytest_django.fixtures import DjangoAssertNumQueries

from compliance.access import Demand
from compliance.models import AuditEvent, FactorRule, User
from compliance.queries.factor_rule import demand_now
from compliance.services.change_factors import reset_factors, turn_off
from compliance.services.demand_factor import demand_factor
from compliance.views.factor_gate import OPEN
from tests.support.api_tokens import asked, token
from tests.support.factors import confirm, protect, shown
from tests.support.pages import Page, get, logged_in
from tests.support.rights import PAGES, names
from tests.support.rows import NOW, user

pytestmark = pytest.mark.django_db

URL = "/settings/second-factors/"
SECURITY = "/settings/security/"


def demand(wanted: Demand) -> None:
    assert demand_factor(wanted, was=demand_now())


def chosen(client: Client, wanted: str, **more: str) -> tuple[int, Page]:
    response = client.post(URL, {"demand": wanted, **more})
    return response.status_code, Page(response.content.decode())


def step(page: Page) -> dict[str, str]:
    """What the page has confirmed."""
    fields = {each.attributes["name"]: each.attributes["value"] for each in page.all("input", type="hidden")}
    return {name: fields[name] for name in ("demand", "confirmed")}


@pytest.mark.parametrize("wanted", list(Demand))
@pytest.mark.parametrize("role", ["member", "auditor", "security", "admin"])
def test_who_is_led_to_set_one_up(wanted: Demand, role: str) -> None:
    demand(wanted)
    held = {"nobody": set(), "working": {"security", "admin"}, "everybody": {"member", "auditor", "security", "admin"}}
    person = user("sam", role=role)
    client = logged_in(person)
    for _ in range(2):
        answer = client.get("/rules/")
        if role in held[wanted]:
            assert (answer.status_code, answer.headers["Location"]) == (302, SECURITY)
        else:
            assert answer.status_code == 200
    protect(person)
    assert logged_in(person).get("/rules/").status_code == 200


def test_every_other_address_is_shut(db: None) -> None:
    client = logged_in(user("boss", staff=True))
    demand(Demand.EVERYBODY)
    assert PAGES.keys() >= OPEN
    shut = 0
    for name in names():
        try:
            address = reverse(name)
        except NoReverseMatch:  # it is about something
            continue
        for ask in (client.get, client.post):
            if name in OPEN:
                continue
            assert ask(address).headers.get("Location") == SECURITY, name
            shut += 1
    assert shut > 80
    assert client.get("/findings/1/").headers["Location"] == SECURITY, "nor is it said what there is"
    assert client.get("/settings/profile/").status_code == 200
    assert client.post("/theme/", {"theme": "dark"}).status_code == 302
    assert client.get("/healthz").status_code == 200
    assert client.post("/logout/").headers["Location"] == "/login/"


def test_htmx_takes_the_whole_browser_there() -> None:
    client = logged_in(user("sam"))
    demand(Demand.WORKING)
    answer = client.get("/findings/", headers={"HX-Request": "true"})
    assert (answer.status_code, answer.headers["HX-Redirect"], answer.content) == (200, SECURITY, b"")


def test_the_way_out_is_to_set_one_up() -> None:
    client = logged_in(user("sam"))
    demand(Demand.WORKING)
    page = get(client, SECURITY)
    assert "Set up a second factor to go on" in page.text
    links = {each.attributes.get("href", "") for each in page.all("a")}
    assert not {"/findings/", "/settings/", "/settings/password/", "/settings/sessions/"} & links, "they lead back here"
    assert {f"{SECURITY}app/", "/settings/profile/"} <= links
    assert client.get(f"{SECURITY}app/").headers["Location"].startswith(f"{SECURITY}confirm/")
    assert client.get(f"{SECURITY}confirm/").status_code == 200
    confirm(client)
    [secret] = get(client, f"{SECURITY}app/").all("code", id="secret")
    assert (
        "The second factor is on." in client.post(f"{SECURITY}app/", {"code": shown(NOW, secret.text)}).content.decode()
    )
    assert client.get("/rules/").status_code == 200
    page = get(client, SECURITY)
    assert "to go on" not in page.text
    assert "You must have one here" in page.text
    assert "You must have a second factor here" in get(client, f"{SECURITY}off/").text


@pytest.mark.parametrize("how", ["off", "reset", "rule", "role"])
def test_it_counts_at_once(how: str) -> None:
    person = user("sam", role="security")
    protect(person)
    demand(Demand.NOBODY if how == "rule" else Demand.WORKING)
    client = logged_in(person)
    assert client.get("/rules/").status_code == 200
    if how == "off":
        turn_off(person, now=NOW)
    elif how == "reset":
        reset_factors(person, by=None, now=NOW)
        client = logged_in(person)
    elif how == "rule":
        turn_off(person, now=NOW)
        assert client.get("/rules/").status_code == 200
        demand(Demand.WORKING)
    else:
        turn_off(person, now=NOW)
        User.objects.filter(pk=person.pk).update(role="member")
        client = logged_in(User.objects.get(pk=person.pk))
        assert client.get("/rules/").status_code == 200
        return
    assert client.get("/rules/").headers["Location"] == SECURITY
    demand(Demand.NOBODY)
    assert client.get("/rules/").status_code == 200


def test_recovery_codes_alone_are_no_second_factor() -> None:
    person = user("sam")
    protect(person)
    person.authenticator_set.filter(type="totp").delete()  # type: ignore[attr-defined]  # of django-allauth
    demand(Demand.WORKING)
    assert logged_in(person).get("/rules/").headers["Location"] == SECURITY


def test_a_token_of_whoever_lacks_one_is_refused() -> None:
    sam, lea = user("sam"), user("lea", role="member")
    held, free = token(sam), token(lea)
    demand(Demand.WORKING)
    for path in ("/api/v1/summary", "/findings/export/", "/waivers/-/export/"):
        answer = asked(path, held.secret)
        assert (answer.status_code, answer.json()["code"]) == (401, "second_factor_missing")
        assert asked(path, free.secret).status_code == 200
    held.token.refresh_from_db()
    assert held.token.last_used_at is None
    protect(sam)
    assert asked("/api/v1/summary", held.secret).status_code == 200


def test_it_costs_no_query(django_assert_num_queries: DjangoAssertNumQueries) -> None:
    client = logged_in(user("sam"))
    demand(Demand.WORKING)
    with django_assert_num_queries(2):  # the session, and the person with what they lack
        client.get("/rules/")


def test_what_it_does_is_said_before_and_done_after(admin: Client) -> None:
    protect(user("safe", role="security"))
    for name in ("one", "two"):
        user(name, role="security")
    user("gone", role="security")
    User.objects.filter(username="gone").update(is_active=False)
    user("lea", role="member")
    page = get(admin, URL)
    assert "What counts: Nobody" in page.text
    status, page = chosen(admin, "working")
    assert status == 200
    assert "Security: 2 have none yet" in page.text
    assert "Administrator: 1 has none yet" in page.text
    assert "Member:" not in page.text
    assert "You are one of them." in page.text
    assert demand_now() is Demand.NOBODY
    for link in page.all("a"):
        if "data-count" in link.attributes:
            listed = get(admin, link.attributes["href"])
            [total] = [each.attributes["data-total"] for each in listed.elements if "data-total" in each.attributes]
            assert total == link.attributes["data-count"], link.attributes["href"]
    assert admin.post(URL, step(page)).status_code == 302
    assert demand_now() is Demand.WORKING
    assert admin.get(URL).headers["Location"] == SECURITY
    protect(User.objects.get(username="boss"))
    boss = logged_in(User.objects.get(username="boss"))
    page = get(boss, URL)
    assert "What counts: Administrators and security, set" in page.text
    assert "by boss" in page.text
    [line] = AuditEvent.objects.filter(kind="factorrule", action="changed")
    assert (line.actor_name, line.data["demand"]) == ("boss", "working")
    assert "Who must have a second factor" in get(boss, "/settings/audit/?kind=factorrule").text


def test_who_has_one_is_not_warned_and_others_are(admin: Client) -> None:
    protect(User.objects.get(username="boss"))
    client = logged_in(User.objects.get(username="boss"))
    _, page = chosen(client, "working")
    assert "Everybody of whom it is demanded has one already." in page.text
    assert "You are one of them" not in page.text
    user("lea", role="member")
    _, page = chosen(client, "everybody")
    assert "Member: 1 has none yet" in page.text


def test_fewer(admin: Client) -> None:
    boss = User.objects.get(username="boss")
    protect(boss)
    client = logged_in(boss)
    demand(Demand.EVERYBODY)
    _, page = chosen(client, "nobody")
    assert "Those who have one keep it" in page.text
    assert client.post(URL, step(page)).status_code == 302
    assert demand_now() is Demand.NOBODY
    assert "Nothing was changed" in client.post(URL, {"demand": "nobody"}, follow=True).content.decode()


def test_what_is_confirmed_is_what_was_shown(admin: Client) -> None:
    protect(User.objects.get(username="boss"))
    client = logged_in(User.objects.get(username="boss"))
    asked_for = step(chosen(client, "working")[1])
    assert chosen(client, "everybody", confirmed=asked_for["confirmed"])[0] == 409
    demand(Demand.EVERYBODY)
    status, page = chosen(client, **asked_for, wanted=asked_for.pop("demand"))
    assert (status, demand_now()) == (409, Demand.EVERYBODY)
    assert client.post(URL, step(page)).status_code == 302
    assert demand_now() is Demand.WORKING


@pytest.mark.parametrize("value", ["", "all", "WORKING", "\0", "x" * 5_000])
def test_what_is_no_choice(admin: Client, value: str) -> None:
    status, page = chosen(admin, value, confirmed=f"nobody-{value}")
    assert (status, bool(page.all("p", class_="errors"))) == (422, True)
    assert not FactorRule.objects.exists()


@pytest.mark.parametrize("role", ["member", "auditor", "security"])
def test_administrators_decide(role: str) -> None:
    client = logged_in(user("lea", role=role))
    assert client.get(URL).status_code == 403
    assert chosen(client, "everybody", confirmed="nobody-everybody")[0] == 403
    assert not FactorRule.objects.exists()


def test_queries_of_the_page(admin: Client, django_assert_num_queries: DjangoAssertNumQueries) -> None:
    for number in range(30):
        protect(user(f"p{number}", role="member"))
    with django_assert_num_queries(6):
        admin.get(URL)
    with django_assert_num_queries(7):
        admin.post(URL, {"demand": "everybody"})


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("factor=on", {"safe"}),
        ("factor=none", {"boss", "lea"}),
        ("factor=missing", set()),
        ("factor=x", {"boss", "lea", "safe"}),
    ],
)
def test_people_by_factor(admin: Client, query: str, found: set[str]) -> None:
    protect(user("safe", role="security"))
    user("lea", role="member")
    page = get(admin, f"/settings/people/?{query}")
    assert {row.text.split()[0] for row in page.rows} == found


def test_people_who_must_and_have_none(admin: Client) -> None:
    protect(User.objects.get(username="boss"))
    client = logged_in(User.objects.get(username="boss"))
    user("lea", role="member")
    user("sec", role="security")
    demand(Demand.WORKING)
    page = get(client, "/settings/people/?factor=missing")
    assert [row.text.split()[0] for row in page.rows] == ["sec"]
