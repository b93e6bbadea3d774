"""Tokens where they are taken: scopes × addresses × what has become of the token, and never beside a session."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING
from unittest.mock import patch

import pytest
from django.core.cache import cache
from django.test import Client, override_settings
from django.urls import reverse
from pytest_django.fixtures import DjangoAssertNumQueries

from compliance.models import ApiToken, AuditAction, AuditEvent, Membership, ScopeChoice, User
from compliance.services.api_tokens import revoke_tokens
from compliance.services.save_person import change_person, deactivate_person, reactivate_person
from tests.support.api_tokens import asked, token
from tests.support.remediation import own, team
from tests.support.rights import PAGES, names
from tests.support.rows import NOW, Fleet, fleet, never_scanned, registry, user
from tests.support.tenants import KINDS, MANY, tenant

if TYPE_CHECKING:
    from django.test.client import _MonkeyPatchedWSGIResponse as Answer

pytestmark = pytest.mark.django_db

TAKEN = {"api_summary": "read:summary", "findings_export": "read:findings", "waivers_export": "read:waivers"}


def said(response: Answer) -> dict[str, object]:
    """A problem, which every refusal of a token is."""
    assert response.headers["Content-Type"] == "application/problem+json"
    assert response.headers["Cache-Control"] == "no-store"
    body: dict[str, object] = response.json()
    assert body["status"] == response.status_code
    assert set(body) == {"type", "title", "status", "detail", "code"}
    return body


def expire(row: ApiToken) -> None:
    ApiToken.objects.filter(pk=row.pk).update(created_at=NOW - timedelta(days=30), expires_at=NOW)


def revoke(row: ApiToken) -> None:
    assert revoke_tokens(row.user, now=NOW, only=row.pk) == 1


def revoke_late(row: ApiToken) -> None:
    expire(row)
    revoke(row)


def lock_out(row: ApiToken) -> None:
    User.objects.filter(pk=row.user_id).update(is_active=False)


STATES: dict[str, tuple[Callable[[ApiToken], object], str]] = {
    "active": (lambda row: None, ""),
    "expired": (expire, "expired_token"),
    "revoked": (revoke, "revoked_token"),
    "revoked and expired": (revoke_late, "revoked_token"),
    "of somebody who is locked out": (lock_out, "inactive_person"),
    "gone": (lambda row: row.delete(), "unknown_token"),
}


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("scope", ScopeChoice.values)
@pytest.mark.parametrize("name", TAKEN)
def test_scopes_addresses_and_states(name: str, scope: str, state: str) -> None:
    made = token(user(), scope)
    become, code = STATES[state]
    become(made.token)
    response = asked(reverse(name), made.secret)
    if code:
        assert (response.status_code, said(response)["code"]) == (401, code)
        assert response.headers["WWW-Authenticate"] == 'Bearer realm="Plimsoll", error="invalid_token"'
    elif scope == TAKEN[name]:
        assert response.status_code == 200
    else:
        assert (response.status_code, said(response)["code"]) == (403, "missing_scope")
        assert f'error="insufficient_scope", scope="{TAKEN[name]}"' in response.headers["WWW-Authenticate"]
        assert TAKEN[name] in str(said(response)["detail"])
    assert "Authorization" in response.headers["Vary"]
    assert not response.cookies
    assert made.secret not in response.getvalue().decode()


@pytest.mark.parametrize("name", TAKEN)
@pytest.mark.parametrize(
    "header",
    ["Bearer", "Bearer x", "Bearer plim_ab12cd_", "Bearerx", "Bearer é", "bearer " + "x" * 7_000, "Bearer a,Bearer b"],
)
def test_what_is_no_token_is_401_whoever_is_logged_in(name: str, header: str, reader: Client) -> None:
    for client in (Client(), reader):
        response = client.get(reverse(name), headers={"Authorization": header})
        assert (response.status_code, said(response)["code"]) == (401, "malformed_token")
        assert "http://testserver/settings/tokens/" in str(said(response)["detail"])


def test_the_summary_is_for_tokens_alone(reader: Client) -> None:
    for client in (Client(), reader):
        for headers in ({}, {"Authorization": "Basic c2FtOng="}):
            response = client.get(reverse("api_summary"), headers=headers)
            assert (response.status_code, said(response)["code"]) == (401, "no_token")
            assert response.headers["WWW-Authenticate"] == 'Bearer realm="Plimsoll"'
        assert client.post(reverse("api_summary")).status_code == 405
    assert Client(enforce_csrf_checks=True).post(reverse("api_summary")).status_code == 405


@pytest.mark.parametrize("name", ["findings_export", "waivers_export"])
def test_exports_are_for_sessions_as_before(name: str, reader: Client) -> None:
    for headers in ({}, {"Authorization": "Basic c2FtOng="}):  # of a proxy in front
        assert reader.get(reverse(name), headers=headers).status_code == 200
        assert Client().get(reverse(name), headers=headers).headers["Location"] == f"/login/?next={reverse(name)}"


def test_no_other_address_takes_a_token() -> None:
    boss = user("boss", staff=True)
    made, tried = token(boss), 0
    theirs = tenant("Alpha", registry("Shared"), 910)
    for name in sorted(set(names()) - TAKEN.keys()):
        page = PAGES[name]
        if page.public or page.about not in KINDS:
            continue
        url = reverse(name, kwargs=dict(KINDS[page.about](theirs)))
        for verb in ("get", "post"):
            response = getattr(Client(), verb)(url, headers={"Authorization": f"Bearer {made.secret}"})
            tried += 1
            assert response.status_code == 405 or response.headers["Location"].startswith("/login/"), (verb, url)
    assert tried > 150
    assert ApiToken.objects.get(pk=made.token.pk).last_used_at is None


@pytest.mark.parametrize("name", TAKEN)
def test_a_token_beside_a_session_is_the_token(name: str) -> None:
    """The session is somebody else's: nothing of it is read, written or answered."""
    boss, mel = user("boss", staff=True), user("mel", role="member")
    fleet(2)
    client = Client()
    client.force_login(boss)
    session = client.session
    session["seen"] = int((NOW - timedelta(hours=1)).timestamp())
    session.save()
    shown = token(mel)
    response = client.get(reverse(name), headers={"Authorization": f"Bearer {shown.secret}"})
    assert response.status_code == 200
    assert not response.cookies
    body = response.getvalue().decode()
    assert "team/app" not in body
    if name == "api_summary":
        assert response.json()["repositories"]["total"] == 0
    assert client.session["seen"] == int((NOW - timedelta(hours=1)).timestamp())
    asked_by = AuditEvent.objects.filter(action=AuditAction.EXPORTED).values_list("actor_name", flat=True)
    assert set(asked_by) <= {"mel"}


def test_an_export_by_token_is_in_the_trail_with_the_token(admin: Client) -> None:
    lead = user("lead", role="member")
    made = token(lead, "read:findings", name="weekly report")
    response = Client().get(
        reverse("findings_export") + "?format=ndjson&severity=high",
        headers={"Authorization": f"Bearer {made.secret}"},
        REMOTE_ADDR="203.0.113.9",
    )
    assert response.headers["Content-Type"] == "application/x-ndjson; charset=utf-8"
    line = AuditEvent.objects.get(action=AuditAction.EXPORTED)
    assert (line.actor, line.actor_name, line.context["ip"]) == (lead.pk, "lead", "203.0.113.9")
    assert line.data["token"] == f"weekly report ({made.token.prefix})"
    assert line.data["rows"] == 0
    assert "weekly report" in admin.get("/settings/audit/?show=exports").content.decode()
    admin.get(reverse("findings_export"))
    assert "token" not in AuditEvent.objects.filter(action=AuditAction.EXPORTED).latest("pk").data


def test_a_filter_that_is_not_understood_is_no_page_for_a_program() -> None:
    response = asked(reverse("findings_export") + "?q=statu:x", token(user()).secret)
    assert (response.status_code, said(response)["code"]) == (400, "not_understood")
    assert "statu" in str(said(response)["detail"])


def test_when_and_where_it_was_used_is_kept_once_a_minute() -> None:
    made = token(user())

    def use(seconds: int, address: str) -> tuple[object, object]:
        with patch("django.utils.timezone.now", return_value=NOW + timedelta(seconds=seconds)):
            client = Client(REMOTE_ADDR=address, headers={"Authorization": f"Bearer {made.secret}"})
            assert client.get(reverse("api_summary")).status_code == 200
        row = ApiToken.objects.get(pk=made.token.pk)
        return row.last_used_at, row.last_used_ip

    assert use(0, "203.0.113.1") == (NOW, "203.0.113.1")
    assert use(59, "203.0.113.2") == (NOW, "203.0.113.1")
    assert use(60, "2001:db8::3") == (NOW + timedelta(seconds=60), "2001:db8::3")
    assert AuditEvent.objects.filter(kind="apitoken", action="changed").count() == 0


def test_failures_are_limited_by_address_and_nothing_else_is() -> None:
    made = token(user())
    url, bad = reverse("api_summary"), {"Authorization": "Bearer x"}
    with override_settings(ACCOUNT_RATE_LIMITS={"token_failed": "3/m/ip"}):
        cache.clear()
        answers = [Client(REMOTE_ADDR="203.0.113.1").get(url, headers=bad) for _ in range(4)]
        assert [each.status_code for each in answers] == [401, 401, 401, 429]
        assert said(answers[-1])["code"] == "too_many_failures"
        assert answers[-1].headers["Retry-After"] == "60"
        assert Client(REMOTE_ADDR="203.0.113.2").get(url, headers=bad).status_code == 401
        right = {"Authorization": f"Bearer {made.secret}"}
        assert Client(REMOTE_ADDR="203.0.113.1").get(url, headers=right).status_code == 200


def test_ordinary_failures_are_limited() -> None:
    cache.clear()
    answers = [asked(reverse("waivers_export"), "x").status_code for _ in range(31)]
    assert answers == [401] * 30 + [429]


def repositories_of(secret: str) -> object:
    response = asked(reverse("api_summary"), secret)
    assert response.status_code == 200
    return response.json()["repositories"]["total"]


def test_a_token_has_at_once_the_rights_its_person_has() -> None:
    boss = user("boss", staff=True)
    lead = user("lead", role="member")
    made = fleet(4)
    crew = team("Payments", lead=lead)
    own(crew, made.repositories[:2])
    secret = token(lead).secret
    assert repositories_of(secret) == 2
    own(crew, made.repositories[2:3])
    assert repositories_of(secret) == 3
    columns = {"username": "lead", "first_name": "", "last_name": "", "email": ""}
    change_person(lead, {**columns, "role": "auditor"}, by=boss, now=NOW)
    assert repositories_of(secret) == 4
    change_person(lead, {**columns, "role": "member"}, by=boss, now=NOW)
    Membership.objects.filter(user=lead).delete()
    assert repositories_of(secret) == 0


def test_who_is_deactivated_has_no_token_any_more_also_when_they_are_let_in_again() -> None:
    boss, kim = user("boss", staff=True), user("kim")
    secret = token(kim).secret
    assert asked(reverse("api_summary"), secret).status_code == 200
    deactivate_person(kim, by=boss, now=NOW)
    assert asked(reverse("api_summary"), secret).status_code == 401
    reactivate_person(kim)
    assert said(asked(reverse("api_summary"), secret))["code"] == "revoked_token"


def test_a_leads_token_tells_of_nothing_that_others_have() -> None:
    shared = registry("Shared")
    never_scanned(shared, "orphan/nobody")
    ours = tenant("Alpha", shared, 910)
    secret = token(ours.people["lead"]).secret
    urls = [
        *("/api/v1/summary", "/api/v1/summary?days=365&team=alpha-crew", "/api/v1/summary?registry=shared"),
        *(f"/findings/export/?tab=all&format={kind}" for kind in ("csv", "ndjson", "sarif", "md")),
        "/waivers/-/export/",
    ]
    before = {url: asked(url, secret).getvalue() for url in urls}
    theirs = tenant("Bravo", shared, 920, repositories=MANY)
    for url in urls:
        after = asked(url, secret).getvalue()
        assert after == before[url], url
        assert [each for each in theirs.canaries if each in after.decode()] == []
    for hidden in ("team=bravo-crew", "registry=bravo-harbor", "team=none"):
        response = asked(f"/api/v1/summary?{hidden}", secret)
        gone = asked(f"/api/v1/summary?{hidden.partition('=')[0]}=nothing-there", secret)
        assert (response.status_code, response.getvalue()) == (gone.status_code, gone.getvalue()), hidden
    assert "alpha/" in before["/findings/export/?tab=all&format=csv"].decode()
    theirs_sees = asked("/findings/export/?tab=all&format=csv", token(theirs.people["lead"]).secret).getvalue().decode()
    assert "bravo/" in theirs_sees
    assert "alpha/" not in theirs_sees


@pytest.mark.parametrize("repositories", [1, 60])
def test_queries_of_the_summary_do_not_grow(
    django_assert_num_queries: DjangoAssertNumQueries, repositories: int
) -> None:
    made: Fleet = fleet(repositories)
    assert made.registry
    secret = token(user()).secret
    asked(reverse("api_summary"), secret)
    with django_assert_num_queries(13):
        assert asked(reverse("api_summary"), secret).status_code == 200
