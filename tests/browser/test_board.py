"""The board in a browser, by dragging and by its menus; what got worse since somebody was here before."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect

from compliance.models import Finding, TagChange, User
from tests.browser.conftest import Visitor
from tests.support.remediation import finding, own, team
from tests.support.rows import PASSWORD, Fleet, fleet, user

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def made() -> Fleet:
    """Two findings to do, of sam's team."""
    found = fleet(2)
    own(team("Payments", lead=user("sam")), found.repositories)
    for repository in found.repositories:
        finding(repository)
    return found


def cards(page: Page, column: str) -> int:
    """How many a column shows."""
    return page.locator(f"[data-column={column}] .board-card").count()


def test_a_card_is_dragged_to_another_column(visitor: Visitor, made: Fleet) -> None:
    visitor.log_in("sam", PASSWORD)
    visitor.go("/remediation/?view=board&team=payments")
    page = visitor.page
    card = page.locator("[data-column=open] .board-card").first
    card.drag_to(page.locator("[data-column=in_progress]"), source_position={"x": 40, "y": 60})
    expect(page.locator("[data-column=in_progress] .board-card")).to_have_count(1)
    assert page.url.endswith("view=board&team=payments")
    assert Finding.objects.filter(status="in_progress").count() == 1
    card.drag_to(page.locator("[data-column=verified]"), source_position={"x": 40, "y": 60})
    assert (cards(page, "open"), cards(page, "verified")) == (1, 0)
    assert visitor.complaints == []


def test_a_card_is_dragged_along_its_lane(visitor: Visitor, made: Fleet) -> None:
    visitor.log_in("sam", PASSWORD)
    visitor.go("/remediation/?view=board&team=payments&lanes=repository")
    page = visitor.page
    lane = page.locator(".lane", has_text="team/app-0001")
    lane.locator(".board-card").drag_to(lane.locator("[data-column=fix_claimed]"), source_position={"x": 40, "y": 60})
    expect(lane.locator("[data-column=fix_claimed] .board-card")).to_have_count(1)
    assert page.url.endswith("view=board&team=payments&lanes=repository")
    assert Finding.objects.filter(status="fix_claimed").count() == 1
    page.set_viewport_size({"width": 390, "height": 800})
    expect(lane.get_by_role("heading", name="Fix claimed")).to_be_visible()
    expect(lane.locator("[data-column=open]")).to_be_hidden()
    assert visitor.complaints == []


def test_a_card_is_moved_by_its_menu_without_script(visitor: Visitor, made: Fleet) -> None:
    browser = visitor.page.context.browser
    assert browser is not None
    plain = browser.new_context(java_script_enabled=False)
    person = Visitor(plain.new_page(), visitor.base)
    person.log_in("sam", PASSWORD)
    person.go("/remediation/?view=board")
    card = person.page.locator("[data-column=open] .board-card").first
    card.get_by_role("combobox").select_option("fix_claimed")
    card.get_by_role("button", name="Move").click()
    expect(person.page.locator("[data-column=fix_claimed] .board-card")).to_have_count(1)
    assert cards(person.page, "open") == 1
    plain.close()


def test_what_got_worse_is_counted_from_the_login_before(visitor: Visitor, made: Fleet) -> None:
    now = timezone.now()
    old, new = TagChange.objects.order_by("pk")[:2]
    TagChange.objects.filter(pk=old.pk).update(at=now - timedelta(days=3))
    TagChange.objects.filter(pk=new.pk).update(at=now - timedelta(hours=3))
    visitor.log_in("sam", PASSWORD)
    page = visitor.page
    section = page.get_by_role("region", name="Got worse")
    expect(page.get_by_role("heading", name="Got worse lately")).to_be_visible()
    expect(section.locator("li")).to_have_count(2)
    page.get_by_role("button", name="Log out").click()
    User.objects.update(last_login=now - timedelta(days=1))
    visitor.log_in("sam", PASSWORD)
    expect(page.get_by_role("heading", name="Got worse since your last visit")).to_be_visible()
    expect(section.locator("li")).to_have_count(1)
    section.get_by_role("link").first.click()
    page.wait_for_url("**/t/latest/")
    visitor.go("/")
    expect(section.locator("li")).to_have_count(1)
    assert visitor.complaints == []
