"""Teams, people and who owns what, done without a mouse."""

from __future__ import annotations

import pytest

from compliance.models import Repository, User
from compliance.services.ownership_rules import add_rule
from tests.browser.conftest import Visitor
from tests.support.remediation import finding, join, team
from tests.support.rows import NOW, PASSWORD, fleet, never_scanned, registry, user

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

LABELS = {
    "org.opencontainers.image.source": "https://git.example/payments/checkout-service-with-a-long-name",
    "org.opencontainers.image.vendor": "Example Corporation",
    "maintainer": "payments@example.org",
    "com.example.tier": "one",
}


def furnish() -> None:
    """Teams, members, rules, repositories that nobody owns."""
    made = fleet(6)
    other = registry("Second registry")
    for at in range(3):
        never_scanned(other, f"a-group/with-a-rather-long-path/and-a-name-{at}")
    payments, platform = team("Payments"), team("Platform engineering")
    payments.description = "Checkout, invoices, refunds."
    payments.save()
    lea = user("lea", role="member")
    User.objects.filter(pk=lea.pk).update(first_name="Lea", last_name="Lindström", email="lea@example.org")
    for somebody, role in (
        (lea, "lead"),
        (user("tim", role="member"), "triager"),
        (user("vic", role="auditor"), "viewer"),
    ):
        join(payments, somebody, role)
    gone = user("gone", role="member")
    join(payments, gone, "viewer")
    User.objects.filter(pk=gone.pk).update(is_active=False)
    add_rule(platform, "team/app-000?", now=NOW)
    add_rule(payments, "https://git.example/payments/*", label="org.opencontainers.image.source", now=NOW)
    add_rule(payments, "team/app-0001", registry=made.registry, now=NOW)
    Repository.objects.filter(name__in=["team/app-0004", "team/app-0005"]).update(
        team=None, team_rule=None, team_pinned=True, labels=LABELS
    )
    finding(made.repositories[1])
    finding(made.repositories[4])


def test_a_lead_takes_somebody_in_and_claims_by_keyboard(visitor: Visitor) -> None:
    furnish()
    user("una.newcomer", role="member")
    visitor.log_in("lea", PASSWORD)
    visitor.go("/teams/payments/members/")
    page = visitor.page
    page.get_by_label("Person").focus()
    page.keyboard.type("newco")
    page.locator("#people-found option").first.wait_for(state="attached")
    assert page.locator("#people-found option").get_attribute("value") == "una.newcomer"
    page.get_by_label("Person").fill("una.newcomer")
    page.keyboard.press("Enter")
    page.get_by_text("una.newcomer is in Payments now.").wait_for()
    visitor.go("/unowned/")
    page.get_by_role("searchbox", name="Name or label").fill("git.example")
    page.wait_for_url("**/unowned/?*q=git.example*")
    page.get_by_role("button", name="Claim all 2 that match").focus()
    page.keyboard.press("Enter")
    page.get_by_text("2 repositories belong to Payments now.").wait_for()
    assert Repository.objects.filter(team__slug="payments", team_pinned=True).count() == 2
    assert not visitor.complaints


def test_a_rule_shows_what_it_takes_before_it_is_saved(visitor: Visitor) -> None:
    furnish()
    user("boss", staff=True)
    visitor.log_in("boss", PASSWORD)
    visitor.go("/settings/ownership/")
    page = visitor.page
    page.get_by_label("Belong to the team").fill("payments")
    page.get_by_label("Repositories that fit").fill("team/*")
    page.keyboard.press("Tab")
    page.get_by_text("It fits 6 repositories").wait_for()
    assert "from Platform engineering to Payments" in page.locator("#rule-preview").inner_text()
    page.get_by_label("Repository", exact=True).fill("team/app-0001")
    page.locator("#answers").get_by_text("rule 3: team/app-0001").wait_for()
    page.get_by_role("button", name="Add", exact=True).click()
    page.get_by_text("Repositories that fit team/* belong to Payments now.").wait_for()
    assert Repository.objects.filter(team__slug="payments").count() == 4
    assert not visitor.complaints
