"""The whole round without a mouse: keys only, a ring around what has the focus, and the focus never lost."""

from __future__ import annotations

import pytest
from playwright.sync_api import Locator, Page, expect

from compliance.models import Finding, Subscription
from tests.browser.conftest import Visitor, settled
from tests.support.channels import channel
from tests.support.remediation import finding, own, team
from tests.support.rows import PASSWORD, fleet, user

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

RING = """() => {
    const at = document.activeElement, style = getComputedStyle(at), box = at.getBoundingClientRect();
    if (at === document.body) return "the focus is lost";
    const ring = style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2;
    const seen = box.bottom > 0 && box.top < innerHeight && box.right > 0 && box.left < innerWidth;
    return (ring ? "" : "no ring around ") + (seen ? "" : "cannot be seen: ") + (ring && seen ? "" : at.outerHTML);
}"""


class Keys:
    """Somebody who has a keyboard only."""

    def __init__(self, page: Page) -> None:
        self.page = page

    def press(self, *keys: str) -> None:
        """One after the other."""
        for key in keys:
            self.page.keyboard.press(key)

    def tab_to(self, target: Locator, *, back: bool = False) -> None:
        """Go there by Tab; on the way everything that has the focus shows it."""
        for _ in range(120):
            if target.evaluate("element => element === document.activeElement"):
                return
            self.press("Shift+Tab" if back else "Tab")
            if not self.page.evaluate("document.activeElement === document.body"):  # between the last and the first
                assert self.page.evaluate(RING) == ""
        raise AssertionError(f"Tab does not lead to {target}")

    def write(self, target: Locator, text: str) -> None:
        """Go to a field and type."""
        self.tab_to(target)
        self.page.keyboard.type(text)

    def has_focus(self, selector: str) -> None:
        """The focus is on it."""
        expect(self.page.locator(selector)).to_be_focused()


@pytest.fixture
def keys(visitor: Visitor) -> Keys:
    """At the door: sam, three findings of a team, a channel."""
    made = fleet(3)
    sam = user("sam")
    own(team("Payments", lead=sam), made.repositories)
    for repository in made.repositories:
        latest = [tag for tag in made.tags if tag.repository == repository and tag.name == "latest"]
        finding(repository, "NR103", tags=latest, subject="app")
    channel(sam, name="Chat")
    visitor.go("/login/")
    return Keys(visitor.page)


def log_in(keys: Keys) -> None:
    """Name, password, Enter; the skip link is the first stop of every page."""
    page = keys.page
    keys.write(page.get_by_label("Username"), "sam")
    keys.write(page.get_by_label("Password"), PASSWORD)
    keys.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    keys.tab_to(page.get_by_role("link", name="Skip to the content"))
    keys.press("Enter", "Tab")
    assert page.evaluate("document.querySelector('#main').contains(document.activeElement)")


def test_inbox(keys: Keys, visitor: Visitor) -> None:
    log_in(keys)
    page = keys.page
    keys.press("g", "f")
    page.wait_for_url("**/findings/")
    keys.press("j", "j", "k")
    first = page.evaluate("document.activeElement.id")
    assert page.evaluate(RING) == ""
    keys.press("Enter")
    expect(page.locator("#preview h2").first).to_be_visible()
    expect(page.locator("#status")).to_contain_text("beside the list")
    keys.has_focus(f"#{first}")
    keys.press("Shift+?")
    expect(page.get_by_role("heading", name="Keys")).to_be_visible()
    keys.press("Escape")
    expect(page.locator("#help")).to_be_hidden()
    keys.has_focus(f"#{first}")
    keys.press("x", "j", "x")
    expect(page.locator("#chosen")).to_have_text("2 chosen")
    keys.press("e")
    keys.has_focus("#to-status")
    keys.press("ArrowDown", "ArrowUp")
    page.keyboard.type("In pro")
    keys.tab_to(page.locator("#apply"))
    keys.press("Enter")
    expect(page.locator("#status")).to_contain_text("2 findings given the status.")
    keys.has_focus("#apply")
    assert Finding.objects.filter(status="in_progress").count() == 2
    undo = page.locator("#toasts").get_by_role("button", name="Undo")
    keys.tab_to(undo)
    keys.press("Enter")
    expect(page.locator("#status")).to_contain_text("Undone.")
    keys.has_focus("#said")
    assert not Finding.objects.filter(status="in_progress").exists()
    assert not visitor.complaints


def test_finding_waiver_and_board(keys: Keys, visitor: Visitor) -> None:
    log_in(keys)
    page = keys.page
    page.set_viewport_size({"width": 1100, "height": 900})
    keys.press("g", "f")
    page.wait_for_url("**/findings/")
    keys.press("j", "Enter")
    page.wait_for_url("**/findings/*/")
    here = page.url
    keys.press("e")
    keys.has_focus("#claim")
    assert page.evaluate(RING) == ""
    keys.press("Enter")
    expect(page.locator("#status")).to_contain_text("Saved.")
    keys.has_focus("#undo")
    settled(page)
    keys.press("a")
    keys.has_focus("#fd-who")
    keys.tab_to(page.locator("#fd-me"))
    keys.press("Enter")
    expect(page.locator("#finding dl").first).to_contain_text("sam")
    settled(page)
    assert page.evaluate(RING) == ""
    keys.tab_to(page.locator("#fd-status"), back=True)
    page.keyboard.type("In pro")
    keys.tab_to(page.locator("#fd-set"))
    keys.press("Enter")
    expect(page.locator("#finding .chip").first).to_have_text("In progress")
    settled(page)
    keys.press("]")
    page.wait_for_url(lambda url: url != here)
    keys.press("w")
    page.wait_for_url("**/waivers/-/new/?finding=*")
    page.get_by_text("It covers 1 finding").wait_for()
    keys.tab_to(page.get_by_label("Reason"))
    keys.press("ArrowDown")
    keys.write(page.get_by_label("Explanation"), "Theirs is promised for May.")
    keys.tab_to(page.get_by_role("button", name="30 days"))
    keys.press("Enter")
    expect(page.get_by_label("Until the end of")).not_to_have_value("")
    assert page.evaluate(RING) == ""
    keys.tab_to(page.get_by_role("button", name="Write the waiver"))
    keys.press("Enter")
    page.wait_for_url("**/waivers/*/")
    assert Finding.objects.filter(status="waived").count() == 1
    keys.press("g", "b")
    page.wait_for_url("**/remediation/")
    keys.tab_to(page.get_by_role("link", name="Board"))
    keys.press("Enter")
    page.wait_for_url("**view=board**")
    card = page.locator("[data-column=open] .board-card").first
    keys.tab_to(card.get_by_role("combobox"))
    page.keyboard.type("Fix")
    keys.tab_to(card.get_by_role("button", name="Move"))
    keys.press("Enter")
    expect(page.locator("[data-column=fix_claimed] .board-card")).to_have_count(1)
    assert not visitor.complaints


def test_notifications(keys: Keys, visitor: Visitor) -> None:
    log_in(keys)
    page = keys.page
    keys.tab_to(page.get_by_role("link", name="sam"), back=True)
    keys.press("Enter")
    page.wait_for_url("**/settings/")
    keys.tab_to(page.get_by_role("link", name="Notifications"))
    keys.press("Enter")
    page.wait_for_url("**/settings/notifications/")
    keys.tab_to(page.get_by_label("A finding is overdue"))
    keys.press("Space")
    keys.tab_to(page.get_by_role("button", name="Save"))
    keys.press("Enter")
    expect(page.get_by_label("A finding is overdue")).to_be_checked()
    page.wait_for_load_state()
    assert Subscription.objects.filter(kind="overdue").count() == 1
    assert not visitor.complaints
