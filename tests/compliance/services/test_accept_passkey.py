"""Which answers of browsers are taken, and which lies are not."""

from __future__ import annotations

import json
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.db import connections, transaction
from fido2.cose import UnsupportedKey
from fido2.webauthn import AuthenticatorData
from hypothesis import given
from hypothesis import strategies as st

from compliance.models import User
from compliance.policy.relying_party import RelyingParty
from compliance.services.accept_passkey import ask_to_make, ask_to_show, owner_named, passkey_made, passkey_shown
from compliance.services.change_factors import remove_passkey
from tests.support.passkeys import FLAG, SITE, Device, with_passkey
from tests.support.rows import HOSTILE, NOW, user
from tests.support.waiting import until_somebody_waits

pytestmark = pytest.mark.django_db

ELSEWHERE = RelyingParty("evil.example", "https://evil.example")
HTTPS = RelyingParty("plimsoll.example", "https://plimsoll.example")


def shown(device: Device, person: User, site: RelyingParty = SITE, *, alone: bool = False, **lies: Any) -> str:
    """The name of the passkey that was taken, if it was."""
    asked = ask_to_show(site, None if alone else person)
    with transaction.atomic():
        found = passkey_shown(device.answer_to_show(asked.options["publicKey"], **lies), asked.state, site, person)
    return str(found) if found else ""


def test_a_passkey_is_made_and_shown() -> None:
    sam = user("sam")
    device = with_passkey(sam)
    assert shown(device, sam) == "Phone"
    assert shown(device, sam, alone=True) == "Phone"


def test_what_a_browser_is_asked() -> None:
    sam, eve = user("sam"), user("eve")
    device = with_passkey(sam)
    with_passkey(eve)
    making, code, alone = ask_to_make(sam, SITE), ask_to_show(SITE, sam), ask_to_show(SITE)
    told = making.options["publicKey"]
    assert told["rp"] == {"id": "localhost", "name": "Plimsoll"}
    assert told["user"]["name"] == "sam"
    assert len(told["excludeCredentials"]) == 1, "no device holds two of one account"
    assert told["authenticatorSelection"]["userVerification"] == "preferred"
    [allowed] = code.options["publicKey"]["allowCredentials"]
    assert allowed["id"] == json.loads(device.answer_to_show(told))["id"]
    assert code.options["publicKey"]["userVerification"] == "discouraged"
    assert not alone.options["publicKey"].get("allowCredentials")
    assert alone.options["publicKey"]["userVerification"] == "required"
    assert len({each.state["challenge"] for each in (making, code, alone)}) == 3
    json.dumps([each.options for each in (making, code, alone)])


@pytest.mark.parametrize(
    "lies",
    [
        {"origin": "https://evil.example"},
        {"origin": "https://localhost"},
        {"origin": "http://localhost:8000"},
        {"origin": "http://sub.localhost"},
        {"origin": "http://localhost.evil.example"},
        {"origin": "null"},
        {"flags": FLAG.UV},
        {"kind": "webauthn.create"},
    ],
)
def test_what_is_not_shown_here(lies: Mapping[str, Any]) -> None:
    sam = user("sam")
    device = with_passkey(sam)
    assert shown(device, sam, **lies) == ""
    assert shown(device, sam, alone=True, **lies) == ""


@pytest.mark.django_db(transaction=True)
def test_nobody_takes_it_away_while_it_lets_in() -> None:
    sam = user("sam")
    device, asked = with_passkey(sam), ask_to_show(SITE, sam)

    def remove(key: int) -> bool:
        try:
            return remove_passkey(sam, key, now=NOW)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(1) as another:
        with transaction.atomic():
            found = passkey_shown(device.answer_to_show(asked.options["publicKey"]), asked.state, SITE, sam)
            assert found is not None
            removing = another.submit(remove, found.pk)
            until_somebody_waits(removing.done)
            assert not removing.done()
        assert removing.result(60)


def test_no_host_below_ours_is_ours() -> None:
    sam = user("sam")
    device = with_passkey(sam, site=HTTPS)
    assert shown(device, sam, HTTPS) == "Phone"
    assert shown(device, sam, HTTPS, origin="https://shop.plimsoll.example") == ""
    assert shown(device, sam, HTTPS, origin="http://plimsoll.example") == ""


def test_an_answer_fits_one_question() -> None:
    sam = user("sam")
    device = with_passkey(sam)
    one, other = ask_to_show(SITE, sam), ask_to_show(SITE, sam)
    answer = device.answer_to_show(one.options["publicKey"])
    with transaction.atomic():
        assert passkey_shown(answer, other.state, SITE, sam) is None
        assert passkey_shown(answer, one.state, SITE, sam) is not None


def test_alone_only_where_the_device_knew_its_owner() -> None:
    sam = user("sam")
    device = with_passkey(sam)
    assert shown(device, sam, flags=FLAG.UP) == "Phone", "the password came before"
    assert shown(device, sam, alone=True, flags=FLAG.UP) == ""


def test_nobody_is_let_in_by_somebody_elses_key() -> None:
    sam, eve = user("sam"), user("eve")
    device = with_passkey(sam)
    with_passkey(eve)
    assert shown(device, eve) == ""
    forged = Device(id=device.id)
    assert shown(forged, sam) == "", "the name of a key is no secret"


def test_a_passkey_of_another_name_of_the_site_is_none_here() -> None:
    sam = user("sam")
    device = with_passkey(sam, site=HTTPS)
    assert shown(device, sam) == ""
    assert not ask_to_show(SITE, sam).options["publicKey"].get("allowCredentials")


@pytest.mark.parametrize(
    ("made", "is_alone"),
    [
        ({}, True),
        ({"listed": None}, True),
        ({"listed": False}, False),
        ({"flags": FLAG.UP}, False),
        ({"flags": FLAG.UP, "listed": False}, False),
    ],
)
def test_what_can_let_in_without_the_password(made: Mapping[str, Any], is_alone: bool) -> None:
    asked, device = ask_to_make(user("sam"), SITE), Device()
    found = passkey_made(device.answer_to_make(asked.options["publicKey"], **made), asked.state, SITE)
    assert found is not None
    assert found.is_alone == is_alone


@pytest.mark.parametrize(
    "lies",
    [
        {"origin": "https://evil.example"},
        {"flags": AuthenticatorData.FLAG(0)},
        {"public": UnsupportedKey({1: 2, 3: -999_999})},
    ],
)
def test_what_is_not_kept(lies: dict[str, Any]) -> None:
    asked, device = ask_to_make(user("sam"), SITE), Device()
    assert passkey_made(device.answer_to_make(asked.options["publicKey"], **lies), asked.state, SITE) is None
    other = Device(ELSEWHERE)
    lied = other.answer_to_make(asked.options["publicKey"], origin=SITE.origin)
    assert passkey_made(lied, asked.state, SITE) is None, "made for another site"


def test_of_what_is_kept_nothing_tells_one_device_from_another_of_its_make() -> None:
    asked, device = ask_to_make(user("sam"), SITE), Device()
    found = passkey_made(device.answer_to_make(asked.options["publicKey"]), asked.state, SITE)
    assert found is not None
    assert set(found.credential) == {"rawId", "type", "response", "clientExtensionResults"}
    assert set(found.credential["response"]) == {"clientDataJSON", "attestationObject"}


@pytest.mark.parametrize("handle", ["", "AA", "LTE", "OTk5OTk5OTk5OTk5OTk5OTk5OTk", "w7w", "MSAx"])
def test_whose_a_passkey_says_it_is(handle: str) -> None:
    sam = user("sam")
    device = with_passkey(sam)
    options = ask_to_show(SITE).options["publicKey"]
    assert owner_named(device.answer_to_show(options)) == sam
    assert owner_named(device.answer_to_show(options, owner=handle)) is None


ODD = (
    "", "null", "[]", "{}", "1", '""', "[" * 30_000, HOSTILE, "\x00", '{"rawId": 1}', '{"id": "a", "rawId": "b"}',
    '{"rawId": "AA", "response": null}', '{"rawId": "AA", "response": []}', '{"rawId": "AA", "response": {}}',
    '{"rawId": "AA", "response": {"clientDataJSON": "AA", "attestationObject": "AA", "authenticatorData": "AA",'
    ' "signature": "AA"}}',
    '{"rawId": "AA", "response": {"clientDataJSON": "e30", "attestationObject": "oA", "authenticatorData": "AA",'
    ' "signature": "AA", "userHandle": 5}}',
)  # fmt: skip


@pytest.mark.parametrize("answer", ODD)
def test_what_is_no_answer(answer: str) -> None:
    sam = user("sam")
    with_passkey(sam)
    assert passkey_made(answer, ask_to_make(sam, SITE).state, SITE) is None
    assert owner_named(answer) is None
    with transaction.atomic():
        assert passkey_shown(answer, ask_to_show(SITE, sam).state, SITE, sam) is None


@given(at=st.integers(0, 100_000), put=st.text(max_size=3), cut=st.integers(0, 3))
def test_an_answer_that_is_not_whole(at: int, put: str, cut: int) -> None:
    """A true answer changed, wherever: refused or taken, and never a crash."""
    sam = User.objects.filter(username="sam").first() or user("sam")
    device = Device()
    making, showing = ask_to_make(sam, SITE), ask_to_show(SITE, sam)

    def changed(answer: str) -> str:
        place = at % len(answer)
        return answer[:place] + put + answer[place + cut :]

    passkey_made(changed(device.answer_to_make(making.options["publicKey"])), making.state, SITE)
    answer = changed(device.answer_to_show(showing.options["publicKey"]))
    owner_named(answer)
    with transaction.atomic():
        assert passkey_shown(answer, showing.state, SITE, sam) is None, "the device is nobody's"
