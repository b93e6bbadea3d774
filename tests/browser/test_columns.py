"""Columns and density of lists in a browser: without a mouse, without scripts, and looked at."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from compliance.models import Finding, Repository, Team, User
from tests.browser.conftest import Visitor, settled
from tests.browser.test_every_page import LOOKS, come_in
from tests.browser.test_keyboard import Keys
from tests.support.remediation import finding, own, team
from tests.support.rows import fleet, user

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

PAGES = ("/findings/", "/repos/", "/tags/", "/r/harbor/team/app-0000/-/", "/settings/profile/")
PICTURES = os.environ.get("PICTURES", "")
_SPILLED = """() => {
    const right = document.querySelector('.inbox > .panel').getBoundingClientRect().right;
    return document.querySelector('#results table').getBoundingClientRect().right - right;
}"""
"""Pixels the list is wider than its panel, which the preview would hide."""


@pytest.fixture
def sam(visitor: Visitor) -> User:
    """Logged in, with a list of everything."""
    made = fleet(6)
    person = user("sam")
    own(team("Payments", lead=person), made.repositories)
    for repository in made.repositories:
        latest = [tag for tag in made.tags if tag.repository == repository and tag.name == "latest"]
        finding(repository, "NR103", tags=latest, subject="app")
        finding(repository, "NR301", tags=latest)
    come_in(visitor, person)
    return person


@pytest.mark.parametrize("path", PAGES)
@pytest.mark.parametrize("density", ["comfortable", "compact"])
def test_it_is_whole(visitor: Visitor, sam: User, path: str, density: str) -> None:
    """With the chooser shut; ``test_every_page.py`` opens it."""
    hidden = {"findings": ["severity", "who"], "tags": ["digest"]} if density == "compact" else {}
    User.objects.update(density=density, hidden_columns=hidden)
    visitor.go(path)
    page, wrong = visitor.page, []
    for scheme, width in LOOKS:
        page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
        page.set_viewport_size({"width": width, "height": 900})
        found = [*visitor.barriers(), *visitor.barriers("target-size"), *visitor.small_targets()]
        found += ["too wide"] if visitor.overflow() > 0 else []
        wrong += [f"{scheme} {width}: {each}" for each in found]
        if PICTURES:
            name = f"{path.strip('/').replace('/', '_')}_{density}_{scheme}_{width}.png"
            page.screenshot(path=str(Path(PICTURES) / name))
    assert not wrong, "\n".join(wrong)
    assert not visitor.complaints


def test_with_keys_only(visitor: Visitor, sam: User) -> None:
    visitor.go("/findings/?tab=all")
    page, keys = visitor.page, Keys(visitor.page)
    keys.press("j", "Enter")
    expect(page.locator("#preview h2").first).to_be_visible()
    settled(page)
    address = page.url
    assert "f=" in address
    keys.tab_to(page.locator("#columns > summary"), back=True)
    keys.press("Enter")
    keys.tab_to(page.get_by_label("Status", exact=True).and_(page.locator("[name=column]")))
    keys.press("Space")
    expect(page.locator("#results td[data-label=Status]")).to_have_count(0)
    expect(page.locator("#results thead")).not_to_contain_text("Status")
    keys.has_focus("#column-status")
    keys.press("Tab", "Space")
    keys.tab_to(page.locator("#density-comfortable"))
    keys.press("ArrowRight")
    expect(page.locator("#results")).to_have_attribute("data-density", "compact")
    keys.has_focus("#density-compact")
    settled(page)
    assert page.url == address
    expect(page.locator("#preview h2").first).to_be_visible()
    sam.refresh_from_db()
    assert (sam.density, sam.hidden_columns) == ("compact", {"findings": ["status", "who"]})
    page.go_back()
    assert "/findings/" not in page.url  # choosing is no step in the history
    visitor.go(address.removeprefix(visitor.base))
    expect(page.locator("html")).to_have_attribute("data-density", "compact")
    expect(page.locator("#preview h2").first).to_be_visible()
    assert not page.locator("td[data-label=Status], td[data-label=Who]").count()
    assert not visitor.complaints


def test_the_list_that_is_shown_comes_again(visitor: Visitor, sam: User) -> None:
    visitor.go("/repos/")
    page = visitor.page
    page.get_by_role("searchbox", name="Name").fill("app-0003")
    expect(page.locator("#results tbody tr")).to_have_count(1)
    settled(page)
    page.locator("#columns > summary").click()
    page.locator("#column-verdict").click()
    page.locator("#column-grade").click()
    page.locator("#column-passed").click()
    expect(page.locator("#results td[data-label=Pass]")).to_have_count(0)
    settled(page)
    expect(page.locator("#results tbody tr")).to_have_count(1)
    expect(page.locator("#results td[data-label=Verdict], #results td[data-label=Grade]")).to_have_count(0)
    assert "q=app-0003" in page.url
    sam.refresh_from_db()
    assert sam.hidden_columns == {"repositories": ["verdict", "grade", "passed"]}
    assert not visitor.complaints


def test_without_scripts(browser: Browser, visitor: Visitor, sam: User) -> None:
    cookies = visitor.page.context.cookies()
    window = browser.new_context(java_script_enabled=False, viewport={"width": 390, "height": 900})
    window.add_cookies([{"name": each["name"], "value": each["value"], "url": visitor.base} for each in cookies])
    page = window.new_page()
    page.goto(f"{visitor.base}/r/harbor/team/app-0000/-/?q=lat&sort=-size")
    page.locator("#columns > summary").click()
    page.get_by_role("checkbox", name="Digest").uncheck()
    page.get_by_role("checkbox", name="Size").uncheck()
    page.get_by_label("Compact").check()
    page.locator("#columns").get_by_role("button", name="Apply").click()
    assert page.url == f"{visitor.base}/r/harbor/team/app-0000/-/?q=lat&sort=-size#columns"
    assert page.locator("html").get_attribute("data-density") == "compact"
    assert page.locator("#results tr").count() == 2
    assert not page.locator("#results td[data-label=Digest], #results td[data-label=Size]").count()
    assert page.locator("#results td[data-label=Verdict]").is_visible()
    page.goto(f"{visitor.base}/settings/profile/")
    page.get_by_role("button", name="Show all columns again").click()
    assert page.url == f"{visitor.base}/settings/profile/"
    assert not page.get_by_role("button", name="Show all columns again").count()
    sam.refresh_from_db()
    assert (sam.density, sam.hidden_columns) == ("compact", {"repository": []})
    window.close()


@pytest.mark.parametrize(("density", "lines"), [("comfortable", 5), ("compact", 2)])
def test_names_of_any_length_stay_in_low_rows(visitor: Visitor, sam: User, density: str, lines: int) -> None:
    """The inbox without and with its preview; what is cut is whole in a title."""
    long = user("x" * 150)
    User.objects.update(density=density)
    Repository.objects.filter(name="team/app-0001").update(name="team/" + "n" * 145)
    Team.objects.update(name="T" * 80)
    Finding.objects.update(assignee=long, subject="s" * 120, status="false_positive", protected=True)
    page, wrong = visitor.page, []
    for width in (390, 1280):
        page.set_viewport_size({"width": width, "height": 900})
        visitor.go("/findings/?tab=all")
        for opened in (False, True) if width > 390 else (False,):
            if opened:
                page.locator("#results .open").first.click()
                expect(page.locator("#preview h2").first).to_be_visible()
                settled(page)
            over = visitor.overflow(), page.evaluate(_SPILLED)
            wrong += [f"{width} {opened}: {over}"] if max(over) > 0 else []
    low = lines * 21 + 15
    tall = page.locator("#results tbody tr").evaluate_all("rows => rows.map(row => row.offsetHeight)")
    assert tall
    assert max(tall) <= low, (tall, low)
    assert page.locator(f"#results td [title='{long.username}']").count() == len(tall)
    assert not wrong, "\n".join(wrong)
