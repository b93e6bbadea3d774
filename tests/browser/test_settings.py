"""System, profile and retention in a browser: what is lazy, what is copied, what keys do, and how it looks."""

from __future__ import annotations

import os
from pathlib import Path
from unittest.mock import patch

import pytest
from playwright.sync_api import Browser, expect

from compliance.models import User
from compliance.tasks.ask_workers import Depth, Doing, Queue, Worker
from compliance.views import system
from tests.browser.conftest import Visitor, settled
from tests.browser.test_every_page import LOOKS, come_in
from tests.support.rows import NOW, fleet, user

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

PICTURES = os.environ.get("PICTURES", "")
BUSY = Queue(
    answers=True,
    asked_workers=True,
    server="Valkey 9.1.2",
    depths=(Depth("celery", 1_204), Depth("heavy", 3)),
    given=2,
    workers=(
        Worker("celery@a-host-with-a-long-name.example", NOW, 4, ("celery",), (Doing("scans repositories", NOW),) * 2),
        Worker("celery@host-b", None, 1, ("celery",)),
    ),
)
STATES = {
    "busy": BUSY,
    "away": Queue(answers=False),
    "nobody": Queue(answers=True, asked_workers=True),
}


@pytest.fixture
def sam(visitor: Visitor) -> User:
    """Logged in."""
    person = user("sam")
    come_in(visitor, person)
    return person


def look(visitor: Visitor, name: str) -> list[str]:
    """Turn the page around, and say what is wrong with it."""
    page, wrong = visitor.page, []
    page.evaluate("document.querySelectorAll('main details').forEach((part) => { part.open = true; })")
    for scheme, width in LOOKS:
        page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
        page.set_viewport_size({"width": width, "height": 900})
        found = [*visitor.barriers(), *visitor.small_targets()]
        found += ["too wide"] if visitor.overflow() > 0 else []
        wrong += [f"{name} {scheme} {width}: {each}" for each in found]
        if PICTURES:
            page.screenshot(path=str(Path(PICTURES) / f"{name}_{scheme}_{width}.png"), full_page=True)
    return [*wrong, *visitor.complaints]


@pytest.mark.parametrize("state", STATES)
def test_the_queue_is_asked_after_the_page_is_there(visitor: Visitor, sam: User, state: str) -> None:
    with patch.object(system, "ask_queue", return_value=STATES[state]):
        visitor.go("/settings/system/")
        queue = visitor.page.locator("#queue")
        expect(queue).not_to_have_attribute("aria-busy", "true")
        settled(visitor.page)
        words = {"busy": "1,204 messages", "away": "does not answer", "nobody": "No worker answered"}[state]
        expect(queue).to_contain_text(words)
        expect(visitor.page.locator("#ticket")).not_to_contain_text("not asked")
        assert look(visitor, f"system_{state}") == []
        queue.get_by_role("link", name="Ask again").click()
        settled(visitor.page)
        expect(queue).to_contain_text(words)
        assert visitor.page.url == f"{visitor.base}/settings/system/"


def test_what_is_copied_is_what_is_shown(visitor: Visitor, sam: User) -> None:
    visitor.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    with patch.object(system, "ask_queue", return_value=BUSY):
        visitor.go("/settings/system/")
        expect(visitor.page.locator("#ticket")).to_contain_text("Valkey 9.1.2")
        settled(visitor.page)
        visitor.page.get_by_role("button", name="Copy as text").click()
        expect(visitor.page.locator("#status")).to_have_text("Copied")
        copied = visitor.page.evaluate("navigator.clipboard.readText()")
    assert copied == visitor.page.locator("#ticket pre").text_content()
    assert "Waiting in celery: 1204" in copied
    assert "a-host-with-a-long-name" not in copied


def test_without_scripts(browser: Browser, visitor: Visitor, sam: User) -> None:
    cookies = visitor.page.context.cookies()
    window = browser.new_context(java_script_enabled=False, viewport={"width": 390, "height": 900})
    window.add_cookies([{"name": each["name"], "value": each["value"], "url": visitor.base} for each in cookies])
    page = window.new_page()
    with patch.object(system, "ask_queue", return_value=BUSY):
        page.goto(f"{visitor.base}/settings/system/")
        page.get_by_role("link", name="Ask now").click()
        expect(page.locator("#queue")).to_contain_text("1,204 messages")
    window.close()


def test_keys_are_switched_off_and_on(visitor: Visitor, sam: User) -> None:
    visitor.go("/settings/profile/")
    page = visitor.page
    page.keyboard.press("?")
    expect(page.locator("#help")).to_be_visible()
    page.keyboard.press("Escape")
    page.get_by_label("Single keys do something").uncheck()
    page.get_by_label("Time zone").fill("Europe/Berlin")
    page.locator("#save").click()
    expect(page.get_by_text("Saved.")).to_be_visible()
    page.keyboard.press("?")
    page.keyboard.press("g")
    page.keyboard.press("f")
    assert not page.locator("#help").count()
    assert page.url == f"{visitor.base}/settings/profile/"
    assert look(visitor, "profile") == []
    page.get_by_label("Single keys do something").check()
    page.locator("#save").click()
    expect(page.get_by_text("Saved.")).to_be_visible()
    page.keyboard.press("g")
    page.keyboard.press("f")
    page.wait_for_url(f"{visitor.base}/findings/**")


@pytest.mark.parametrize("path", ["/settings/retention/", "/settings/"])
def test_it_is_whole(visitor: Visitor, sam: User, path: str) -> None:
    visitor.go(path)
    assert look(visitor, path.strip("/").replace("/", "_")) == []


def test_a_persons_role_is_read_whole_on_a_phone(visitor: Visitor) -> None:
    boss = user("boss", staff=True)
    come_in(visitor, boss)
    visitor.page.set_viewport_size({"width": 390, "height": 900})
    visitor.go(f"/settings/people/{boss.pk}/")
    role = visitor.page.get_by_label("Role")
    widest = role.evaluate(
        """select => { const pen = document.createElement('canvas').getContext('2d');
            pen.font = getComputedStyle(select).font;
            return Math.max(...[...select.options].map(option => pen.measureText(option.text).width)); }"""
    )
    assert widest < role.evaluate("select => select.clientWidth") - 30
    expect(visitor.page.locator("form.sheet")).to_contain_text("Auditor: sees everything, changes nothing")
    assert look(visitor, "person") == []


def test_tabs_wrap_and_nothing_of_them_is_cut(visitor: Visitor, sam: User) -> None:
    fleet(3)
    visitor.page.set_viewport_size({"width": 390, "height": 900})
    visitor.go("/repos/")
    tabs = visitor.page.locator(".tabs ul").first
    assert tabs.evaluate("list => list.scrollWidth <= list.clientWidth")
    assert tabs.evaluate("list => list.clientHeight > 2 * list.querySelector('a').offsetHeight - 4")  # in rows
    assert look(visitor, "tabs") == []
