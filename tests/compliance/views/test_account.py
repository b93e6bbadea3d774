"""Who is let in, how often somebody may guess, and when a session is over."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from datetime import timedelta
from unittest.mock import patch

import pytest
from allauth.usersessions.models import UserSession
from django.conf import settings
from django.contrib.sessions.models import Session
from django.test import Client, RequestFactory, override_settings

from compliance.models import AuditAction, AuditEvent, RoleChoice, SharedValue, User
from compliance.queries.sessions import browser_in_words
from compliance.services.end_sessions import end_sessions, forget_sessions
from compliance.services.invite import invite_link
from compliance.views.request_facts import client_address
from tests.support.pages import Page, get
from tests.support.rows import NOW, PASSWORD, user

pytestmark = pytest.mark.django_db

FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
OTHER = "another long password"


def log_in(name: str = "sam", password: str = PASSWORD, *, address: str = "192.0.2.1") -> Client:
    """A browser after the login form was sent."""
    client = Client(REMOTE_ADDR=address, HTTP_USER_AGENT=FIREFOX)
    client.post("/login/", {"username": name, "password": password})
    return client


def is_in(client: Client) -> bool:
    """Whether somebody is logged in."""
    return client.get("/rules/").status_code == 200


def guess(name: str, password: str = "wrong", *, address: str = "192.0.2.66") -> str:
    """What the form says to a guess."""
    response = Client(REMOTE_ADDR=address).post("/login/", {"username": name, "password": password})
    if response.status_code != 200:
        return str(response.status_code)
    return next(
        element.text
        for element in Page(response.content.decode()).all("div")
        if "is-fail" in element.attributes.get("class", "")
    )


def test_a_login_is_a_new_session_and_a_line_of_the_trail() -> None:
    sam = user("sam")
    client = Client(REMOTE_ADDR="192.0.2.1")
    client.get("/login/")
    client.post("/theme/", {"theme": "dark"})
    planted = client.session
    planted["x"] = 1
    planted.save()
    before = planted.session_key
    client.cookies[settings.SESSION_COOKIE_NAME] = before or ""
    client.post("/login/", {"username": "sam", "password": PASSWORD})
    assert client.session.session_key != before
    assert not Session.objects.filter(session_key=before).exists()
    [event] = AuditEvent.objects.filter(action=AuditAction.LOGIN)
    assert (event.actor, event.name, event.context["ip"]) == (sam.pk, "sam", "192.0.2.1")
    assert event.context["request"]


@pytest.mark.parametrize("how", ["unknown", "wrong password", "inactive", "unusable"])
def test_nobody_learns_why_a_login_failed(how: str) -> None:
    sam = user("sam")
    User.objects.create(username="gone", password=sam.password, is_active=False)
    User.objects.create(username="invited", password="!")
    name, password = {
        "unknown": ("nobody", PASSWORD), "wrong password": ("sam", "wrong"),
        "inactive": ("gone", PASSWORD), "unusable": ("invited", PASSWORD),
    }[how]  # fmt: skip
    assert guess(name, password) == "The username or the password is not right."
    [event] = AuditEvent.objects.filter(action=AuditAction.LOGIN_FAILED)
    assert (event.name, event.actor, event.data) == (name, None, {})


def test_it_takes_as_long_for_who_is_unknown() -> None:
    user("sam")

    def seconds(name: str) -> float:
        began = time.thread_time()
        guess(name)
        return time.thread_time() - began

    with override_settings(ACCOUNT_RATE_LIMITS=False):
        pairs = [(seconds("sam"), seconds(f"nobody-{n}")) for n in range(9)]
    known, unknown = (statistics.median(each) for each in zip(*pairs, strict=True))
    # Hashing is what takes long; without it the answer would be ten times as fast.
    assert 0.6 < known / unknown < 1.6


def tried() -> int:
    """How many guesses a password was compared for."""
    return AuditEvent.objects.filter(action=AuditAction.LOGIN_FAILED).count()


def test_a_thousand_guesses_at_one_account() -> None:
    user("sam")
    with patch("time.time", return_value=time.time()):
        answers = [guess("sam", f"guess {n}", address=f"198.51.{n // 250}.{n % 250}") for n in range(1_000)]
        assert guess("sam", PASSWORD, address="198.51.100.7").startswith("Too many attempts")
    assert tried() == 5
    assert set(answers[5:]) == {"Too many attempts to log in have failed. Wait a while, or ask an administrator."}


def test_an_hour_of_guesses_at_one_account_from_everywhere() -> None:
    user("sam")
    clock = time.time()
    for minute in range(60):
        with patch("time.time", return_value=clock + 60 * minute):
            for n in range(3):
                guess("sam", address=f"198.51.{minute}.{n}")
    assert tried() <= 20


def test_one_guess_at_each_of_a_thousand_accounts() -> None:
    with patch("time.time", return_value=time.time()):  # as fast as a machine could
        answers = [guess(f"person-{n}") for n in range(1_000)]
    assert tried() == 10
    assert set(answers[10:]) <= {
        "Too many attempts to log in have failed. Wait a while, or ask an administrator.",
        "429",
    }


def test_whoever_guesses_does_not_lock_the_owner_out() -> None:
    user("sam")
    assert is_in(log_in(address="192.0.2.1"))
    for n in range(30):
        guess("sam", address=f"198.51.100.{n}")
    assert not is_in(log_in(address="198.51.100.200"))
    assert is_in(log_in(address="192.0.2.1"))


def test_all_web_processes_count_together() -> None:
    user("sam")
    for n in range(5):
        guess("sam", address=f"198.51.100.{n}")
    assert SharedValue.objects.filter(key__contains="login_failed").count() >= 5
    SharedValue.objects.all().delete()
    assert not guess("sam", address="198.51.100.9").startswith("Too many")


def by_password_change(sam: User, client: Client) -> None:
    sam.set_password(OTHER)
    sam.save()


def by_logout(sam: User, client: Client) -> None:
    client.post("/logout/")


def by_deactivation(sam: User, client: Client) -> None:
    User.objects.filter(pk=sam.pk).update(is_active=False)
    assert not is_in(client)
    User.objects.filter(pk=sam.pk).update(is_active=True)


def by_role(sam: User, client: Client) -> None:
    User.objects.filter(pk=sam.pk).update(role=RoleChoice.ADMIN)


def by_administrator(sam: User, client: Client) -> None:
    assert end_sessions(sam, by=None, now=NOW) == 1


def by_time(sam: User, client: Client) -> None:
    patch("django.utils.timezone.now", return_value=NOW + timedelta(hours=12, seconds=1)).start()


@pytest.mark.parametrize("how", [by_password_change, by_logout, by_deactivation, by_role, by_administrator, by_time])
def test_when_a_session_is_over(how: Callable[[User, Client], None]) -> None:
    sam = user("sam")
    client = log_in()
    assert is_in(client)
    key = client.cookies[settings.SESSION_COOKIE_NAME].value
    try:
        how(sam, client)
        client.cookies[settings.SESSION_COOKIE_NAME] = key  # as somebody who has stolen it
        assert not is_in(client)
    finally:
        patch.stopall()


def test_twelve_hours_are_twelve_hours_however_much_it_is_used() -> None:
    user("sam")
    client = log_in()
    for hour in range(1, 14):
        with patch("django.utils.timezone.now", return_value=NOW + timedelta(hours=hour, minutes=-1)):
            assert is_in(client) == (hour <= 12)


def test_an_idle_session_is_over_where_the_operator_wants_it() -> None:
    user("sam")
    client, page_left_open = log_in(), log_in()
    with override_settings(SESSION_IDLE_MINUTES=30):
        for minute in range(20, 141, 20):
            with patch("django.utils.timezone.now", return_value=NOW + timedelta(minutes=minute)):
                assert is_in(client)
                if minute <= 30:
                    page_left_open.get("/rules/", headers={"HX-Request": "true"})
        with patch("django.utils.timezone.now", return_value=NOW + timedelta(minutes=31)):
            assert not is_in(page_left_open)


def test_the_list_of_sessions_and_ending_them() -> None:
    sam = user("sam")
    here, there, elsewhere = log_in(), log_in(address="203.0.113.9"), log_in(address="203.0.113.10")
    stranger = user("eve")
    log_in("eve", address="203.0.113.66")
    page = get(here, "/settings/sessions/")
    assert page.text.count("Firefox on Linux") >= 3
    assert "203.0.113.9" in page.text
    assert "203.0.113.66" not in page.text
    assert "this one" in page.text
    theirs = UserSession.objects.get(user=stranger)
    here.post("/settings/sessions/end/", {"session": theirs.pk})
    assert UserSession.objects.filter(pk=theirs.pk).exists()
    one = UserSession.objects.get(user=sam, ip="203.0.113.9")
    here.post("/settings/sessions/end/", {"session": one.pk})
    assert (is_in(here), is_in(there), is_in(elsewhere)) == (True, False, True)
    here.post("/settings/sessions/end/", {"session": "others"})
    assert (is_in(here), is_in(elsewhere)) == (True, False)
    for nonsense in ("", "x", "²", "-1", "9" * 40):
        assert here.post("/settings/sessions/end/", {"session": nonsense}).status_code == 302
    assert is_in(here)
    assert AuditEvent.objects.filter(action=AuditAction.SESSIONS_ENDED, actor=sam.pk).count() == 2


def test_when_a_session_was_last_seen_is_written_once_a_minute(
    django_assert_num_queries: Callable[..., object],
) -> None:
    user("sam")
    client = log_in()
    with patch("django.utils.timezone.now", return_value=NOW + timedelta(minutes=5)):
        assert is_in(client)
    assert UserSession.objects.get().last_seen_at == NOW + timedelta(minutes=5)
    with patch("django.utils.timezone.now", return_value=NOW + timedelta(minutes=5, seconds=30)):
        assert is_in(client)
    assert UserSession.objects.get().last_seen_at == NOW + timedelta(minutes=5)


def test_what_is_over_is_forgotten() -> None:
    user("sam")
    log_in()
    forget_sessions(NOW)
    assert (Session.objects.count(), UserSession.objects.count()) == (1, 1)
    forget_sessions(NOW + timedelta(hours=13))
    assert (Session.objects.count(), UserSession.objects.count()) == (0, 0)


def test_changing_the_password_ends_all_other_sessions() -> None:
    sam = user("sam")
    here, there = log_in(), log_in(address="203.0.113.9")
    wrong = here.post("/settings/password/", {"old_password": "wrong", "new_password1": OTHER, "new_password2": OTHER})
    assert wrong.status_code == 422
    here.post("/settings/password/", {"old_password": PASSWORD, "new_password1": OTHER, "new_password2": OTHER})
    assert (is_in(here), is_in(there)) == (True, False)
    assert [each.ip for each in UserSession.objects.filter(user=sam)] == ["192.0.2.1"]
    assert "this one" in get(here, "/settings/sessions/").text
    assert is_in(log_in(password=OTHER))


def test_guessing_the_old_password_of_an_open_session_is_limited() -> None:
    user("sam")
    client = log_in()
    wrong = {"old_password": "wrong", "new_password1": OTHER, "new_password2": OTHER}
    codes = [client.post("/settings/password/", wrong).status_code for _ in range(8)]
    assert codes == [422] * 5 + [429] * 3


def choose(path: str, password: str = OTHER) -> tuple[Client, int]:
    """Follow a link and choose a password; the status of the answer."""
    client = Client()
    response = client.get(path)
    if response.status_code != 302:
        return client, response.status_code
    assert path.rsplit("/", 2)[1] not in response.headers["Location"], "the secret left the address"
    chosen = client.post(response.headers["Location"], {"new_password1": password, "new_password2": password})
    return client, chosen.status_code


def test_a_link_works_once() -> None:
    boss = user("boss", staff=True)
    new = User.objects.create(username="new", password="!x")
    first = invite_link(new, by=boss, now=NOW)
    second = invite_link(new, by=boss, now=NOW)
    assert choose(first)[1] == 200, "a newer one was made"
    assert choose(second, "short")[1] == 200
    assert choose(second)[1] == 302
    assert is_in(log_in("new", OTHER))
    assert choose(second)[1] == 200
    assert "This link does not work" in Client().get(second).content.decode()
    assert AuditEvent.objects.filter(action=AuditAction.LINK_MADE, actor=boss.pk, name="new").count() == 2
    assert not AuditEvent.objects.filter(data__icontains=second.rsplit("/", 2)[1]).exists()


def test_a_link_for_somebody_with_a_password_ends_their_sessions_when_it_is_used() -> None:
    sam = user("sam")
    client = log_in()
    link = invite_link(sam, by=None, now=NOW)
    assert is_in(client)
    assert choose(link)[1] == 302
    assert not is_in(client)


@pytest.mark.parametrize("what", ["deactivated", "logged in since"])
def test_when_a_link_works_no_more(what: str) -> None:
    sam = user("sam")
    link = invite_link(sam, by=None, now=NOW)
    if what == "deactivated":
        User.objects.update(is_active=False)
    else:
        log_in()
    assert choose(link)[1] == 200


def test_nobody_signs_up() -> None:
    for path in ("/signup/", "/accounts/signup/", "/account/signup/", "/accounts/login/"):
        assert Client().get(path).status_code in (302, 404)
    assert (
        Client().post("/accounts/signup/", {"username": "x", "password1": OTHER, "password2": OTHER}).status_code != 200
    )
    assert not User.objects.exists()


def test_who_has_just_installed_it_is_told_what_to_run() -> None:
    assert "manage.py create_admin" in Client().get("/login/").content.decode()
    user("sam")
    assert "create_admin" not in Client().get("/login/").content.decode()


@pytest.mark.parametrize(
    ("proxies", "forwarded", "expected"),
    [
        (0, "6.6.6.6", "10.0.0.1"),
        (0, None, "10.0.0.1"),
        (1, "6.6.6.6", "6.6.6.6"),
        (1, "1.1.1.1, 6.6.6.6", "6.6.6.6"),
        (2, "1.1.1.1, 6.6.6.6", "1.1.1.1"),
        (2, "6.6.6.6", "10.0.0.1"),
        (1, None, "10.0.0.1"),
        (1, "nonsense", "10.0.0.1"),
        (1, "2001:db8::1", "2001:db8::1"),
        (1, "1.1.1.1,", "10.0.0.1"),
    ],
)
def test_the_address_is_what_a_proxy_of_ours_says(proxies: int, forwarded: str | None, expected: str) -> None:
    headers = {"X-Forwarded-For": forwarded} if forwarded else {}
    request = RequestFactory().get("/", REMOTE_ADDR="10.0.0.1", headers=headers)
    with override_settings(TRUSTED_PROXIES=proxies):
        assert client_address(request) == expected


def test_no_address_is_an_address() -> None:
    assert client_address(RequestFactory().get("/", REMOTE_ADDR="")) == "::"


@pytest.mark.parametrize(
    ("agent", "words"),
    [
        (FIREFOX, "Firefox on Linux"),
        ("Mozilla/5.0 (Windows NT 10.0) Chrome/140.0 Safari/537.36 Edg/140", "Edge on Windows"),
        ("Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) Version/19.0 Safari/604.1", "Safari on iOS"),
        ("curl/8.14", "curl"),
        ("<script>", "Unknown browser"),
        ("", "Unknown browser"),
    ],
)  # fmt: skip
def test_browsers_in_words(agent: str, words: str) -> None:
    assert browser_in_words(agent) == words
