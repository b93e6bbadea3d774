"""A second factor in a browser: turned on by the picture, asked for at the next login, and done without by a recovery
code."""

from __future__ import annotations

from datetime import datetime

import pytest
from django.utils import timezone

from tests.browser.conftest import Visitor
from tests.browser.test_accounts import looked_at
from tests.support.factors import shown
from tests.support.rows import PASSWORD, user

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def typed(visitor: Visitor, code: str) -> None:
    """Enter the password, and then a code."""
    visitor.go("/login/")
    visitor.page.get_by_label("Username").fill("sam")
    visitor.page.get_by_label("Password").fill(PASSWORD)
    visitor.page.get_by_role("button", name="Log in").click()
    visitor.page.wait_for_url(f"{visitor.base}/login/code/")
    visitor.page.get_by_label("Code").fill(code)
    visitor.page.get_by_role("button", name="Log in", exact=True).click()


def out(visitor: Visitor) -> None:
    """Log out."""
    visitor.page.get_by_role("button", name="Log out").click()
    visitor.page.wait_for_url(f"{visitor.base}/login/")


def test_a_phone_and_losing_it(visitor: Visitor) -> None:
    user("sam")
    page = visitor.page
    visitor.log_in("sam", PASSWORD)
    visitor.go("/settings/")
    page.get_by_role("link", name="Security").click()
    page.get_by_role("link", name="Turn on").click()
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Go on").click()
    page.wait_for_url(f"{visitor.base}/settings/security/app/")
    secret = page.locator("#secret").inner_text()
    page.get_by_label("Code of the app").fill("000000")
    page.get_by_role("button", name="Turn on").click()
    page.get_by_text("This is not what the app should show now.").wait_for()
    looked_at(visitor, "app")
    assert visitor.small_targets() == []
    began: datetime = timezone.now()
    page.get_by_label("Code of the app").fill(shown(began, secret))
    page.get_by_role("button", name="Turn on").click()
    page.get_by_text("The second factor is on.").wait_for()
    looked_at(visitor, "codes")
    codes = page.locator("#codes").inner_text().split()
    with page.expect_download() as loading:
        page.get_by_role("link", name="Download").click()
    assert loading.value.path().read_text().split() == codes
    page.get_by_role("link", name="I have kept them").click()
    page.get_by_text("10 of 10 are left.").wait_for()
    looked_at(visitor, "security-on")
    assert visitor.small_targets() == []
    visitor.go("/settings/security/off/")
    looked_at(visitor, "off")
    visitor.go("/settings/security/codes/")
    looked_at(visitor, "new-codes")

    out(visitor)
    typed(visitor, "000000")
    page.get_by_text("This code does not fit, or was used already.").wait_for()
    looked_at(visitor, "code")
    assert visitor.small_targets() == []
    # The half minute after the one whose code turned it on: a phone may be ahead.
    page.get_by_label("Code").fill(shown(began.fromtimestamp(began.timestamp() + 30, began.tzinfo), secret))
    page.get_by_role("button", name="Log in", exact=True).click()
    page.wait_for_url(f"{visitor.base}/")

    out(visitor)
    typed(visitor, codes[0])
    page.wait_for_url(f"{visitor.base}/")
    visitor.go("/settings/security/")
    page.get_by_text("9 of 10 are left.").wait_for()
    assert [said for said in visitor.complaints if "status of 422" not in said] == []


def test_an_administrator_demands_one_and_is_led_to_set_up_their_own(visitor: Visitor) -> None:
    user("boss", staff=True)
    user("sam")
    page = visitor.page
    visitor.log_in("boss", PASSWORD)
    visitor.go("/settings/")
    page.get_by_role("link", name="Second factors").click()
    page.get_by_label("Administrators and security").check()
    looked_at(visitor, "factors")
    page.get_by_role("button", name="Show what that does").click()
    page.get_by_text("You are one of them.").wait_for()
    looked_at(visitor, "factors-asked")
    assert visitor.small_targets() == []
    page.locator("#t-asked ~ ul a").first.click()
    page.wait_for_url("**/settings/people/?role=**&factor=none")
    looked_at(visitor, "people-without")
    visitor.go("/settings/second-factors/")
    page.get_by_label("Administrators and security").check()
    page.get_by_role("button", name="Show what that does").click()
    page.get_by_role("button", name="Save it").click()
    page.wait_for_url(f"{visitor.base}/settings/security/")
    page.get_by_text("Set up a second factor to go on").wait_for()
    looked_at(visitor, "factor-demanded")
    visitor.go("/findings/")
    assert page.url == f"{visitor.base}/settings/security/"
    visitor.go("/settings/profile/")
    looked_at(visitor, "profile-held")
    visitor.go("/settings/security/")
    page.get_by_role("link", name="Turn on").click()
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Go on").click()
    page.wait_for_url(f"{visitor.base}/settings/security/app/")
    page.get_by_label("Code of the app").fill(shown(timezone.now(), page.locator("#secret").inner_text()))
    page.get_by_role("button", name="Turn on").click()
    page.get_by_role("link", name="I have kept them").click()
    page.get_by_text("You must have one here").wait_for()
    visitor.go("/settings/second-factors/")
    page.get_by_text("by boss").wait_for()
    looked_at(visitor, "factors-demanded")
    assert visitor.complaints == []
