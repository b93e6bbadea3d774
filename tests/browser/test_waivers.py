"""Waivers in a browser: from a finding to a waiver that counts, with the keyboard alone, in every shape."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from compliance.models import Finding, Image, Waiver
from tests.browser.conftest import Visitor
from tests.support.remediation import finding
from tests.support.rows import PASSWORD, Fleet, fleet, user

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def made() -> Fleet:
    """Three findings that could be waived."""
    found = fleet(3)
    Image.objects.filter(pk=found.failing.pk).update(run_key="as-root")
    for tag in found.tags:
        if tag.name == "latest":
            finding(tag.repository, "NR103", tags=[tag], protected=True)
    user("sam", time_zone="Europe/Madrid")
    return found


def test_a_finding_is_waived_without_a_mouse(visitor: Visitor, made: Fleet) -> None:
    visitor.log_in("sam", PASSWORD)
    page = visitor.page
    visitor.go(f"/waivers/-/new/?finding={Finding.objects.order_by('pk')[0].pk}")
    preview = page.locator("#waiver-preview")
    expect(preview).to_contain_text("It covers 1 finding in 1 repository")
    page.get_by_label("Repositories").fill("team/*")
    expect(preview).to_contain_text("It covers 3 findings in 3 repositories, 3 on protected tags")
    page.get_by_label("Reason").select_option("vendor")
    page.get_by_label("Explanation").fill("Theirs is promised for May.")
    page.get_by_role("button", name="90 days").focus()
    page.keyboard.press("Enter")
    day = (timezone.now() + timedelta(days=90)).strftime("%Y-%m")
    expect(page.get_by_label("Until the end of")).to_have_value(
        page.get_by_role("button", name="90 days").get_attribute("value") or ""
    )
    assert page.get_by_label("Until the end of").input_value().startswith(day)
    assert page.get_by_label("Explanation").input_value() == "Theirs is promised for May."
    page.get_by_role("button", name="Write the waiver").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_contain_text("NR103")
    page.get_by_role("link", name="3 findings").click()
    expect(page).to_have_url(f"{visitor.base}/findings/?waiver={Waiver.objects.get().pk}&status=waived")
    assert visitor.complaints == []
