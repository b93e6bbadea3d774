"""Two stories, from login to the end: a security engineer finds the worst cause; a team lead has it fixed.

Everything is clicked. What happens elsewhere is real: the push is skopeo's, to Debian's docker-registry, whose webhook
tells us; a worker scans; the waiver ends by the tick. `make stories` keeps a picture of each step in docs/stories.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from importlib import import_module
from pathlib import Path

import pytest
from django.utils import timezone
from playwright.sync_api import Browser, Locator, Page, ViewportSize, expect
from pytest_django.live_server_helper import LiveServer

from tests.browser.conftest import Visitor
from tests.support.pictures import take_picture
from tests.support.rows import PASSWORD
from tests.support.yard import WAIVED_FOR, Yard, hand_over, open_yard

pytestmark = [
    pytest.mark.browser,
    pytest.mark.realregistry,
    pytest.mark.worker,
    pytest.mark.django_db(transaction=True),
]

PICTURES = os.environ.get("STORIES", "")
"""Where pictures are kept; none are where it is empty."""

SHAPES = {"light": (1280, 860), "dark": (1280, 860), "phone": (390, 844)}
_SECONDS = 150


@dataclass(slots=True)
class Teller:
    """Somebody at a browser of one shape, of whose every step a picture can be kept."""

    visitor: Visitor
    shape: str
    reducer: Page
    story: str = ""
    told: list[str] = field(default_factory=list)

    @property
    def page(self) -> Page:
        """The window."""
        return self.visitor.page

    @property
    def is_phone(self) -> bool:
        """Whether there is no room for two columns."""
        return self.shape == "phone"

    def step(self, name: str, shown: Locator | None = None) -> None:
        """Hold what is on the screen to what every page promises, and keep a picture of it."""
        self.page.wait_for_load_state("networkidle")
        if shown is not None:
            shown.evaluate("(element) => element.scrollIntoView({ block: 'start' })")
        assert self.visitor.overflow() <= 0, name
        assert self.visitor.complaints == [], name
        self.told.append(name)
        if PICTURES:
            file = f"{self.story}-{len(self.told):02d}-{name}-{self.shape}.png"
            take_picture(self.page, self.reducer, Path(PICTURES) / file)

    def log_in(self, name: str, step: str = "login") -> None:
        """From whatever page asks for it."""
        self.page.get_by_label("Username").fill(name)
        self.page.get_by_label("Password").fill(PASSWORD)
        self.step(step)
        self.page.get_by_role("button", name="Log in").click()

    def to_section(self, name: str) -> None:
        """By the menu, which a phone opens first."""
        self._choose(name)
        self.page.get_by_role("heading", level=1, name=name).wait_for()

    def to_login_by(self, name: str) -> None:
        """A section whose link leads to the login, since the session is over."""
        self._choose(name)
        self.page.get_by_label("Username").wait_for()

    def _choose(self, name: str) -> None:
        link = self.page.get_by_label("Sections").get_by_role("link", name=name, exact=True)
        if not link.is_visible():
            self.page.get_by_text("Menu", exact=True).click()
        link.click()

    def tab(self, label: str, count: int) -> None:
        """Choose a saved query that finds so many, and see them."""
        self.page.get_by_role("navigation", name="Saved queries").get_by_role("link", name=f"{label} {count}").click()
        expect(self.page.locator("tr[data-row]")).to_have_count(count)

    def region(self, name: str) -> Locator:
        """A part of the page, by its heading."""
        return self.page.get_by_role("region", name=name, exact=True)

    def open_first(self) -> Locator:
        """Open the finding on top: beside the list where there is room, else on its own page."""
        self.page.locator("a.open").first.click()
        beside = self.page.locator("#preview" if not self.is_phone else "#finding")
        beside.get_by_role("heading", name="Evidence").wait_for()
        return beside


@pytest.fixture(params=SHAPES)
def teller(request: pytest.FixtureRequest, browser: Browser, live_server: LiveServer) -> Iterator[Teller]:
    """A window of each shape."""
    width, height = SHAPES[request.param]
    scheme = "dark" if request.param == "dark" else "light"
    window = browser.new_context(
        viewport=ViewportSize(width=width, height=height), color_scheme="dark" if scheme == "dark" else "light"
    )
    page, apart = window.new_page(), browser.new_context()
    visitor = Visitor(page, live_server.url)
    page.on("console", visitor.hear)
    page.on("pageerror", lambda error: visitor.complaints.append(str(error)))
    yield Teller(visitor, request.param, apart.new_page())
    apart.close()
    window.close()


@pytest.fixture
def yard(live_server: LiveServer, tmp_path: Path) -> Iterator[Yard]:
    """The company with its registry."""
    with open_yard(live_server.url, tmp_path) as opened:
        yield opened


def test_a_security_engineer_finds_the_worst_cause_and_waives_another(teller: Teller, yard: Yard) -> None:
    teller.story = "security"
    page = teller.page
    teller.visitor.go("/")
    teller.log_in("nora")
    expect(page.get_by_role("heading", level=1)).to_have_text("Overview")
    teller.step("overview")

    teller.to_section("Findings")
    page.locator("#f-severity").select_option("critical")
    page.wait_for_url("**/findings/?severity=critical")
    page.locator("#f-group").select_option("rule")
    groups = page.locator("#results tbody tr")
    expect(groups).to_have_count(2)
    expect(groups.first).to_contain_text("NR101")
    teller.step("causes", page.locator("#results") if teller.is_phone else None)
    groups.first.get_by_role("link").first.click()
    expect(page.locator("tr[data-row]")).to_have_count(3)
    first = page.locator("tr[data-row]").first
    expect(first).to_contain_text("payments/checkout")
    expect(first).to_contain_text("overdue")
    teller.step("worst-cause", page.locator("#results") if teller.is_phone else None)

    opened = teller.open_first()
    expect(opened).to_contain_text("has no USER, so it starts as uid 0")
    teller.step("evidence")
    opened.get_by_label("Assign to").fill("ada")
    opened.get_by_role("button", name="Assign", exact=True).click()
    expect(opened.get_by_text("Saved.")).to_be_visible()
    expect(opened.locator("dl.facts")).to_contain_text("Assigned to ada", use_inner_text=True)
    teller.step("assigned", opened.get_by_role("region", name="Work on it"))

    teller.to_section("Findings")
    page.get_by_role("searchbox", name="Repository, rule or filters").fill("vendor NR102")
    expect(page.locator("tr[data-row]")).to_have_count(1)
    teller.step("another")
    opened = teller.open_first()
    opened.get_by_role("link", name="Waive…").click()
    covers = teller.region("What it would cover")
    expect(covers).to_contain_text("It covers 1 finding in 1 repository")
    page.get_by_label("Reason").select_option(label="The vendor's image; waiting for theirs")
    page.get_by_label("Explanation").fill("Their next release has a user; the ticket is theirs.")
    page.get_by_label("Compensating control").fill("Runs on one host that nothing else runs on.")
    page.get_by_role("button", name="90 days").click()
    expect(covers).to_contain_text("It counts as soon as you save it.")
    teller.step("waiver-form")
    teller.step("waiver-preview", covers)
    page.get_by_role("button", name="Write the waiver").click()
    expect(page.locator("p.lead")).to_contain_text("Active")
    expect(teller.region("Covered now")).to_contain_text("vendor/scan-agent")
    teller.step("waiver")

    teller.to_section("Findings")
    teller.tab("Waived", 1)
    teller.step("waived-apart")


def test_a_team_lead_has_a_fix_proved_and_an_expired_waiver_comes_back(
    teller: Teller, yard: Yard, monkeypatch: pytest.MonkeyPatch
) -> None:
    teller.story = "lead"
    page = teller.page
    hand_over(yard)
    teller.visitor.go("/findings/")
    teller.log_in("ada")
    teller.tab("Mine", 1)
    expect(page.locator("tr[data-row]")).to_contain_text("payments/checkout")
    teller.step("mine")

    begin_work(teller)
    claim_and_prove(teller, yard)
    look_at_the_numbers(teller)

    teller.to_section("Findings")
    teller.tab("Waived", 1)
    expect(page.locator("tr[data-row]")).to_contain_text("payments/ledger")
    teller.step("waived")
    days_pass(WAIVED_FOR + 2, monkeypatch)
    teller.to_login_by("Waivers")
    teller.log_in("ada", "login-again")
    page.get_by_role("navigation", name="State").get_by_role("link", name="Expired 1").click()
    expect(page.locator("tbody tr")).to_contain_text("Ledger, until the new base image")
    teller.step("waiver-expired")

    teller.to_section("Findings")
    page.get_by_role("searchbox", name="Repository, rule or filters").fill("due:overdue NR105 ledger")
    row = page.locator("tr[data-row]")
    expect(row).to_have_count(1)
    expect(row).to_contain_text("payments/ledger")
    expect(row).to_contain_text("Open")
    teller.step("back-in-the-inbox", page.locator("#results"))
    row.locator("a.open").click()
    if not teller.is_phone:
        page.locator("#preview").get_by_role("heading", level=2).first.get_by_role("link").click()
    timeline = teller.region("Timeline")
    expect(timeline).to_contain_text("It has expired.")
    teller.step("why-it-is-back", timeline)


def begin_work(teller: Teller) -> None:
    """On the board, by the menu of the card."""
    page = teller.page
    teller.to_section("Remediation")
    page.get_by_role("navigation", name="Views").get_by_role("link", name="Board").click()
    to_do, doing = teller.region("To do"), teller.region("In progress")
    card = to_do.locator("li").filter(has_text="payments/checkout").filter(has_text="NR101")
    card.get_by_label("Move NR101 in payments/checkout to").select_option(label="In progress")
    teller.step("board")
    card.get_by_role("button", name="Move").click()
    expect(doing).to_contain_text("payments/checkout")
    teller.step("in-progress", doing)
    doing.get_by_role("link", name="NR101 Runs as root because nothing says otherwise").click()


def claim_and_prove(teller: Teller, yard: Yard) -> None:
    """A person says that it is fixed; the registry tells of a push; a scan says whether it is so."""
    page = teller.page
    page.get_by_role("button", name="Claim a fix").click()
    expect(page.locator(".banner")).to_contain_text("confirms or refutes it")
    teller.step("claimed")
    yard.push_fixed("payments/checkout")
    with yard.worker():
        deadline = timezone.now() + timedelta(seconds=_SECONDS)
        while "Proved by a scan" not in page.locator(".banner").inner_text() and timezone.now() < deadline:
            page.wait_for_timeout(500)
            page.reload()
    expect(page.locator(".banner")).to_contain_text("Proved by a scan")
    teller.step("proved")
    teller.step("proved-timeline", teller.region("Timeline"))


def look_at_the_numbers(teller: Teller) -> None:
    """What the team's page makes of it."""
    teller.to_section("Remediation")
    expect(teller.page.locator(".tiles")).to_contain_text(re.compile(r"[1-9]\d* fixed"))
    teller.step("numbers")


def days_pass(days: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Everybody's clock goes on, and the tick does what it does every few seconds."""
    real = timezone.now

    def later() -> datetime:
        return real() + timedelta(days=days)

    monkeypatch.setattr(timezone, "now", later)
    # The package calls the task by the name of its module.
    module = import_module("compliance.tasks.tick")
    monkeypatch.setattr(module, "database_now", later)
    module.tick()
