"""Passkeys in a browser with a device of its own: Chromium's virtual one, which knows its owner and lists its keys."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, CDPSession, expect

from compliance.access import Demand
from compliance.models import AuditAction, AuditEvent
from compliance.queries.factor_rule import demand_now
from compliance.queries.security import factors_of
from compliance.services.demand_factor import demand_factor
from tests.browser.conftest import Visitor
from tests.browser.test_accounts import looked_at
from tests.support.factors import protect
from tests.support.rows import PASSWORD, user

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def device(visitor: Visitor) -> Iterator[CDPSession]:
    """What the browser is plugged into."""
    session = visitor.page.context.new_cdp_session(visitor.page)
    session.send("WebAuthn.enable")
    yield session
    session.send("WebAuthn.disable")


def plug_in(device: CDPSession, **differing: Any) -> str:
    """A phone, or another device; its id."""
    phone = {
        "protocol": "ctap2",
        "transport": "internal",
        "hasResidentKey": True,
        "hasUserVerification": True,
        "isUserVerified": True,
        "automaticPresenceSimulation": True,
    }
    added = device.send("WebAuthn.addVirtualAuthenticator", {"options": {**phone, **differing}})
    return str(added["authenticatorId"])


def held(device: CDPSession, plugged: str) -> list[dict[str, Any]]:
    """The keys that the device has."""
    return list(device.send("WebAuthn.getCredentials", {"authenticatorId": plugged})["credentials"])


def confirm_password(visitor: Visitor) -> None:
    """As before every change of how one logs in."""
    visitor.page.get_by_label("Password").fill(PASSWORD)
    visitor.page.get_by_role("button", name="Go on").click()


def add(visitor: Visitor, name: str) -> None:
    """From the page of security on."""
    page = visitor.page
    page.get_by_role("link", name="Add a passkey").click()
    confirm_password(visitor)
    page.get_by_label("Name").fill(name)
    page.get_by_role("button", name="Add a passkey").click()


def enter_password(visitor: Visitor) -> None:
    """The first step of two."""
    visitor.go("/login/")
    visitor.page.get_by_label("Username").fill("sam")
    visitor.page.get_by_label("Password").fill(PASSWORD)
    visitor.page.get_by_role("button", name="Log in", exact=True).click()
    visitor.page.wait_for_url(f"{visitor.base}/login/code/")


def out(visitor: Visitor) -> None:
    """Log out."""
    visitor.page.get_by_role("button", name="Log out").click()
    visitor.page.wait_for_url(f"{visitor.base}/login/")


def test_a_phone_instead_of_the_password(visitor: Visitor, device: CDPSession) -> None:
    sam = user("sam")
    phone = plug_in(device)
    page = visitor.page
    visitor.log_in("sam", PASSWORD)
    visitor.go("/settings/security/")
    looked_at(visitor, "passkeys-none")
    add(visitor, "Phone")
    page.get_by_text("Keep these codes").wait_for()
    page.get_by_role("link", name="I have kept them").click()
    page.get_by_text("without the password, or after it").wait_for()
    looked_at(visitor, "passkeys-one")
    assert visitor.small_targets() == []
    [kept] = held(device, phone)
    assert (kept["rpId"], kept["isResidentCredential"]) == ("localhost", True)

    # The same device again, which says so itself.
    visitor.go("/settings/security/passkeys/add/")
    page.get_by_role("button", name="Add a passkey").click()
    page.get_by_text("This device holds a passkey of this account already.").wait_for()
    looked_at(visitor, "passkeys-again")
    assert visitor.small_targets() == []

    out(visitor)
    visitor.go("/login/?next=/rules/")
    looked_at(visitor, "login")
    page.get_by_role("button", name="Use a passkey").click()
    page.wait_for_url(f"{visitor.base}/rules/")
    assert factors_of(sam).passkeys[0].used

    visitor.go("/settings/security/")
    page.get_by_role("link", name="Change Phone").click()
    confirm_password(visitor)
    page.get_by_label("Name").wait_for()
    looked_at(visitor, "passkey")
    assert visitor.small_targets() == []
    page.get_by_label("Name").fill("Old phone")
    page.get_by_role("button", name="Rename").click()
    page.get_by_text("The passkey is called Old phone.").wait_for()
    page.get_by_role("link", name="Change Old phone").click()
    page.get_by_role("link", name="Remove…").click()
    looked_at(visitor, "passkey-remove")
    page.get_by_role("button", name="Remove the passkey").click()
    page.get_by_text("The passkey Old phone lets nobody in any more.").wait_for()

    out(visitor)
    page.get_by_role("button", name="Use a passkey").click()
    page.get_by_text("This passkey does not fit here").wait_for()
    looked_at(visitor, "login-refused")
    actions = AuditEvent.objects.filter(action__startswith="passkey").order_by("pk")
    assert list(actions.values_list("action", flat=True)) == [
        f"passkey_{what}" for what in ("added", "used", "renamed", "removed")
    ]
    assert AuditEvent.objects.filter(action=AuditAction.LOGIN_FAILED).count() == 1
    assert visitor.complaints == []


def test_a_key_that_lists_nothing_after_the_password(visitor: Visitor, device: CDPSession) -> None:
    """As the oldest security keys are: no PIN and no memory."""
    user("sam")
    key = plug_in(device, protocol="u2f", transport="usb", hasResidentKey=False, hasUserVerification=False)
    page = visitor.page
    visitor.log_in("sam", PASSWORD)
    visitor.go("/settings/security/")
    add(visitor, "Key")
    page.get_by_role("link", name="I have kept them").click()
    page.get_by_text("after the password only").wait_for()
    out(visitor)
    enter_password(visitor)
    looked_at(visitor, "code-or-passkey")
    assert visitor.small_targets() == []
    page.get_by_role("button", name="Use a passkey").click()
    page.wait_for_url(f"{visitor.base}/")
    out(visitor)

    device.send("WebAuthn.removeVirtualAuthenticator", {"authenticatorId": key})
    plug_in(device, transport="usb")
    enter_password(visitor)
    page.get_by_role("button", name="Use a passkey").click()
    page.get_by_text("Nothing was shown: it was cancelled, or took too long. Try again.").wait_for()
    expect(page.get_by_role("button", name="Use a passkey")).to_be_enabled()
    looked_at(visitor, "code-cancelled")
    assert visitor.complaints == []


def test_whoever_must_have_one_sets_up_a_passkey(visitor: Visitor, device: CDPSession) -> None:
    user("sam")
    plug_in(device)
    assert demand_factor(Demand.EVERYBODY, was=demand_now())
    visitor.go("/login/")
    visitor.page.get_by_label("Username").fill("sam")
    visitor.page.get_by_label("Password").fill(PASSWORD)
    visitor.page.get_by_role("button", name="Log in", exact=True).click()
    visitor.page.get_by_text("Set up a second factor to go on").wait_for()
    looked_at(visitor, "passkeys-demanded")
    add(visitor, "Phone")
    visitor.page.get_by_role("link", name="I have kept them").click()
    visitor.page.get_by_role("link", name="Change Phone").click()
    visitor.page.get_by_role("link", name="Remove…").click()
    visitor.page.get_by_text("You must have a second factor here.").wait_for()
    looked_at(visitor, "passkey-remove-demanded")
    visitor.go("/rules/")
    assert visitor.page.url == f"{visitor.base}/rules/"
    assert visitor.complaints == []


def test_by_a_number_the_page_says_why_there_is_none(visitor: Visitor) -> None:
    protect(user("sam"))
    visitor.base = visitor.base.replace("localhost", "127.0.0.1")
    visitor.go("/login/")
    visitor.page.get_by_text("Passkeys are not offered here").wait_for()
    assert not visitor.page.get_by_role("button", name="Use a passkey").count()
    looked_at(visitor, "login-number")
    assert visitor.complaints == []


def test_at_another_address_than_the_operators_the_page_says_which(visitor: Visitor, settings: Any) -> None:
    settings.PUBLIC_URL = "https://plimsoll.example"
    visitor.go("/login/")
    visitor.page.get_by_text("and this site at https://plimsoll.example").wait_for()
    assert not visitor.page.get_by_role("button", name="Use a passkey").count()
    looked_at(visitor, "login-elsewhere")
    assert visitor.complaints == []


def test_without_javascript_the_page_says_why_there_is_none(visitor: Visitor, browser: Browser) -> None:
    user("sam")
    window = browser.new_context(java_script_enabled=False)
    page = window.new_page()
    page.goto(f"{visitor.base}/login/")
    expect(page.get_by_text("Passkeys need JavaScript")).to_be_visible()
    expect(page.get_by_role("button", name="Use a passkey")).to_be_hidden()
    page.get_by_label("Username").fill("sam")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()
    page.goto(f"{visitor.base}/settings/security/")
    page.get_by_role("link", name="Add a passkey").click()
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Go on").click()
    expect(page.get_by_text("Passkeys need JavaScript")).to_be_visible()
    expect(page.get_by_role("button", name="Add a passkey")).to_be_hidden()
    window.close()
