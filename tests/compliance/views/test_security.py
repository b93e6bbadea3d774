"""The second factor at the login, turning it on and off, and resetting somebody else's."""

from __future__ import annotations

import time
from datetime import timedelta
from itertools import count
from unittest.mock import patch

import pytest
from allauth.mfa.models import Authenticator
from cryptography.fernet import Fernet
from django.db import connection
from django.test import Client, override_settings
from django.test.utils import CaptureQueriesContext

from compliance.models import AuditAction, AuditEvent, User
from compliance.queries.security import factors_of
from compliance.services.accept_code import accept_code
from compliance.services.change_factors import reset_factors
from tests.compliance.services.test_change_factors import stored
from tests.support.factors import protect, shown
from tests.support.pages import Page, get
from tests.support.rows import HOSTILE, NOW, PASSWORD, user

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("quick_passwords", "one_clock")]

HERE = "/settings/security/"
CODE = "/login/code/"


def half_way(name: str = "sam", *, target: str = "") -> Client:
    """A browser after the password was right."""
    client = Client(REMOTE_ADDR="192.0.2.1")
    response = client.post("/login/", {"username": name, "password": PASSWORD, "next": target})
    assert response.headers["Location"] == CODE
    return client


def is_in(client: Client) -> bool:
    """Whether somebody is logged in."""
    return client.get("/rules/").status_code == 200


def confirmed(person: User) -> Client:
    """Somebody who has just entered the password again."""
    client = Client()
    client.force_login(person)
    assert client.post(f"{HERE}confirm/", {"password": PASSWORD}).headers["Location"] == HERE
    return client


def says(client: Client, code: str) -> tuple[int, str]:
    """The status of the answer to a code, and its problem."""
    response = client.post(CODE, {"code": code})
    errors = Page(response.content.decode()).all("p", class_="errors")
    return response.status_code, errors[0].text if errors else ""


def did(action: AuditAction) -> list[AuditEvent]:
    """Lines of the trail."""
    return list(AuditEvent.objects.filter(action=action).order_by("pk"))


def test_the_password_alone_lets_nobody_in() -> None:
    sam = user("sam")
    protect(sam)
    client = half_way(target="/rules/?q=a")
    assert not is_in(client)
    assert did(AuditAction.LOGIN) == []
    assert "sam" in get(client, CODE).text
    assert client.get("/login/").headers["Location"] == CODE
    response = client.post(CODE, {"code": shown(NOW)})
    assert response.headers["Location"] == "/rules/?q=a"
    assert is_in(client)
    assert client.get(CODE).status_code == 302
    assert [event.actor for event in did(AuditAction.LOGIN)] == [sam.pk]
    assert factors_of(sam).used == NOW
    with patch("django.utils.timezone.now", return_value=NOW + timedelta(hours=12, seconds=1)):
        assert not is_in(client)


def test_the_session_before_the_code_is_another_one() -> None:
    protect(user("sam"))
    client = half_way()
    before = client.cookies["session"].value
    client.post(CODE, {"code": shown(NOW)})
    assert client.cookies["session"].value != before
    client.cookies["session"] = before
    assert not is_in(client)


@pytest.mark.parametrize(
    "code", ["", "000000", "12345", HOSTILE[:32], "9" * 33, "9" * 100_000, "\x00", "١٢٣٤٥٦", "None", "-1"]
)
def test_what_does_not_fit(code: str) -> None:
    protect(user("sam"))
    client = half_way()
    status, problem = says(client, code)
    assert (status, bool(problem)) == (422, True)
    assert not is_in(client)


def test_a_code_is_taken_once_and_said_so() -> None:
    protect(user("sam"))
    one, other = half_way(), half_way()
    assert says(one, shown(NOW))[0] == 302
    assert says(other, shown(NOW)) == (422, "This code does not fit, or was used already.")
    [event] = did(AuditAction.LOGIN_FAILED)
    assert (event.actor, event.name, event.data) == (None, "sam", {"asked": "code"})


def test_a_recovery_code_lets_in_once_and_is_in_the_trail() -> None:
    sam = user("sam")
    codes = protect(sam)
    client = half_way()
    assert says(client, codes[4])[0] == 302
    assert is_in(client)
    [event] = did(AuditAction.CODE_USED)
    assert (event.actor, event.data) == (sam.pk, {"left": 9})
    assert says(half_way(), codes[4])[0] == 422
    assert codes[4] not in str(AuditEvent.objects.values_list("data", "context", "name"))


def test_guessing_codes() -> None:
    protect(user("sam"))
    clients = [Client(REMOTE_ADDR=f"198.51.100.{n}") for n in range(12)]
    for client in clients:
        client.post("/login/", {"username": "sam", "password": PASSWORD})
    answers = [says(client, f"00000{n % 10}")[1] for n, client in enumerate(clients)]
    assert (
        answers
        == ["This code does not fit, or was used already."] * 5
        + ["Too many codes did not fit. Wait a while, or ask an administrator."] * 7
    )
    assert says(half_way(), shown(NOW))[1].startswith("Too many"), "the right one too"
    assert len(did(AuditAction.LOGIN_FAILED)) == 5


def test_a_login_in_between_gives_no_guesses_back() -> None:
    protect(user("sam"))
    tried = 0
    for minute in range(12):
        now = NOW + timedelta(minutes=10 * minute)
        with (
            patch("django.utils.timezone.now", return_value=now),
            patch("time.time", side_effect=(now.timestamp() + tick / 1000 for tick in count()).__next__),
        ):
            guesses = [says(half_way(), "000000")[1] for _ in range(4)]
            tried += sum(not each.startswith("Too many") for each in guesses)
            says(half_way(), shown(now))
    assert tried <= 20, "two hours of ten each"


def test_a_login_that_waits_too_long_begins_again() -> None:
    protect(user("sam"))
    client = half_way()
    with patch("time.time", return_value=time.time() + 15 * 60 + 1):
        assert client.get(CODE).headers["Location"] == "/login/"
    assert not is_in(client)


@pytest.mark.parametrize("what", ["reset", "gone", "deactivated", "password"])
def test_what_happens_meanwhile(what: str) -> None:
    sam = user("sam")
    protect(sam)
    client = half_way()
    if what == "reset":
        reset_factors(sam, by=None, now=NOW)
    elif what == "gone":
        sam.delete()
    elif what == "password":
        sam.set_password("another-long-password")
        sam.save()
    else:
        User.objects.filter(pk=sam.pk).update(is_active=False)
    client.post(CODE, {"code": shown(NOW)})
    assert not AuditEvent.objects.filter(action=AuditAction.LOGIN).exists()
    User.objects.filter(pk=sam.pk).update(is_active=True)  # nothing begun meanwhile comes to life
    assert not is_in(client)
    assert client.get(CODE, follow=True).status_code == 200


def test_wrong_codes_of_one_do_not_keep_a_colleague_out() -> None:
    protect(user("sam"))
    protect(user("eve"))
    eve, sam = half_way("eve"), half_way("sam")
    for _ in range(12):
        assert says(eve, "000000")[0] == 422
    sam.post(CODE, {"code": shown(NOW)})
    assert is_in(sam)


def test_who_is_logged_in_already_is_not_asked_and_keeps_what_was_confirmed() -> None:
    client = confirmed(user("sam"))
    assert client.get(CODE).headers["Location"] == "/"
    assert client.get(f"{HERE}app/").status_code == 200


def test_somebody_else_can_log_in_instead() -> None:
    protect(user("sam"))
    user("eve")
    client = half_way()
    client.post("/logout/")
    assert client.post("/login/", {"username": "eve", "password": PASSWORD}).headers["Location"] == "/"
    assert is_in(client)


def test_nobody_opens_the_page_of_codes_without_a_password() -> None:
    for client in (Client(), Client(REMOTE_ADDR="192.0.2.7")):
        assert client.get(CODE).headers["Location"] == "/login/"
        assert client.post(CODE, {"code": "1"}).headers["Location"] == "/login/"


def test_a_server_without_the_key_says_so() -> None:
    protect(user("sam"))
    client = half_way()
    with override_settings(CREDENTIAL_KEYS=[Fernet.generate_key().decode()]):
        assert "lost the key" in says(client, shown(NOW))[1]
    assert says(client, shown(NOW))[0] == 302


@pytest.mark.parametrize("path", ["app/", "off/", "codes/"])
def test_the_password_is_asked_for_again(path: str) -> None:
    sam = user("sam")
    protect(sam)
    client = Client()
    client.force_login(sam)
    for ask in (client.get, client.post):
        assert ask(HERE + path).headers["Location"] == f"{HERE}confirm/?next=%2Fsettings%2Fsecurity%2F{path[:-1]}%2F"
    assert Authenticator.objects.count() == 2
    asked = client.get(f"{HERE}confirm/?next={HERE}{path}").content.decode()
    target = {"next": Page(asked).all("input", name="next")[-1].attributes["value"]}
    wrong = client.post(f"{HERE}confirm/", {"password": "wrong", **target})
    assert "password" in Page(wrong.content.decode()).all("p", class_="errors")[0].text.lower()
    right = client.post(f"{HERE}confirm/", {"password": PASSWORD, **target})
    assert right.headers["Location"] == HERE + path


def test_a_password_counts_for_five_minutes() -> None:
    client = confirmed(user("sam"))
    assert client.get(f"{HERE}app/").status_code == 200
    with patch("time.time", return_value=time.time() + 301):
        assert client.get(f"{HERE}app/").status_code == 302


@pytest.mark.parametrize("target", ["//evil.example", "https://evil.example/", "javascript:alert(1)"])
def test_confirming_leads_nowhere_else(target: str) -> None:
    client = Client()
    client.force_login(user("sam"))
    answer = client.post(f"{HERE}confirm/", {"password": PASSWORD, "next": target})
    assert answer.headers["Location"].startswith("/")
    assert "evil" not in answer.headers["Location"]


def test_guessing_the_password_of_an_open_session_is_limited() -> None:
    client = Client()
    client.force_login(user("sam"))
    statuses = [client.post(f"{HERE}confirm/", {"password": f"wrong {n}"}).status_code for n in range(8)]
    assert statuses == [200] * 5 + [429] * 3


def secret_on(client: Client) -> str:
    """What the page shows the app."""
    [element] = get(client, f"{HERE}app/").all("code", id="secret")
    return element.text


def test_turning_it_on() -> None:
    sam = user("sam")
    client, elsewhere = confirmed(sam), Client()
    elsewhere.post("/login/", {"username": "sam", "password": PASSWORD})
    assert "Off." in get(client, HERE).text
    secret = secret_on(client)
    assert secret_on(client) == secret, "opened twice it is one secret"
    assert secret not in stored()
    for code in ("000000", "", shown(NOW + timedelta(minutes=5), secret)):
        assert client.post(f"{HERE}app/", {"code": code}).status_code == 422
    answer = client.post(f"{HERE}app/", {"code": shown(NOW, secret)})
    assert answer.headers["Cache-Control"] == "private, no-store"
    codes = Page(answer.content.decode()).all("code", id="codes")[0].text.split()
    assert len(codes) == 10
    assert secret not in answer.content.decode()
    assert not is_in(elsewhere), "it began without a code"
    assert is_in(client)
    for path in ("", "app/", "codes/"):
        page = client.get(HERE + path, follow=True).content.decode()
        assert not [each for each in (secret, *codes) if each in page]
    found = stored()
    assert not [each for each in (secret, *codes) if each in found]
    assert says(half_way(), shown(NOW, secret))[0] == 422, "it was used to turn it on"
    assert says(half_way(), codes[0])[0] == 302
    assert "9 of 10 are left" in get(client, HERE).text


def test_another_tab_does_not_replace_what_is_on() -> None:
    sam = user("sam")
    client = confirmed(sam)
    secret = secret_on(client)
    protect(sam)
    answer = client.post(f"{HERE}app/", {"code": shown(NOW, secret)})
    assert answer.headers["Location"] == HERE
    assert accept_code(sam, shown(NOW), now=NOW)


def test_new_codes_and_turning_it_off() -> None:
    sam = user("sam")
    old = protect(sam)
    client = confirmed(sam)
    assert "10 of 10 left" in get(client, f"{HERE}codes/").text
    answer = client.post(f"{HERE}codes/")
    new = Page(answer.content.decode()).all("code", id="codes")[0].text.split()
    assert says(half_way(), old[0])[0] == 422
    assert says(half_way(), new[0])[0] == 302
    assert client.get(f"{HERE}off/").status_code == 200
    assert client.post(f"{HERE}off/").headers["Location"] == HERE
    assert client.post("/login/").status_code == 302
    assert Client().post("/login/", {"username": "sam", "password": PASSWORD}).headers["Location"] == "/"
    for path in ("off/", "codes/"):
        for ask in (client.get, client.post):
            assert ask(HERE + path).headers["Location"] == HERE
    assert [len(did(action)) for action in (AuditAction.CODES_MADE, AuditAction.FACTOR_REMOVED)] == [2, 1]


def test_an_administrator_sees_and_resets(admin: Client) -> None:
    sam = user("sam")
    page = f"/settings/people/{sam.pk}/"
    assert "Second factor: none" in get(admin, page).text
    protect(sam)
    client = half_way()
    client.post(CODE, {"code": shown(NOW)})
    assert is_in(client)
    assert "Second factor: on" in get(admin, page).text
    admin.post(f"{page}second-factor/")
    assert not is_in(client)
    assert "Second factor: none" in get(admin, page).text
    [event] = did(AuditAction.FACTOR_RESET)
    assert (event.actor_name, event.name) == ("boss", "sam")
    admin.post(f"{page}second-factor/")
    assert len(did(AuditAction.FACTOR_RESET)) == 1


def test_one_s_own_is_not_reset_without_the_password(admin: Client) -> None:
    boss = User.objects.get(username="boss")
    protect(boss)
    page = f"/settings/people/{boss.pk}/"
    assert "Reset the second factor" not in get(admin, page).text
    assert admin.post(f"{page}second-factor/").headers["Location"] == f"{HERE}off/"
    assert admin.get(f"{HERE}off/").headers["Location"].startswith(f"{HERE}confirm/")
    assert factors_of(boss).since is not None


def test_the_picture_is_the_secret() -> None:
    client = confirmed(user("sam"))
    page = get(client, f"{HERE}app/")
    [picture] = page.all("svg", class_="qr")
    size = int(picture.attributes["viewbox"].split()[-1])
    assert size >= 41, "quiet zone of four on each side and a code of enough squares"


def test_what_the_trail_says_in_words(admin: Client) -> None:
    protect(user("sam"))
    says(half_way(), "000000")
    text = get(admin, "/settings/audit/?show=all").text
    for words in ("Second factor turned on", "Recovery codes made", "Login failed"):
        assert words in text


def test_who_has_no_second_factor_is_asked_about_once() -> None:
    user("sam")
    with CaptureQueriesContext(connection) as made:
        client = Client()
        client.get("/login/")
        assert client.post("/login/", {"username": "sam", "password": PASSWORD}).headers["Location"] == "/"
        assert is_in(client)
    # What reads the person of a session asks for it inside of itself, under another name.
    assert sum('FROM "mfa_authenticator" WHERE' in each["sql"] for each in made.captured_queries) == 1
