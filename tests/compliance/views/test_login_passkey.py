"""Logging in with a passkey, instead of the password or after it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from unittest.mock import patch

import pytest
from django.contrib.sessions.models import Session

from compliance.models import AuditAction, User
from compliance.services.change_factors import remove_passkey, reset_factors
from compliance.services.save_person import deactivate_person
from tests.support.factors import protect
from tests.support.pages import get
from tests.support.passkeys import (
    ALONE,
    CODE,
    FLAG,
    after_password,
    alone,
    browser,
    did,
    half_way,
    is_in,
    newest,
    options,
    with_passkey,
)
from tests.support.rows import NOW, user

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("quick_passwords", "one_clock")]


def test_logging_in_without_the_password() -> None:
    sam = user("sam")
    device = with_passkey(sam)
    client = browser()
    before = client.get(ALONE).cookies["session"].value
    assert alone(device, client, target="/rules/?q=a") == "/rules/?q=a"
    assert client.cookies["session"].value != before
    assert is_in(client)
    assert "seen" in client.session, "the session has its limits"
    assert newest(sam).used == NOW
    assert [each.actor for each in did(AuditAction.LOGIN)] == [sam.pk]
    [used] = did(AuditAction.PASSKEY_USED)
    assert (used.actor, used.data) == (sam.pk, {"passkey": "Phone", "instead_of": "the password"})
    assert client.get(ALONE).headers["Location"] == "/"
    with patch("django.utils.timezone.now", return_value=NOW + timedelta(hours=12, seconds=1)):
        assert not is_in(client)


def test_passkeys_that_fit_are_not_counted_with_wrong_passwords() -> None:
    device = with_passkey(user("sam"))
    assert [alone(device, browser()) for _ in range(11)] == ["/"] * 11, "ten wrong ones from an address are a minute's"


@pytest.mark.parametrize("target", ["//evil.example", "https://evil.example/", "javascript:alert(1)", ""])
def test_it_leads_nowhere_else(target: str) -> None:
    assert alone(with_passkey(user("sam")), browser(), target=target) == "/"


def test_whoever_has_an_app_too_is_not_asked_for_its_code() -> None:
    sam = user("sam")
    protect(sam)
    client = browser()
    assert alone(with_passkey(sam), client) == "/"
    assert is_in(client)


@pytest.mark.parametrize(
    "lies",
    [
        {"origin": "https://evil.example"},
        {"flags": FLAG.UP},
        {"owner": "OTk"},
        {"owner": ""},
        {"kind": "webauthn.create"},
    ],
)
def test_what_lets_nobody_in(lies: Mapping[str, Any]) -> None:
    device, client = with_passkey(user("sam")), browser()
    assert alone(device, client, **lies) == "/login/?next=%2F"
    assert not is_in(client)
    assert "does not fit here" in get(client, "/login/").text
    [event] = did(AuditAction.LOGIN_FAILED)
    assert (event.actor, event.name) == (None, "" if "owner" in lies else "sam")
    assert event.data == {"asked": "passkey"}
    assert not did(AuditAction.PASSKEY_USED)


def test_an_answer_counts_once_and_for_a_while() -> None:
    device, client, other = with_passkey(user("sam")), browser(), browser()
    answer = device.answer_to_show(client.get(ALONE).json())
    assert other.post(ALONE, {"credential": answer}).headers["Location"].startswith("/login/"), "asked somebody else"
    assert client.post(ALONE, {"credential": answer}).headers["Location"] == "/"
    client.post("/logout/")
    assert client.post(ALONE, {"credential": answer}).headers["Location"].startswith("/login/")
    told = client.get(ALONE).json()
    wrong = device.answer_to_show(told, flags=FLAG.UP)
    assert client.post(ALONE, {"credential": wrong}).headers["Location"].startswith("/login/")
    right = device.answer_to_show(told)
    assert client.post(ALONE, {"credential": right}).headers["Location"].startswith("/login/"), (
        "one answer, right or not"
    )
    late = device.answer_to_show(client.get(ALONE).json())
    with patch("django.utils.timezone.now", return_value=NOW + timedelta(seconds=301)):
        assert client.post(ALONE, {"credential": late}).headers["Location"].startswith("/login/")
    assert not is_in(client)


def test_what_was_asked_after_the_password_lets_nobody_in_without_it() -> None:
    """There the device need not know its owner; whoever found the key would be let in by it alone."""
    device = with_passkey(user("sam"))
    client = half_way()
    answer = device.answer_to_show(options(client), flags=FLAG.UP)
    assert client.post(ALONE, {"credential": answer}).headers["Location"].startswith("/login/")
    assert not is_in(client)
    other = half_way()
    told = other.get(ALONE).json()
    assert other.post(CODE, {"credential": device.answer_to_show(told)}).status_code == 422


@pytest.mark.parametrize("how", ["deactivated", "reset", "gone", "removed"])
def test_who_is_not_let_in_any_more(how: str) -> None:
    sam, boss = user("sam"), user("boss", staff=True)
    device = with_passkey(sam)
    client, second = browser(), half_way()
    answer, later = device.answer_to_show(client.get(ALONE).json()), device.answer_to_show(options(second))
    if how == "deactivated":
        deactivate_person(sam, by=boss, now=NOW)
    elif how == "reset":
        reset_factors(sam, by=boss, now=NOW)
    elif how == "gone":
        sam.delete()
    else:
        remove_passkey(sam, newest(sam).id, now=NOW)
    assert client.post(ALONE, {"credential": answer}).headers["Location"].startswith("/login/")
    second.post(CODE, {"credential": later})
    assert not did(AuditAction.LOGIN)
    User.objects.filter(username="sam").update(is_active=True)  # nothing begun meanwhile comes to life
    assert not is_in(client)
    assert not is_in(second)


def test_wrong_passkeys_are_counted_with_wrong_passwords() -> None:
    sam = user("sam")
    device = with_passkey(sam)
    client = browser("198.51.100.7")
    for number in range(5):
        client.post("/login/", {"username": f"nobody-{number}", "password": "wrong"})
        assert alone(device, client, flags=FLAG.UP).startswith("/login/")
    client.get("/login/")
    assert alone(device, client).startswith("/login/"), "the right one too"
    assert "Too many attempts" in get(client, "/login/").text
    assert alone(device, browser("198.51.100.8")) == "/", "nobody is locked out elsewhere by naming them"
    assert alone(device, browser("198.51.100.8")) == "/", "and the right one gives back what it spent"


def test_asking_without_end_ends() -> None:
    client = browser("198.51.100.7")
    assert [client.get(ALONE).status_code for _ in range(62)] == [200] * 60 + [429] * 2


def test_a_passkey_after_the_password() -> None:
    sam = user("sam")
    device = with_passkey(sam)
    client = half_way()
    text = get(client, CODE).text
    assert "Show your passkey" in text
    assert "One of your recovery codes." in text
    assert "Six digits" not in text
    assert after_password(device, client, flags=FLAG.UP) == (302, "")
    assert is_in(client)
    assert newest(sam).used == NOW
    [used] = did(AuditAction.PASSKEY_USED)
    assert used.data == {"passkey": "Phone"}
    protect(sam)
    assert "Six digits" in get(half_way(), CODE).text


def test_wrong_ones_after_the_password_are_counted_with_codes() -> None:
    sam = user("sam")
    device = with_passkey(sam)
    client = half_way()
    for _ in range(3):
        status, problem = after_password(device, client, origin="https://evil.example")
        assert (status, problem) == (422, "This passkey does not fit, or the browser was asked too long ago.")
    for _ in range(2):
        assert client.post(CODE, {"code": "000000"}).status_code == 422
    assert after_password(device, client)[1].startswith("Too many")
    assert [each.data["asked"] for each in did(AuditAction.LOGIN_FAILED)] == ["passkey"] * 3 + ["code"] * 2
    assert client.post(CODE, {"credential": "x" * 40_000}).status_code == 422


def test_of_a_login_that_was_only_asked_for_nothing_is_kept_but_the_question() -> None:
    client = browser()
    client.get("/login/")
    assert not Session.objects.exists(), "the page alone begins nothing"
    client.get(ALONE)
    [kept] = Session.objects.all()
    assert set(kept.get_decoded()) == {"passkey_asked"}
