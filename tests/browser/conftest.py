"""Chromium from Debian, driven by playwright, watching for anything a page complains about."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.test import override_settings
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, expect, sync_playwright

from tests.support.pages import PLAIN_STATIC

_CHROMIUM = os.environ.get("CHROMIUM", "/usr/bin/chromium")
_QUIET = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]
_SCRIPT = Axe().axe_script
_AXE = """async (only) => {
    const options = {resultTypes: ["violations"], reporter: "no-passes", selectors: false, preload: false};
    if (only) options.runOnly = {type: "rule", values: only};
    const found = (await axe.run(document, options)).violations;
    return found.map(e => `${e.id} (${e.impact}): ${e.nodes.slice(0, 3).map(n => n.html.slice(0, 160)).join(" | ")}`);
}"""
COLORS = ("color-contrast", "link-in-text-block")
"""The rules of axe that look at colors: all that another theme can break."""

_MILLISECONDS = 60_000
# What was to happen happens; how soon says how busy the machine is.
expect.set_options(timeout=_MILLISECONDS)

# playwright's loop runs in this thread, and Django would refuse to touch the database beside it.
os.environ.setdefault("DJANGO_ALLOW_ASYNC_UNSAFE", "true")


@pytest.fixture(autouse=True)
def plain_static() -> Iterator[None]:
    """The live server serves the files of the checkout."""
    with override_settings(STORAGES=PLAIN_STATIC):
        yield


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """One browser for the session."""
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=_CHROMIUM, args=_QUIET)
        yield chromium
        chromium.close()


_BUSY = ".htmx-request, .htmx-swapping, .htmx-settling"


def settled(page: Page) -> None:
    """Wait until nothing is asked for or swapped: what is faded meanwhile has less contrast, and focus may move."""
    expect(page.locator(_BUSY)).to_have_count(0)


@dataclass  # without slots: playwright marks the listeners it is given
class Visitor:
    """A person with a browser window; ``complaints`` is what the console said."""

    page: Page
    base: str
    complaints: list[str] = field(default_factory=list)

    def hear(self, message: ConsoleMessage) -> None:
        """Keep errors and warnings: a broken policy for scripts or styles is one of them."""
        if message.type in ("error", "warning"):
            self.complaints.append(message.text)

    def go(self, path: str) -> None:
        """Open a page of the site."""
        self.page.goto(f"{self.base}{path}")

    def log_in(self, name: str, password: str) -> None:
        """Log in through the form."""
        self.go("/login/")
        self.page.get_by_label("Username").fill(name)
        self.page.get_by_label("Password").fill(password)
        self.page.get_by_role("button", name="Log in").click()
        self.page.wait_for_url(f"{self.base}/")

    def barriers(self, *only: str) -> list[str]:
        """What axe objects to, however slight, with the elements; ``only`` by these rules."""
        if not self.page.evaluate("'axe' in window"):
            self.page.evaluate(_SCRIPT)
        return list(self.page.evaluate(_AXE, list(only) or None))

    def overflow(self) -> int:
        """Pixels the page is wider than the window."""
        return int(self.page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth"))

    def small_targets(self) -> list[str]:
        """Buttons and fields under 24 pixels (WCAG 2.5.8); what a tick's label covers is the tick's."""
        targets = "button, input:not([type=hidden]), select, .tabs a, .pager a, .nav a"
        script = """(targets) => [...document.querySelectorAll(targets)]
            .filter(e => e.offsetParent && !e.closest('.tick'))
            .map(e => e.matches('[type=checkbox], [type=radio]') ? e.closest('label') ?? e : e)
            .filter(e => e.offsetWidth < 24 || e.offsetHeight < 24)
            .map(e => e.outerHTML.slice(0, 120))"""
        return list(self.page.evaluate(script, targets))


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    """A window of its own for each test."""
    window = browser.new_context(viewport={"width": 1280, "height": 900})
    window.set_default_timeout(_MILLISECONDS)
    yield window
    window.close()


@pytest.fixture
def visitor(context: BrowserContext, live_server: object, plain_static: None) -> Visitor:
    """Somebody who is not logged in yet."""
    person = Visitor(context.new_page(), str(live_server))
    person.page.on("console", person.hear)
    person.page.on("pageerror", lambda error: person.complaints.append(str(error)))
    return person
