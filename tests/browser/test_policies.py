"""Changing a policy in a browser: preview, save, watch; and the same without JavaScript."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from compliance.models import Policy, PolicyVersion
from compliance.services.rejudge import finish_rejudgings
from tests.browser.conftest import Visitor
from tests.support.rows import NOW, PASSWORD, fleet, user

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

URL = "/policies/kubernetes/"


def begin(visitor: Visitor, repositories: int) -> Page:
    """An administrator on the form."""
    fleet(repositories)
    user("boss", staff=True)
    visitor.log_in("boss", PASSWORD)
    visitor.go(f"{URL}edit/")
    return visitor.page


def test_preview_save_and_watch(visitor: Visitor) -> None:
    page = begin(visitor, 60)
    page.get_by_label("NR301 makes an image fail").check()
    page.get_by_role("button", name="Preview").click()
    expect(page.locator("#preview")).to_contain_text("60 of 120 tags would flip")
    expect(page.locator("[data-stale]")).to_be_hidden()
    page.get_by_role("button", name="Page 2").click()
    expect(page.locator("#preview tbody tr")).to_have_count(10)
    assert not visitor.barriers()
    page.get_by_label("NR302 makes an image fail").check()
    expect(page.locator("[data-stale]")).to_be_visible()

    page.get_by_label("Why").fill("Home folders are part of the contract.")
    page.get_by_role("button", name="Save", exact=True).click()
    page.wait_for_url(f"**{URL}")
    expect(page.locator("#live-kubernetes")).to_contain_text("60 repositories wait for a worker")
    finish_rejudgings(clock=lambda: NOW)
    expect(page.locator("#live-kubernetes")).to_contain_text("60 tags got another verdict")  # it finds out by itself
    assert page.locator("#live-kubernetes").get_attribute("hx-get") is None
    assert not visitor.complaints


def test_a_pattern_is_previewed_while_it_is_typed(visitor: Visitor) -> None:
    page = begin(visitor, 12)
    visitor.go("/policies/strict/")
    page.get_by_label("Give it the repositories").press_sequentially("team/app-000*", delay=5)
    expect(page.locator("#scope-preview")).to_contain_text("team/app-000* matches 10 repositories")
    expect(page.locator("#scope-preview tbody tr")).to_have_count(10)
    page.get_by_role("button", name="Give", exact=True).click()
    page.get_by_text("Repositories that fit team/app-000* are judged by strict now.").wait_for()
    page.get_by_role("button", name="Remove team/app-000*").click()
    expect(page.locator("#scope-preview")).to_contain_text("Without team/app-000*")
    page.locator("#scope-preview").get_by_role("button", name="Remove team/app-000*").click()
    page.get_by_text("team/app-000* no longer gives repositories to strict.").wait_for()
    assert not visitor.barriers()
    assert not visitor.complaints


def test_by_keyboard_alone(visitor: Visitor) -> None:
    page = begin(visitor, 1)
    page.get_by_label("NR105 makes an image fail").focus()
    page.keyboard.press("Space")
    page.get_by_label("Why").focus()
    page.keyboard.type("Names are fine here.")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Save"
    page.keyboard.press("Enter")
    page.wait_for_url(f"**{URL}")
    assert PolicyVersion.objects.get(number=2).note == "Names are fine here."


def test_without_script(visitor: Visitor) -> None:
    begin(visitor, 60)
    browser = visitor.page.context.browser
    assert browser is not None
    plain = browser.new_context(java_script_enabled=False)
    page = plain.new_page()
    person = Visitor(page, visitor.base)
    person.log_in("boss", PASSWORD)
    person.go(f"{URL}edit/")
    page.get_by_label("NR301 makes an image fail").check()
    page.get_by_role("button", name="Preview").click()
    page.get_by_text("60 of 120 tags would flip").wait_for()
    page.get_by_role("button", name="Page 2").click()
    page.get_by_text("51–60 of 60").wait_for()
    assert page.get_by_label("NR301 makes an image fail").is_checked()
    page.get_by_label("Why").fill("Home folders.")
    page.get_by_role("button", name="Save", exact=True).click()
    page.get_by_text("Version 2 of kubernetes was saved.").wait_for()
    page.get_by_label("Give it the repositories").fill("team/app-0000")
    page.get_by_role("button", name="Preview", exact=True).click()
    page.get_by_text("none of them would be judged by another policy than now").wait_for()
    plain.close()
    assert Policy.objects.get(name="kubernetes").current == PolicyVersion.objects.get(number=2)
