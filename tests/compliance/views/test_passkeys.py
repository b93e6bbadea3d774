"""One's own passkeys: added, renamed and removed, and what they count for."""

from __future__ import annotations

from datetime import timedelta
from unittest.mock import patch

import pytest
from allauth.mfa.models import Authenticator
from django.test import Client
from django.urls import reverse
from pytest_django import Settings
from pytest_django.fixtures import DjangoAssertNumQueries

from compliance.access import Demand
from compliance.models import AuditAction, User
from compliance.policy.relying_party import RelyingParty
from compliance.queries.factor_rule import demand_now
from compliance.queries.security import factors_of
from compliance.services.change_factors import MOST_PASSKEYS, make_codes, remove_passkey, turn_off
from compliance.services.demand_factor import demand_factor
from tests.support.api_tokens import asked, token
from tests.support.factors import confirm, protect, shown
from tests.support.pages import Page, get
from tests.support.passkeys import (
    ADD,
    ALONE,
    CODE,
    FLAG,
    HERE,
    Device,
    after_password,
    alone,
    browser,
    confirmed,
    did,
    half_way,
    is_in,
    newest,
    options,
    with_passkey,
)
from tests.support.rights import PAGES
from tests.support.rows import HOSTILE, NOW, PASSWORD, user

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("quick_passwords", "one_clock")]


def test_the_first_one_comes_with_recovery_codes_and_ends_other_sessions() -> None:
    sam = user("sam")
    client, elsewhere = confirmed(sam), browser()
    elsewhere.post("/login/", {"username": "sam", "password": PASSWORD})
    assert "None yet." in get(client, HERE).text
    device = Device()
    answer = client.post(ADD, {"name": "Phone", "credential": device.answer_to_make(options(client, ADD))})
    assert answer.headers["Cache-Control"] == "private, no-store"
    codes = Page(answer.content.decode()).all("code", id="codes")[0].text.split()
    assert len(codes) == 10
    assert (is_in(client), is_in(elsewhere)) == (True, False), "it began without one"
    page = get(client, HERE)
    assert "Phone" in page.text
    assert "last used never" in page.text
    assert [each.data["passkey"] for each in did(AuditAction.PASSKEY_ADDED)] == ["Phone"]
    assert len(did(AuditAction.CODES_MADE)) == 1
    later = half_way()
    assert later.post(CODE, {"code": codes[0]}).status_code == 302


def test_another_one_keeps_codes_and_sessions() -> None:
    sam = user("sam")
    codes = protect(sam)
    client, elsewhere = confirmed(sam), browser()
    elsewhere.force_login(sam)
    answer = client.post(ADD, {"name": "Key", "credential": Device().answer_to_make(options(client, ADD))})
    assert answer.headers["Location"] == HERE
    assert is_in(elsewhere)
    assert half_way().post(CODE, {"code": codes[0]}).status_code == 302
    assert factors_of(sam).codes_left == 9


def test_an_app_after_a_passkey_keeps_the_codes() -> None:
    sam = user("sam")
    with_passkey(sam)
    client = confirmed(sam)
    left = make_codes(sam, now=NOW)
    [secret] = get(client, f"{HERE}app/").all("code", id="secret")
    answer = client.post(f"{HERE}app/", {"code": shown(NOW, secret.text)})
    assert answer.headers["Location"] == HERE
    assert half_way().post(CODE, {"code": left[0]}).status_code == 302


def test_what_is_added_answers_what_was_asked() -> None:
    client = confirmed(user("sam"))
    told = options(client, ADD)
    answer = Device().answer_to_make(told)
    assert client.post(ADD, {"name": "", "credential": answer}).status_code == 422
    refused = client.post(ADD, {"name": "Phone", "credential": answer})
    assert refused.status_code == 422, "the page came again, with another challenge"
    assert "Try again" in refused.content.decode()
    for wrong in ("", "{}", HOSTILE, "x" * 40_000, Device().answer_to_make(options(client, ADD), origin="https://e.x")):
        assert client.post(ADD, {"name": "Phone", "credential": wrong}).status_code == 422
    late = Device().answer_to_make(options(client, ADD))
    with patch("django.utils.timezone.now", return_value=NOW + timedelta(seconds=301)):
        assert client.post(ADD, {"name": "Phone", "credential": late}).status_code == 422
    assert not Authenticator.objects.exists()
    assert not did(AuditAction.PASSKEY_ADDED)


def test_there_is_room_for_so_many() -> None:
    sam = user("sam")
    for number in range(MOST_PASSKEYS):
        with_passkey(sam, f"Key {number}")
    client = confirmed(sam)
    answer = client.post(ADD, {"name": "More", "credential": Device().answer_to_make(options(client, ADD))})
    assert answer.status_code == 422
    assert "You have 20 passkeys" in answer.content.decode()
    assert len(factors_of(sam).passkeys) == MOST_PASSKEYS


def test_renaming_and_removing() -> None:
    sam = user("sam")
    with_passkey(sam)
    key = newest(sam).id
    client = confirmed(sam)
    for name in ("", "x" * 61):
        assert client.post(f"{HERE}passkeys/{key}/", {"name": name}).status_code == 422
    assert client.post(f"{HERE}passkeys/{key}/", {"name": HOSTILE[:60]}).headers["Location"] == HERE
    assert HOSTILE[:60] not in client.get(HERE).content.decode(), "it is text"
    client.post(f"{HERE}passkeys/{key}/", {"name": "Work phone"})
    client.post(f"{HERE}passkeys/{key}/", {"name": "Work phone"})
    assert [each.data["passkey"] for each in did(AuditAction.PASSKEY_RENAMED)] == [HOSTILE[:60], "Work phone"]
    page = get(client, f"{HERE}passkeys/{key}/remove/")
    assert "your only second factor" in page.text
    assert "You must have" not in page.text
    assert client.post(f"{HERE}passkeys/{key}/remove/").headers["Location"] == HERE
    assert not Authenticator.objects.exists(), "nor are there recovery codes for nothing"
    [event] = did(AuditAction.PASSKEY_REMOVED)
    assert (event.actor, event.name, event.data) == (sam.pk, "sam", {"passkey": "Work phone"})
    for path in (f"{HERE}passkeys/{key}/", f"{HERE}passkeys/{key}/remove/"):
        assert client.get(path).status_code == 404
        assert client.post(path, {"name": "a"}).status_code == 404


def test_what_stays_when_one_of_several_goes() -> None:
    sam = user("sam")
    codes = protect(sam)
    first, second = with_passkey(sam, "One"), with_passkey(sam, "Two")
    assert remove_passkey(sam, newest(sam).id, now=NOW)
    assert after_password(first, half_way())[0] == 302
    assert after_password(second, half_way())[0] == 422
    assert turn_off(sam, now=NOW)
    assert factors_of(sam).codes_left == len(codes)
    assert after_password(first, half_way())[0] == 302
    text = get(confirmed(sam), f"{HERE}passkeys/{newest(sam).id}/remove/").text
    assert "your only second factor" in text


def test_other_peoples_do_not_exist() -> None:
    sam, eve = user("sam"), user("eve")
    with_passkey(sam)
    client = confirmed(eve)
    for path in (f"{HERE}passkeys/{newest(sam).id}/", f"{HERE}passkeys/{newest(sam).id}/remove/"):
        assert client.get(path).status_code == 404
        assert client.post(path, {"name": "mine"}).status_code == 404
    assert newest(sam).name == "Phone"


@pytest.mark.parametrize("path", ["add/", "{key}/", "{key}/remove/"])
def test_the_password_is_asked_for_again(path: str) -> None:
    sam = user("sam")
    with_passkey(sam)
    client = browser()
    client.force_login(sam)
    for ask in (client.get, client.post):
        answer = ask(f"{HERE}passkeys/{path.format(key=newest(sam).id)}")
        assert answer.headers["Location"].startswith(f"{HERE}confirm/?next=%2Fsettings%2Fsecurity%2Fpasskeys%2F")
    assert factors_of(sam).count == 1


def test_nobodys_passkey_is_asked_for_by_who_has_none() -> None:
    sam = user("sam")
    protect(sam)
    page = get(half_way(), CODE)
    assert not [each for each in page.all("form") if "data-passkey" in each.attributes]
    assert "asskey" not in page.text
    assert not [each for each in page.all("script") if "passkeys.js" in each.attributes.get("src", "")]


def test_where_browsers_know_none_it_is_said_why() -> None:
    sam = user("sam")
    with_passkey(sam)
    client = Client()  # at http://testserver
    words = "browsers allow them only where a site is reached by https:// and a name, or at localhost"
    assert words in get(client, "/login/").text
    assert client.get(ALONE).headers["Location"] == "/"
    assert client.post(ALONE, {"credential": "x"}).headers["Location"] == "/"
    client.post("/login/", {"username": "sam", "password": PASSWORD})
    assert words in get(client, CODE).text
    client.force_login(sam)
    confirm(client)
    assert words in get(client, HERE).text
    assert words in get(client, ADD).text
    assert client.post(ADD, {"name": "a", "credential": "{}"}).status_code == 409
    for path, by in (("/login/", Client()), (HERE, client), (ADD, client)):
        assert not [each for each in get(by, path).all("script") if "passkeys.js" in each.attributes.get("src", "")]


def test_without_our_script_it_is_said_why() -> None:
    page = get(browser(), "/login/")
    [form] = [each for each in page.all("form") if "data-passkey" in each.attributes]
    assert "hidden" in form.attributes
    assert form.attributes["data-origin"] == "http://localhost"
    assert "Passkeys need JavaScript, a browser that knows them, and this site at http://localhost." in page.text


def test_behind_a_proxy_the_site_is_where_the_operator_says(settings: Settings) -> None:
    settings.PUBLIC_URL = "https://plimsoll.example"
    site = RelyingParty("plimsoll.example", "https://plimsoll.example")
    sam = user("sam")
    device = with_passkey(sam, site=site)
    client = Client(SERVER_NAME="127.0.0.1")
    assert client.get(ALONE).json()["rpId"] == "plimsoll.example"
    assert alone(device, client) == "/"


def test_after_the_host_name_changed(settings: Settings) -> None:
    settings.ALLOWED_HOSTS = ["*"]
    sam = user("sam")
    with_passkey(sam, site=RelyingParty("old.example", "https://old.example"))
    codes = make_codes(sam, now=NOW)
    client = half_way()
    page = get(client, CODE)
    assert "Your passkeys were made for another name of this site" in page.text
    assert client.post(CODE, {"code": codes[0]}).status_code == 302
    assert "made for old.example: no use here" in get(client, HERE).text


def test_the_script_is_loaded_where_it_is_used() -> None:
    sam = user("sam")
    with_passkey(sam)
    anybody, held, client = browser(), half_way(), confirmed(sam)
    loading = {"/login/": anybody, CODE: held, ADD: client}
    others = [name for name, page in PAGES.items() if not page.about and page.get and not page.public]
    for path, by in loading.items():
        scripts = [each.attributes.get("src", "") for each in get(by, path).all("script")]
        assert sum("passkeys.js" in each for each in scripts) == 1
    for name in others:
        answer = client.get(reverse(name))
        if reverse(name) != ADD and answer.status_code == 200 and not answer.streaming:
            assert b"passkeys.js" not in answer.content, name


def test_it_counts_where_a_second_factor_is_demanded() -> None:
    sam = user("sam")
    held = token(sam)
    client = browser()
    client.force_login(sam)
    assert demand_factor(Demand.WORKING, was=demand_now())
    assert client.get("/rules/").headers["Location"] == HERE
    assert asked("/api/v1/summary", held.secret).json()["code"] == "second_factor_missing"
    page = get(client, HERE)
    assert "or a passkey" in page.text
    confirm(client)
    answer = client.post(ADD, {"name": "Phone", "credential": Device().answer_to_make(options(client, ADD))})
    assert "Keep these codes" in answer.content.decode()
    assert is_in(client)
    assert asked("/api/v1/summary", held.secret).status_code == 200
    assert "You must have a second factor here" in get(client, f"{HERE}passkeys/{newest(sam).id}/remove/").text
    client.post(f"{HERE}passkeys/{newest(sam).id}/remove/")
    assert client.get("/rules/").headers["Location"] == HERE, "the way to another one, as with the app"


def test_lists_of_those_who_have_none_leave_them_out(admin: Client) -> None:
    with_passkey(user("safe", role="security"))
    user("lea", role="security")
    named = [row.text.split()[0] for row in get(admin, "/settings/people/?factor=none&role=security").rows]
    assert named == ["lea"]
    assert demand_factor(Demand.WORKING, was=demand_now())
    with_passkey(User.objects.get(username="boss"))
    boss = browser()
    boss.force_login(User.objects.get(username="boss"))
    assert [row.text.split()[0] for row in get(boss, "/settings/people/?factor=missing").rows] == ["lea"]


def test_an_administrator_resets_passkeys_too(admin: Client) -> None:
    sam = user("sam")
    device = with_passkey(sam)
    client = browser()
    alone(device, client)
    page = f"/settings/people/{sam.pk}/"
    assert "1 passkey, the newest made" in get(admin, page).text
    admin.post(f"{page}second-factor/")
    assert not is_in(client)
    assert not Authenticator.objects.exists()
    assert "Second factor: none" in get(admin, page).text
    assert alone(device, browser()).startswith("/login/")
    boss = User.objects.get(username="boss")
    with_passkey(boss)
    text = get(admin, f"/settings/people/{boss.pk}/").text
    assert "Reset the second factor" not in text
    assert "You change it under Security" in text


def test_what_the_trail_says_in_words(admin: Client) -> None:
    sam = user("sam")
    device = with_passkey(sam)
    alone(device, browser())
    alone(device, browser(), flags=FLAG.UP)
    text = get(admin, "/settings/audit/?show=all").text
    for words in ("Passkey added", "Passkey used", "Login failed", "Phone"):
        assert words in text


def test_queries_do_not_grow(django_assert_num_queries: DjangoAssertNumQueries) -> None:
    sam = user("sam")
    client = confirmed(sam)
    with_passkey(sam)
    client = confirmed(sam)
    with django_assert_num_queries(6):
        client.get(HERE)
    for number in range(MOST_PASSKEYS - 1):
        with_passkey(sam, f"Key {number}")
    with django_assert_num_queries(6):
        client.get(HERE)
