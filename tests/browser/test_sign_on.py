"""Single sign-on in a browser, with a real provider: from the button to the overview, by the provider's own form."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from allauth.socialaccount.models import SocialAccount

from compliance.models import GroupGrant, User
from tests.browser.conftest import Visitor
from tests.browser.test_accounts import looked_at
from tests.support.real_provider import real_provider, tell
from tests.support.remediation import team
from tests.support.rows import PASSWORD, user

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

BUTTON = "Log in with single sign-on"


@pytest.fixture
def issuer() -> Iterator[str]:
    """A provider that knows Ann."""
    with real_provider() as address:
        tell(address, "ann", preferred_username="ann", email="ann@example.org", groups=["/staff"])
        yield address


def allow(visitor: Visitor, issuer: str) -> None:
    """Be Ann at the provider."""
    visitor.page.wait_for_url(f"{issuer}/**")
    visitor.page.get_by_placeholder("sub").fill("ann")
    visitor.complaints.clear()  # of the provider's page, which asks for things of other hosts
    visitor.page.get_by_role("button", name="Authorize").click()


def test_from_the_button_to_the_overview(visitor: Visitor, issuer: str) -> None:
    page = visitor.page
    visitor.go("/login/?next=/rules/")
    looked_at(visitor, "login-single-sign-on")
    assert visitor.small_targets() == []
    page.get_by_role("button", name=BUTTON).click()
    allow(visitor, issuer)
    page.get_by_role("heading", name="Your groups are not known here").wait_for()
    looked_at(visitor, "not-known")
    assert not User.objects.exists()

    GroupGrant.objects.create(group="/staff", team=team(), role="lead")
    page.get_by_role("link", name="Back to the login").click()
    visitor.go("/login/?next=/rules/")
    page.get_by_role("button", name=BUTTON).click()
    allow(visitor, issuer)
    page.wait_for_url(f"{visitor.base}/rules/")
    page.get_by_role("link", name="Overview", exact=True).click()
    page.wait_for_url(f"{visitor.base}/")
    visitor.go("/settings/security/")
    page.get_by_text("You have no password here").wait_for()
    looked_at(visitor, "security-single-sign-on")
    page.get_by_role("link", name="Turn on").click()
    page.get_by_role("button", name="Confirm by single sign-on").wait_for()
    looked_at(visitor, "confirm-single-sign-on")
    assert [text for text in visitor.complaints if "403" not in text] == []


def test_connecting_an_account(visitor: Visitor, issuer: str) -> None:
    person = user("sam", staff=True)
    page = visitor.page
    visitor.go("/login/")
    page.get_by_label("Username").fill("sam")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Log in", exact=True).click()
    page.wait_for_url(f"{visitor.base}/")
    visitor.go("/settings/security/")
    page.get_by_role("button", name="Connect").click()
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Go on").click()
    page.get_by_role("button", name="Connect").click()
    allow(visitor, issuer)
    page.get_by_text("Single sign-on is connected").wait_for()
    looked_at(visitor, "connected")
    assert SocialAccount.objects.get().user_id == person.pk

    visitor.go("/settings/single-sign-on/")
    page.get_by_label("Group", exact=True).fill("/staff")
    page.get_by_label("Gives").select_option("security")
    page.get_by_role("button", name="Whom does it reach?").click()
    page.get_by_role("link", name="1 person").wait_for()
    looked_at(visitor, "group-map-preview")
    page.get_by_role("button", name="Add", exact=True).click()
    page.get_by_text("What /staff gives is saved.").wait_for()
    looked_at(visitor, "group-map")
    assert visitor.small_targets() == []
