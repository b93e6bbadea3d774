"""API tokens in a browser: made, copied, shown once, revoked; readable and no wider than the window, in both themes."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from compliance.models import ApiToken
from compliance.services.api_tokens import revoke_tokens
from tests.browser.conftest import Visitor
from tests.browser.test_accounts import looked_at
from tests.support.api_tokens import token
from tests.support.rows import HOSTILE, PASSWORD, user

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def test_a_token_is_made_shown_once_and_revoked(visitor: Visitor) -> None:
    boss = user("boss", staff=True)
    page = visitor.page
    visitor.log_in("boss", PASSWORD)
    visitor.go("/settings/tokens/")
    page.get_by_text("No token yet").wait_for()
    looked_at(visitor, "tokens-none")
    page.get_by_label("Name").fill("Weekly report")
    page.get_by_label("Expires after days").fill("7")
    page.get_by_label("Findings: the export of the inbox").check()
    page.get_by_role("button", name="Make the token").click()
    page.get_by_text("You are about to make an API token").wait_for()
    looked_at(visitor, "tokens-password")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Go on").click()
    page.get_by_text("Nothing was made yet").wait_for()
    page.get_by_role("button", name="Make the token").click()
    secret = page.locator("#secret").inner_text()
    assert secret.startswith("plim_")
    page.get_by_role("button", name="Copy the secret").click()
    page.locator(".copy.done").wait_for()
    looked_at(visitor, "tokens-made")
    old = token(boss, name=HOSTILE, days=1, now=timezone.now() - timedelta(days=3)).token
    gone = token(boss, name="x" * 100, now=timezone.now()).token
    revoke_tokens(boss, now=timezone.now(), only=gone.pk)
    ApiToken.objects.exclude(pk=old.pk).update(last_used_at=timezone.now(), last_used_ip="2001:db8:0:1:2:3:4:5")
    token(boss, name="Dashboard", days=90, now=timezone.now())
    visitor.go("/settings/tokens/")
    assert secret not in page.content()
    looked_at(visitor, "tokens-some")
    visitor.go(f"/settings/people/{boss.pk}/")
    page.get_by_text("Revoke all of them").click()
    looked_at(visitor, "person-tokens")
    visitor.go("/settings/tokens/")
    page.get_by_text("Revoke… Weekly report").click()
    looked_at(visitor, "tokens-confirm")
    page.get_by_role("button", name="Revoke it").press("Enter")
    page.get_by_text("The token is revoked").wait_for()
    assert visitor.small_targets() == []
    assert visitor.complaints == []
