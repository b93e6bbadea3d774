"""Teams, people and who owns what: every page whole in each look, and done without a mouse."""

from __future__ import annotations

import pytest

from compliance.models import Repository, User
from compliance.services.ownership_rules import add_rule
from tests.browser.conftest import Visitor
from tests.browser.test_pages import LOOKS
from tests.support.remediation import finding, join, team
from tests.support.rows import NOW, PASSWORD, fleet, never_scanned, registry, user

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

LABELS = {
    "org.opencontainers.image.source": "https://git.example/payments/checkout-service-with-a-long-name",
    "org.opencontainers.image.vendor": "Example Corporation",
    "maintainer": "payments@example.org",
    "com.example.tier": "one",
}


def furnish() -> list[str]:
    """Teams, members, rules, repositories that nobody owns; return the pages that show them."""
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
    return [
        "/teams/", "/teams/?q=nothing", "/teams/payments/", "/teams/payments/members/", "/teams/-/new/",
        "/teams/payments/edit/", "/teams/payments/delete/", "/settings/", "/settings/people/",
        "/settings/people/-/new/", f"/settings/people/{lea.pk}/", f"/settings/people/{gone.pk}/",
        "/settings/ownership/",
        "/settings/ownership/?name=team/app-0001", "/unowned/", "/unowned/?q=nothing",
        "/r/harbor/team/app-0004/-/owner/", "/r/harbor/team/app-0004/-/", "/r/harbor/team/app-0001/-/",
    ]  # fmt: skip


@pytest.mark.parametrize(("theme", "width"), LOOKS)
def test_every_page_is_whole(visitor: Visitor, theme: str, width: int) -> None:
    paths = furnish()
    user("boss", staff=True)
    visitor.page.set_viewport_size({"width": width, "height": 800})
    visitor.log_in("boss", PASSWORD)
    visitor.page.get_by_role("button", name=f"{theme.capitalize()} theme").click()
    wrong: dict[str, list[str]] = {}
    for path in paths:
        visitor.go(path)
        found = [*visitor.barriers(), *visitor.small_targets(), *visitor.complaints]
        found += [f"{visitor.overflow()} px too wide"] if visitor.overflow() > 0 else []
        wrong |= {path: found} if found else {}
        visitor.complaints.clear()
    assert not wrong


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
