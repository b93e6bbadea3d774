"""Single sign-on as the browser sees it; the provider answers what a test wants, and is hostile now and then."""

from __future__ import annotations

import base64
import hashlib
import logging
from typing import Any

import pytest
from allauth.account.internal.flows.login import AUTHENTICATION_METHODS_SESSION_KEY
from allauth.socialaccount.adapter import get_adapter
from allauth.socialaccount.models import SocialAccount, SocialToken
from django.test import Client

from compliance.access import Demand
from compliance.models import AuditEvent, GroupGrant, User
from compliance.outgoing.provider import Answer, ProviderProblem, ProviderSession
from compliance.services.demand_factor import demand_factor
from tests.support.factors import confirm, protect, shown
from tests.support.pages import Page, logged_in
from tests.support.remediation import team
from tests.support.rows import NOW, PASSWORD, user
from tests.support.sign_on import AT, ISSUER, SECRET, begin, claims, come, of_json, provider, published, signed

pytestmark = pytest.mark.django_db

BUTTON = "Log in with single sign-on"


@pytest.fixture(autouse=True)
def granted(db: None) -> None:
    GroupGrant.objects.create(group="staff", team=team(), role="lead")


def said(answer: Any) -> str:
    return Page(answer.content.decode()).text


def known(person: User, subject: str = "subject-1") -> None:
    SocialAccount.objects.create(user=person, provider=ISSUER, uid=subject, extra_data={"groups": []})


def test_nothing_of_it_shows_unless_it_is_set_up(admin: Client) -> None:
    user("sam")
    for address in ("/login/", "/settings/", "/settings/security/", "/settings/security/confirm/"):
        for client in (Client(), admin):
            assert "ingle sign-on" not in said(client.get(address)), address
    assert Client().post("/login/sso/").status_code == 404
    assert Client().get("/login/sso/callback/").headers["Location"] == "/login/"
    assert "is not set up" in said(admin.get("/settings/single-sign-on/"))
    with provider():
        assert BUTTON in said(Client().get("/login/"))
        assert "Single sign-on" in said(admin.get("/settings/"))


def test_in_by_the_button() -> None:
    client = Client()
    with provider() as faked:
        asked = begin(client, next="/findings/?q=x")
        assert (asked["response_type"], asked["client_id"]) == ("code", "plimsoll")
        assert set(asked["scope"].split()) == {"openid", "profile", "email"}
        assert asked["redirect_uri"] == "http://testserver/login/sso/callback/"
        assert asked["code_challenge_method"] == "S256"
        assert len(asked["nonce"]) >= 32
        faked.said = claims(nonce=asked["nonce"])
        answer = client.get("/login/sso/callback/", {"code": "a-code", "state": asked["state"]})
        assert (answer.status_code, answer.headers["Location"]) == (302, "/findings/?q=x")
        sent = next(sent for url, sent in faked.asked if url.endswith("/token"))["data"]
        digest = hashlib.sha256(sent["code_verifier"].encode()).digest()
        assert base64.urlsafe_b64encode(digest).rstrip(b"=").decode() == asked["code_challenge"], "PKCE"
        assert (sent["code"], sent["client_secret"]) == ("a-code", SECRET)
    assert client.get("/").status_code == 200
    person = User.objects.get()
    assert (person.username, person.has_usable_password()) == ("ann", False)
    line = AuditEvent.objects.get(action="login")
    assert (line.actor, line.data) == (person.pk, {"by": "single sign-on"})
    assert line.context == {} or "ip" in line.context
    assert "seen" in client.session, "the session has its limits"
    again = client.get("/login/sso/callback/", {"code": "a-code", "state": asked["state"]})
    assert again.headers["Location"] == "/login/", "it is not set up any more"


def test_no_secret_is_kept_anywhere(caplog: pytest.LogCaptureFixture) -> None:
    client = Client()
    with provider() as faked, caplog.at_level(logging.DEBUG):
        pages = [client.post("/login/sso/").content.decode()]
        come(client, faked)
        faked.answers["token"] = of_json({"error": "never-stored"}, 400)
        pages.append(come(Client(), faked).content.decode())
        pages.append(logged_in(user("boss", staff=True)).get("/settings/single-sign-on/").content.decode())
    assert not SocialToken.objects.exists()
    assert SocialAccount.objects.get().extra_data == {"groups": ["staff"]}
    kept = str(list(AuditEvent.objects.values())) + str(dict(client.session)) + caplog.text + "".join(pages)
    for secret in (SECRET, "never-stored", "eyJ"):
        assert secret not in kept, secret


def test_whoever_has_no_group_here_is_told_whom_to_ask() -> None:
    client = Client()
    with provider() as faked:
        answer = come(client, faked, groups=["others"])
        assert answer.status_code == 403
        assert "Nobody has said yet what your groups may see here" in said(answer)
        assert client.get("/findings/").status_code == 302
    assert not User.objects.exists()
    line = AuditEvent.objects.get(action="login_failed")
    assert (line.name, line.data["reason"], line.data["groups"]) == ("ann", "unmapped", ["others"])


def test_a_mail_address_or_a_name_opens_nobodys_account() -> None:
    boss = user("ann", staff=True)
    boss.email = "ann@example.org"
    boss.save()
    client = Client()
    with provider() as faked:
        assert come(client, faked, email_verified=True).status_code == 302
    assert User.objects.get(pk=client.session["_auth_user_id"]).username == "ann-2"
    assert not SocialAccount.objects.filter(user=boss).exists()


def test_whoever_was_deactivated_is_told_so() -> None:
    person = user("sam")
    known(person)
    User.objects.update(is_active=False)
    with provider() as faked:
        answer = come(Client(), faked)
    assert (answer.status_code, "deactivated" in said(answer)) == (403, True)


@pytest.mark.parametrize(
    "target", ["https://evil.example/", "//evil.example", "/\\evil.example", "javascript:alert(1)", "http:evil.example"]
)
def test_nobody_is_sent_elsewhere(target: str) -> None:
    with provider() as faked:
        assert come(Client(), faked, posted={"next": target}).headers["Location"] == "/"


@pytest.mark.parametrize(
    "more",
    [
        {"iss": "https://evil.example"}, {"aud": "another"}, {"nonce": "another"}, {"nonce": None}, {"exp": AT - 61},
        {"iat": AT + 61}, {"sub": None}, {"sub": ["x"]}, {"groups": {"a": "b"}}, {"groups": [7]},
        {"groups": [f"g{each}" for each in range(10_000)]},
    ],
)  # fmt: skip
def test_claims_that_are_not_for_us(more: dict[str, Any]) -> None:
    with provider() as faked:
        answer = come(Client(), faked, **more)
    assert answer.status_code == 403
    assert not User.objects.exists()
    assert AuditEvent.objects.get(action="login_failed").data["detail"]


ANSWERS: dict[str, tuple[str, Answer | Exception]] = {
    "no token": ("token", of_json({"access_token": "x"})),
    "a token of nobody": ("token", of_json({"access_token": "x", "id_token": signed(claims(), 2)})),
    "a token that is a number": ("token", of_json({"access_token": "x", "id_token": 7})),
    "an error": ("token", of_json({"error": "invalid_grant"}, 400)),
    "a list": ("token", of_json(["access_token"])),
    "a number": ("token", of_json(7)),
    "no json": ("token", Answer(200, b"<html>", {"content-type": "text/html"})),
    "broken json": ("token", Answer(200, b'{"', {"content-type": "application/json"})),
    "nobody there": ("token", ProviderProblem("unreachable", "no answer (timeout)")),
    "no keys": ("certs", of_json({})),
    "other keys": ("certs", of_json({"keys": [published(2)]})),
    "keys that are not served": ("certs", of_json({}, 500)),
}


@pytest.mark.parametrize("name", sorted(ANSWERS))
def test_answers_that_are_none(name: str) -> None:
    client, (end, answer) = Client(), ANSWERS[name]
    with provider() as faked:
        faked.answers[end] = answer
        refused = come(client, faked)
    assert refused.status_code in (403, 502), name
    assert "Single sign-on did not work" in said(refused)
    assert not User.objects.exists()
    assert "_auth_user_id" not in client.session
    assert AuditEvent.objects.get(action="login_failed").data["detail"], "administrators are told"


@pytest.mark.parametrize(
    "answer",
    [
        ProviderProblem("unreachable", "no answer"), of_json({}, 503), of_json({}), of_json([]), of_json("x"),
        of_json({"issuer": "https://evil.example"}), Answer(200, b"", {}),
    ],
)  # fmt: skip
def test_where_the_provider_is_away_passwords_still_work(answer: Answer | Exception) -> None:
    user("sam")
    client = Client()
    with provider() as faked:
        faked.answers["openid-configuration"] = answer
        refused = client.post("/login/sso/", {"next": "/"})
        assert refused.status_code in (403, 502)
        assert "Back to the login" in said(refused)
        assert client.get("/login/").status_code == 200
        assert client.post("/login/", {"username": "sam", "password": PASSWORD}).status_code == 302
        assert client.get("/").status_code == 200


@pytest.mark.parametrize("query", ["", "?state=made-up&code=x", "?code=x", "?error=access_denied"])
def test_nobody_comes_back_who_did_not_go(query: str) -> None:
    with provider() as faked:
        answer = Client().get(f"/login/sso/callback/{query}")
        assert (answer.status_code, "Begin again" in said(answer)) == (400, True)
        assert not faked.asked
    assert not AuditEvent.objects.filter(action="login_failed").exists(), "or anybody could fill the trail"


def test_a_login_is_finished_in_the_browser_that_began_it_and_once() -> None:
    mine, theirs = Client(), Client()
    with provider() as faked:
        asked = begin(theirs)
        faked.said = claims(nonce=asked["nonce"])
        back = {"code": "a-code", "state": asked["state"]}
        assert mine.get("/login/sso/callback/", back).status_code == 400
        assert theirs.get("/login/sso/callback/", {**back, "iss": "https://evil.example"}).status_code == 400
        assert theirs.get("/login/sso/callback/", back).status_code == 400, "the state is spent"


def test_a_cancelled_login() -> None:
    client = Client()
    with provider():
        asked = begin(client)
        answer = client.get("/login/sso/callback/", {"error": "access_denied", "state": asked["state"]})
    assert (answer.status_code, "cancelled" in said(answer)) == (400, True)


def test_whoever_has_a_second_factor_here_is_asked_for_it() -> None:
    person = user("sam", role="member")
    known(person)
    protect(person)
    client = Client()
    with provider() as faked:
        answer = come(client, faked, posted={"next": "/findings/"})
        assert answer.headers["Location"].startswith("/login/code/")
        assert "Your provider knows you as sam" in said(client.get("/login/code/"))
        assert client.get("/findings/").status_code == 302
        last = client.post("/login/code/", {"code": shown(NOW)})
        assert last.headers["Location"] == "/findings/"
        assert client.get("/findings/").status_code == 200


def test_another_role_ends_the_sessions_that_began_with_the_old_one() -> None:
    GroupGrant.objects.create(group="watch", role="auditor")
    first, second = Client(), Client()
    with provider() as faked:
        come(first, faked)
        come(Client(), faked)
        assert first.get("/").status_code == 200, "the same role ends nothing"
        come(second, faked, groups=["staff", "watch"])
    assert AuditEvent.objects.get(action="sessions_ended").data == {"sessions": 2}
    assert (first.get("/").status_code, second.get("/").status_code) == (302, 200)


def test_where_one_is_demanded_they_set_it_up_and_confirm_at_the_provider() -> None:
    assert demand_factor(Demand.EVERYBODY, was=Demand.NOBODY)
    client = Client()
    with provider() as faked:
        come(client, faked)
        assert client.get("/findings/").headers["Location"] == "/settings/security/"
        confirm_at = client.get("/settings/security/app/").headers["Location"]
        page = client.get(confirm_at).content.decode()
        assert not Page(page).all("input", type="password")
        fields = {each.attributes["name"]: each.attributes["value"] for each in Page(page).all("input", type="hidden")}
        posted = {"errand": "confirm", "next": fields["next"]}
        asked = begin(client, **posted)
        assert (asked["prompt"], asked["max_age"]) == ("login", "0")
        for more in ({}, {"auth_time": AT - 3_600}, {"auth_time": AT, "sub": "another"}):
            assert come(client, faked, posted=posted, **more).status_code == 403, more
            assert client.get("/settings/security/app/").status_code == 302
        answer = come(client, faked, posted=posted, auth_time=AT)
        assert answer.headers["Location"] == "/settings/security/app/"
        assert client.get("/settings/security/app/").status_code == 200


def test_no_password_is_no_confirmation() -> None:
    """django-allauth takes whoever has nothing to confirm with for confirmed."""
    client = Client()
    with provider() as faked:
        come(client, faked)
        assert AUTHENTICATION_METHODS_SESSION_KEY in client.session
        assert client.get("/settings/security/app/").headers["Location"].startswith("/settings/security/confirm/")
        assert (
            client.post("/settings/security/single-sign-on/").headers["Location"].startswith("/settings/security/con")
        )
    assert SocialAccount.objects.exists()


def test_connecting_asks_for_the_password_and_disconnecting_too() -> None:
    person = user("sam", role="member")
    client = logged_in(person)
    with provider() as faked:
        assert "Not connected" in said(client.get("/settings/security/"))
        answer = client.post("/login/sso/", {"errand": "connect"})
        assert answer.headers["Location"].startswith("/settings/security/confirm/")
        confirm(client)
        assert come(client, faked, posted={"errand": "connect"}).headers["Location"] == "/settings/security/"
        assert "Connected since" in said(client.get("/settings/security/"))
        assert come(other := Client(), faked).status_code == 302
        assert other.session["_auth_user_id"] == str(person.pk)
        assert client.post("/settings/security/single-sign-on/").status_code == 302
        assert "Not connected" in said(client.get("/settings/security/"))
    assert not SocialAccount.objects.exists()


def test_what_somebody_else_has_connected_is_theirs() -> None:
    known(user("other"))
    client = logged_in(user("sam"))
    confirm(client)
    with provider() as faked:
        answer = come(client, faked, posted={"errand": "connect"})
    assert (answer.status_code, "Somebody else has connected" in said(answer)) == (403, True)
    assert SocialAccount.objects.get().user.username == "other"


def test_another_person_cannot_finish_what_somebody_began() -> None:
    client, faked_next = logged_in(user("sam")), user("other")
    confirm(client)
    with provider() as faked:
        asked = begin(client, errand="connect")
        kept = client.session["socialaccount_states"]
        client.force_login(faked_next)
        session = client.session
        session["socialaccount_states"] = kept
        session.save()
        faked.said = claims(nonce=asked["nonce"])
        answer = client.get("/login/sso/callback/", {"code": "a-code", "state": asked["state"]})
    assert (answer.status_code, SocialAccount.objects.exists()) == (403, False)


@pytest.mark.parametrize("errand", ["connect", "confirm"])
def test_errands_are_for_whoever_is_logged_in(errand: str) -> None:
    with provider() as faked:
        assert Client().post("/login/sso/", {"errand": errand}).headers["Location"] == "/login/"
        assert not faked.asked


def test_the_button_is_pressed_thirty_times_a_minute_and_no_more() -> None:
    client = Client()
    with provider() as faked:
        statuses = [client.post("/login/sso/").status_code for _ in range(31)]
        assert (statuses[29], statuses[30]) == (200, 429)
        assert len(faked.asked) == 1, "what the provider says of itself is kept for a while"


def test_a_button_needs_its_token_and_a_form_of_ours_does_not_leave_this_site() -> None:
    with provider():
        client = Client(enforce_csrf_checks=True)
        assert client.post("/login/sso/").status_code == 403
        assert "form-action 'self'" in client.get("/login/").headers["Content-Security-Policy"]


def test_all_of_allauths_requests_are_ours() -> None:
    assert isinstance(get_adapter().get_requests_session(), ProviderSession)
