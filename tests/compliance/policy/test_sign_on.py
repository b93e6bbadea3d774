"""Single sign-on: what has to be set up, and which claims let somebody in."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from compliance.policy.sign_on import (
    MOST_GROUPS,
    WORDS,
    SignOn,
    SignOnRefused,
    check_claims,
    check_configuration,
    read_groups,
    read_sign_on,
)
from tests.support.rows import NOW
from tests.support.sign_on import AT, CLIENT, ISSUER, WANTED, claims

SET = {
    "PLIMSOLL_OIDC_ISSUER": ISSUER,
    "PLIMSOLL_OIDC_CLIENT_ID": CLIENT,
    "PLIMSOLL_OIDC_CLIENT_SECRET": "a secret",
}


def test_nothing_is_set_up_at_first_and_half_of_it_is_an_error() -> None:
    assert read_sign_on({}) is None
    assert read_sign_on(dict.fromkeys(SET, " ")) is None
    found = read_sign_on(SET)
    assert found == SignOn(ISSUER, CLIENT, "a secret", "groups", "Log in with single sign-on")
    assert "a secret" not in repr(found)
    more = {"PLIMSOLL_OIDC_GROUPS": "hd", "PLIMSOLL_OIDC_LABEL": "Ours", "PLIMSOLL_OIDC_SCOPES": "openid groups"}
    assert read_sign_on({**SET, **more}) == SignOn(ISSUER, CLIENT, "a secret", "hd", "Ours", ("openid", "groups"))


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"PLIMSOLL_OIDC_ISSUER": ISSUER}, "PLIMSOLL_OIDC_CLIENT_ID and PLIMSOLL_OIDC_CLIENT_SECRET must be set"),
        ({"PLIMSOLL_OIDC_LABEL": "Ours"}, "PLIMSOLL_OIDC_ISSUER and"),
        ({**SET, "PLIMSOLL_OIDC_CLIENT_SECRET": ""}, "PLIMSOLL_OIDC_CLIENT_SECRET must be set"),
        ({**SET, "PLIMSOLL_OIDC_ISSUER": "login.example"}, "PLIMSOLL_OIDC_ISSUER must be an address"),
        ({**SET, "PLIMSOLL_OIDC_ISSUER": f"https://{'a' * 300}"}, "PLIMSOLL_OIDC_ISSUER must be an address"),
        ({**SET, "PLIMSOLL_OIDC_SCOPES": "profile"}, "PLIMSOLL_OIDC_SCOPES must name openid"),
    ],
)
def test_what_stops_the_start(values: dict[str, str], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        read_sign_on(values)


def check(said: dict[str, Any], *, fresh: timedelta | None = None) -> Any:
    return check_claims(said, WANTED, nonce="once", now=NOW, fresh=fresh)


def test_who_it_is() -> None:
    found = check(claims(groups=["b", "a", "a"]))
    assert (found.issuer, found.subject, found.groups) == (ISSUER, "subject-1", {"a", "b"})
    assert (found.username, found.email, found.first_name, found.last_name) == ("ann", "ann@example.org", "Ann", "Lee")


@pytest.mark.parametrize(
    "said",
    [
        {"iss": "https://evil.example"}, {"iss": f"{ISSUER}/"}, {"iss": None}, {"iss": [ISSUER]},
        {"aud": "another"}, {"aud": None}, {"aud": []}, {"aud": {CLIENT: 1}}, {"aud": 7},
        {"aud": [CLIENT, "another"]}, {"aud": [CLIENT, "another"], "azp": "another"}, {"azp": "another"},
        {"nonce": "another"}, {"nonce": None}, {"nonce": ["once"]}, {"nonce": ""},
        {"exp": None}, {"exp": AT - 60}, {"exp": "9999999999"}, {"exp": True}, {"exp": float("nan")},
        {"exp": float("inf")}, {"exp": 10**40}, {"exp": -1},
        {"iat": None}, {"iat": AT + 61}, {"iat": []}, {"iat": True},
        {"nbf": AT + 61}, {"nbf": "soon"},
        {"sub": None}, {"sub": ""}, {"sub": 7}, {"sub": ["subject-1"]}, {"sub": "s" * 192}, {"sub": "a\0b"},
    ],
)  # fmt: skip
def test_what_lets_nobody_in(said: dict[str, Any]) -> None:
    with pytest.raises(SignOnRefused) as refused:
        check(claims(**said))
    assert refused.value.code == "token"


@pytest.mark.parametrize(
    "said",
    [
        {"exp": AT - 59}, {"iat": AT + 60}, {"nbf": AT + 60}, {"exp": AT + 0.5}, {"aud": [CLIENT]}, {"azp": CLIENT},
        {"aud": [CLIENT, "another"], "azp": CLIENT}, {"sub": "s" * 191},
    ],
)  # fmt: skip
def test_clocks_differ_by_a_minute_and_audiences_may_be_lists(said: dict[str, Any]) -> None:
    assert check(claims(**said)).issuer == ISSUER


def test_no_nonce_of_ours_fits_no_token() -> None:
    with pytest.raises(SignOnRefused):
        check_claims(claims(nonce=""), WANTED, nonce="", now=NOW)


@pytest.mark.parametrize(("at", "good"), [(AT - 360, True), (AT - 361, False), (None, False), ("now", False)])
def test_how_long_ago_the_password_was_entered(at: object, good: bool) -> None:
    said, fresh = claims(auth_time=at), timedelta(minutes=5)
    if good:
        assert check(said, fresh=fresh)
    else:
        with pytest.raises(SignOnRefused):
            check(said, fresh=fresh)
    assert check(claims()), "it is not asked for unless it matters"


@pytest.mark.parametrize(
    ("said", "found"),
    [
        ({}, frozenset()),
        ({"groups": []}, frozenset()),
        ({"groups": "one"}, {"one"}),
        ({"groups": ["a", "", "b" * 201, "c\n", "/staff/admins"]}, {"a", "/staff/admins"}),
        ({"groups": [f"g{each}" for each in range(MOST_GROUPS)]}, {f"g{each}" for each in range(MOST_GROUPS)}),
    ],
)
def test_groups(said: dict[str, Any], found: frozenset[str]) -> None:
    assert read_groups(said, "groups") == found


@pytest.mark.parametrize(
    "said",
    [
        {"groups": None}, {"groups": 7}, {"groups": {"a": 1}}, {"groups": ["a", 7]}, {"groups": [["a"]]},
        {"groups": [f"g{each}" for each in range(10_000)]},
        {"_claim_names": {"groups": "src1"}}, {"hasgroups": True},
    ],
)  # fmt: skip
def test_groups_that_were_garbled_or_cut_off_are_not_none(said: dict[str, Any]) -> None:
    with pytest.raises(SignOnRefused) as refused:
        read_groups(said, "groups")
    assert refused.value.code == "groups"


@pytest.mark.parametrize(
    ("said", "name", "mail"),
    [
        ({"preferred_username": "Ann Lee", "email": None}, "AnnLee", ""),
        ({"preferred_username": None}, "ann", "ann@example.org"),
        ({"preferred_username": 7, "email": ["x"]}, "", ""),
        ({"preferred_username": "<b>/\0"}, "b", "ann@example.org"),
        ({"preferred_username": "a" * 999}, "a" * 150, "ann@example.org"),
        ({"preferred_username": "@@", "email": None}, "", ""),
        ({"email_verified": False}, "ann", ""),
        ({"email_verified": "false"}, "ann", ""),
        ({"email": "a" * 300}, "ann", ""),
        ({"email": "ann\0@example.org"}, "ann", ""),
        ({"email": "ann@example.org\nBcc: sam@example.org"}, "ann", ""),
        ({"email": "\ud800@example.org"}, "ann", ""),
        ({"preferred_username": "\uff41\uff4e\uff4e"}, "ann", "ann@example.org"),
        ({"preferred_username": "ann\uff20example.org"}, "ann", "ann@example.org"),
    ],
)
def test_what_somebody_is_called(said: dict[str, Any], name: str, mail: str) -> None:
    found = check(claims(**said))
    assert (found.username, found.email) == (name, mail)
    assert check(claims(given_name=7, family_name="a\nb")).last_name == ""


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"issuer": "https://evil.example"}, "configuration"), ({"issuer": f"{ISSUER}/"}, "configuration"),
        ({"jwks_uri": None}, "provider"), ({"token_endpoint": 7}, "provider"),
        ({"token_endpoint": "http://login.example/token"}, "provider"),
        ({"authorization_endpoint": "javascript:alert(1)"}, "provider"),
        ({"authorization_endpoint": "https://login.example/auth?p=1"}, "provider"),
        ({"authorization_endpoint": "https://login.example/auth#p"}, "provider"),
        ({"authorization_endpoint": "https://login.example/\ud800"}, "provider"),
        ({"authorization_endpoint": "https://[login.example/"}, "provider"),
        ({"authorization_endpoint": "https:///auth"}, "provider"),
        ({"authorization_endpoint": "https://login.example/" + "a" * 9_999}, "provider"),
        ({"jwks_uri": "file:///etc/passwd"}, "provider"),
    ],
)  # fmt: skip
def test_another_provider_or_addresses_that_are_none(change: dict[str, Any], code: str) -> None:
    names = ("authorization_endpoint", "token_endpoint", "jwks_uri")
    good = {"issuer": ISSUER, **{name: f"{ISSUER}/{name}" for name in names}}
    assert check_configuration(good, ISSUER)["token_endpoint_auth_methods_supported"] == []
    assert check_configuration({**good, "token_endpoint_auth_methods_supported": 7}, ISSUER)
    with pytest.raises(SignOnRefused) as refused:
        check_configuration({**good, **change}, ISSUER)
    assert refused.value.code == code


def test_every_refusal_says_what_to_do() -> None:
    assert all(words.endswith(".") and len(words) > 40 for words in WORDS.values())
