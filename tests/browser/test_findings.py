"""The inbox in Chromium: choosing rows by mouse and by keyboard, what is done to them, and that nothing is lost."""

from __future__ import annotations

from datetime import timedelta

import pytest
from playwright.sync_api import expect

from compliance.models import Finding
from tests.browser.conftest import Visitor
from tests.support.remediation import finding_row, findings, own, team
from tests.support.rows import NOW, PASSWORD, fleet, user

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def inbox(visitor: Visitor) -> Visitor:
    """Sixty findings, and somebody who may work on all of them, at the list."""
    made = fleet(3)
    own(team("Payments", lead=user("sam")), made.repositories)
    shapes: list[dict[str, object]] = [
        {}, {"regression": True}, {"protected": True, "rank": 1}, {"due_at": NOW - timedelta(days=2), "rank": 2},
        {"status": "waived"}, {"status": "fixed", "closed_at": NOW}, {"rank": 3, "platform": ""},
    ]  # fmt: skip
    findings(
        finding_row(repository, "NR103", subject=f"user-{at:02d}", **shapes[at % len(shapes)])
        for at in range(30)
        for repository in made.repositories
    )
    visitor.log_in("sam", PASSWORD)
    visitor.go("/findings/")
    visitor.complaints.clear()  # of the page that is behind the login
    return visitor


def chosen(visitor: Visitor) -> int:
    return visitor.page.locator("#bulk input[name=id]:checked").count()


def test_a_range_all_of_a_page_and_all_that_match(inbox: Visitor) -> None:
    page = inbox.page
    boxes = page.locator("#bulk input[name=id]")
    assert page.locator("#apply").is_hidden()
    boxes.nth(2).check()
    boxes.nth(6).click(modifiers=["Shift"])
    assert chosen(inbox) == 5
    assert page.locator("#chosen").inner_text() == "5 chosen"
    assert page.evaluate("document.getElementById('all').indeterminate")
    assert page.locator("#scope").is_hidden()
    page.locator("#all").check()
    assert chosen(inbox) == 50
    page.get_by_label("All 66 that match").check()
    assert page.locator("#chosen").inner_text() == "66 chosen"
    page.select_option("#action", "assign")
    page.locator("#assignee").fill("me")
    page.locator("#apply").click()
    page.get_by_text("66 findings assigned.").first.wait_for()
    assert Finding.objects.filter(assignee__username="sam").count() == 66
    assert chosen(inbox) == 50
    assert inbox.page.url.endswith("/findings/?") or inbox.page.url.endswith("/findings/")
    page.locator("#toasts").get_by_role("button", name="Undo").click()
    page.get_by_text("Undone:").wait_for()
    assert not Finding.objects.filter(assignee__isnull=False).exists()
    assert not inbox.complaints


def test_what_to_do_stays_in_sight_while_rows_are_chosen(inbox: Visitor) -> None:
    page = inbox.page
    last = page.locator("#bulk input[name=id]").last
    last.scroll_into_view_if_needed()
    expect(page.locator("#chosen")).not_to_be_in_viewport()
    last.check()
    expect(page.locator("#apply")).to_be_in_viewport()


@pytest.mark.parametrize("width", [1280, 390])
def test_a_refusal_is_in_sight_and_the_list_stays_where_it_was(inbox: Visitor, width: int) -> None:
    page = inbox.page
    page.set_viewport_size({"width": width, "height": 700})
    page.locator("#bulk input[name=id]").nth(20).check()
    page.select_option("#action", "assign")
    page.locator("#assignee").fill("nobody of that name")
    was = page.evaluate("scrollY")
    page.locator("#apply").focus()
    page.keyboard.press("Enter")
    refusal = page.get_by_role("alert").get_by_text("There is nobody of that name. Nothing was changed.")
    expect(refusal).to_be_in_viewport()
    assert page.evaluate("scrollY") == was > 700
    page.locator("#assignee").fill("me")
    page.locator("#apply").focus()
    page.keyboard.press("Enter")
    page.get_by_text("1 finding assigned.").first.wait_for()
    expect(page.locator("#bulk input[name=id]").nth(20)).to_be_in_viewport()


def test_a_number_that_changed_is_asked_about(inbox: Visitor) -> None:
    page = inbox.page
    page.locator("#all").check()
    page.locator("#scope").check()
    Finding.objects.filter(pk__in=Finding.objects.to_do().values("pk")[:6]).delete()
    page.locator("#apply").click()
    page.get_by_text("You saw 66; there are 60 now.").wait_for()
    page.get_by_role("button", name="Go on with 60").click()
    page.get_by_text("Nothing had to be changed.", exact=True).wait_for()
    # The browser notes every answer that is no success; this one was asked for.
    assert all("409" in line for line in inbox.complaints)


def test_everything_by_keyboard(inbox: Visitor) -> None:
    page = inbox.page
    keys = page.keyboard
    keys.press("j")
    first = page.evaluate("document.activeElement.id")
    keys.press("x")
    keys.press("j")
    keys.press("j")
    keys.press("Shift+X")
    assert chosen(inbox) == 3
    keys.press("k")
    keys.press("e")
    assert page.evaluate("document.activeElement.id") == "to-status"
    page.select_option("#to-status", "in_progress")
    page.locator("#apply").focus()
    keys.press("Enter")
    page.get_by_text("3 findings given the status.").first.wait_for()
    assert Finding.objects.filter(status="in_progress").count() == 3
    assert chosen(inbox) == 3
    keys.press("u")
    page.get_by_text("Undone:").wait_for()
    assert not Finding.objects.filter(status="in_progress").exists()
    keys.press("a")
    assert page.evaluate("document.activeElement.id") == "assignee"
    keys.type("xjk?")
    assert page.locator("#assignee").input_value() == "xjk?"
    page.evaluate("document.activeElement.blur()")
    keys.press("Shift+?")
    page.get_by_role("heading", name="Keys").wait_for()
    keys.press("j")
    keys.press("Escape")
    assert page.locator("#help").is_hidden()
    assert first.startswith("f-")
    keys.press("g")
    keys.press("r")
    page.wait_for_url("**/repos/")
    assert not inbox.complaints


def test_focus_and_address_stay_while_one_searches(inbox: Visitor) -> None:
    page = inbox.page
    page.evaluate("window.untouched = true")
    page.get_by_role("searchbox", name="Repository, rule or filters").press_sequentially("severity:high")
    page.wait_for_url("**/findings/?severity=high")
    assert page.evaluate("document.activeElement.id") == "q"
    expect(page.locator("tr[data-row]")).to_have_count(12)
    assert page.locator("#status").inner_text() == "12 findings, page 1 of 1"
    assert page.evaluate("window.untouched")
    page.go_back()
    expect(page.locator("tr[data-row]")).to_have_count(50)
    assert page.locator("header.top").count() == 1
    assert not inbox.complaints


def test_beside_the_list_where_there_is_room(inbox: Visitor) -> None:
    page = inbox.page
    link = page.locator("a.open").nth(1)
    number = link.get_attribute("data-preview")
    link.click()
    page.locator("#preview > *").first.wait_for()
    assert page.url.endswith(f"?f={number}")
    page.reload()
    page.locator("#preview > *").first.wait_for()
    page.set_viewport_size({"width": 390, "height": 800})
    page.locator("a.open").nth(1).click()
    page.wait_for_url(f"**/findings/{number}/")
    assert not inbox.complaints


def test_without_script(inbox: Visitor) -> None:
    browser = inbox.page.context.browser
    assert browser is not None
    plain = browser.new_context(java_script_enabled=False)
    page = plain.new_page()
    Visitor(page, inbox.base).log_in("sam", PASSWORD)
    page.goto(f"{inbox.base}/findings/?severity=high")
    for at in range(2):
        page.locator("#bulk input[name=id]").nth(at).check()
    page.select_option("#action", "comment")
    page.locator("#text").fill("By hand.")
    page.get_by_role("button", name="Apply").last.click()
    assert page.get_by_text("2 findings commented.").is_visible()
    assert Finding.objects.filter(events__text="By hand.").count() == 2
    page.get_by_role("link", name="Overdue").click()
    page.get_by_text("Save this view").click()
    page.get_by_placeholder("Name", exact=True).fill("Late")
    page.get_by_role("button", name="Save", exact=True).click()
    assert page.get_by_role("link", name="Late", exact=True).get_attribute("aria-current") == "true"
    plain.close()
