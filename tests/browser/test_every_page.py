"""Every address of the site that answers a page, full and empty, light and dark, wide and narrow, for an administrator,
for a lead and for somebody who may only look: nothing axe objects to, nothing on the console, nothing cut off, nothing
too small to hit.

The addresses are those of ``tests/support/rights.py``; one that is not written there fails.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Set
from pathlib import Path
from unittest.mock import patch

import pytest
from django.core.cache import cache, caches
from django.test import Client
from django.urls import reverse

from compliance.models import User
from compliance.policy.relying_party import RelyingParty
from compliance.queries.security import factors_of
from tests.browser.conftest import COLORS, Visitor, settled
from tests.support.channels import channel
from tests.support.factors import confirm, protect
from tests.support.furnished import furnish
from tests.support.passkeys import FLAG, with_passkey
from tests.support.remediation import team
from tests.support.rights import PAGES, names
from tests.support.rows import HOSTILE, NOW, PASSWORD, never_scanned, registry, user
from tests.support.tenants import KINDS, OWNED, Tenant, tenant

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

Looks = tuple[tuple[str, int], ...]
LOOKS: Looks = (("light", 1280), ("dark", 1280), ("dark", 390), ("light", 390))
WHOLE: Looks = (("light", 1280), ("dark", 390))
"""Where every rule is asked. The other theme differs in nothing but what ``light-dark()`` gives, which are colors
(``test_styles.py`` insists on that), so there it is those that look at colors."""
ONCE: Looks = (("light", 1280),)
"""Where they are asked for who sees less: the pages are the same templates."""

PARTS = 4
"""In how many tests the full pages are looked at, for more than one processor; ``HALVES`` by a lead."""
HALVES = 2
EVERYTHING = KINDS.keys() | {"link"}
NO_PAGE = frozenset(
    {"healthz", "readyz", "api_summary", "login_passkey"}  # for balancers, programs and a script
    | {"findings_export", "waivers_export", "audit_export", "repository_trend_export"}  # files
    | {"people_find", "finding_people", "teams_find", "waiver_owners"}  # options of a field
)
VARIANTS: Mapping[str, tuple[str, ...]] = {
    "overview": ("?days=365&team=alpha-crew", "?q=nothing"),
    "repositories": ("?q=nothing", "?page=2", "?label=pci,tier/1", "?label=we!b"),
    "tags": ("?verdict=fail", "?q=nothing"),
    "findings": ("?tab=all", "?group=rule&opened=NR103", "?q=statu:x", "?severity=low&q=zzz", "?f={finding}"),
    "remediation": ("?view=board", "?view=board&team=alpha-crew", "?view=board&lanes=repository", "?team=team-00"),
    "waivers": ("?state=expired", "?q=nothing"),
    "webhooks": ("?q=nothing",),
    "scans": ("?tab=pushes",),
    "policy_history": ("?a=1&b=2",),
    "what_if": ("?user=100000:0",),
    "settings_ownership": ("?name=team/app-0001",),
    "settings_audit": ("?kind=nothing", "?action=login_failed"),
    "settings_people": ("?q=nothing",),
    "settings_system": ("?queue=now",),
    "repository": ("?group=digest",),
    "repository_trend": ("?by=month", "?rules=today"),
    "compare": ("?a=latest&b=nothing", "?a=latest&b=latest"),
    "teams": ("?q=nothing", "?page=2"),
    "unowned": ("?q=nothing",),
}
"""What else is asked of an address: filters that find nothing, other views, faults in what was typed."""

FORMS: Mapping[str, tuple[str, dict[str, str]]] = {
    "registry_new": ("main form[method=post]", {}),
    "policy_new": ("main form[method=post]", {"name": "!"}),
    "team_new": ("form.sheet", {}),
    "team_members": ("form.sheet", {"person": "nobody there"}),
    "team_delete": ("form.sheet", {"name": "another"}),
    "team_notifications": ("form.sheet", {"target": "no address"}),
    "person_new": ("form.sheet", {"username": "a b"}),
    "waiver_new": ("form.waiver", {}),
    "settings_password": ("main form[method=post]", {}),
    "settings_profile": ("form.sheet", {"time_zone": "Mars"}),
    "settings_notifications": ("form.sheet", {"target": "no address"}),
    "settings_tokens": ("form.sheet", {"days": "366"}),
    "settings_sla": ("form.panel", {"days-0-other": "0"}),
    "repository_labels": ("form.sheet", {"labels": "we!b"}),
    "settings_retention": ("#change form", {"events": "1"}),
}
"""Forms with what they refuse: the selector of the form, and what is typed."""
UNFOLD = """() => {
    document.querySelectorAll("main details").forEach((part) => { part.open = true; });
    document.querySelectorAll("tbody").forEach((body) => [...body.rows].slice(12).forEach((row) => row.remove()));
    document.querySelector("#bulk input[name=id]")?.click();
}"""
"""All that is folded is looked at, and what stands there once a row is chosen; of the rows of a table, which are alike,
a dozen."""

# Where somebody wants to look at what the test saw.
PICTURES = os.environ.get("PICTURES", "")


@pytest.fixture(autouse=True)
def at_one_moment() -> Iterator[None]:
    """The clock stands where the rows say it does."""
    cache.clear()
    caches["process"].clear()
    with (
        patch("django.utils.timezone.now", return_value=NOW),
        patch("compliance.views.moment.database_now", return_value=NOW),
    ):
        yield


def come_in(visitor: Visitor, person: User) -> None:
    """With a session, without the form."""
    client = Client()
    client.force_login(person)
    assert client.get(reverse("settings")).status_code == 200
    hand_over(visitor, client)


def hand_over(visitor: Visitor, client: Client) -> None:
    """The session of a client."""
    cookie = client.cookies["session"].value
    visitor.page.context.add_cookies([{"name": "session", "value": cookie, "url": visitor.base}])


def readable() -> list[str]:
    """The names of all addresses that answer a page."""
    assert not set(names()) - PAGES.keys(), "classify them in tests/support/rights.py"
    return [name for name, page in PAGES.items() if page.get is not None and name not in NO_PAGE]


def addresses(made: Tenant, role: str = "admin", about: Set[str] = EVERYTHING) -> dict[str, int]:
    """Each address once, for the tenant's thing of its kind, and what it answers somebody of this role.

    :param about: the kinds of things.
    """
    found: dict[str, int] = {}
    for name in readable():
        page = PAGES[name]
        if page.about not in about:
            continue
        parts = {"uidb64": "MQ", "token": "made-up"} if page.about == "link" else KINDS[page.about](made)
        path = reverse(name, kwargs=dict(parts))
        status = 200 if role in (page.get or ()) else 403
        variants = VARIANTS.get(name, ()) if status == 200 else ()
        found |= {path + each.format(finding=made.finding.pk): status for each in ("", *variants)}
    return found


class Inspection:
    """Looks at pages and keeps what is wrong with them.

    :param looks: the themes and widths, ``whole``: those in which every rule of axe is asked.
    """

    def __init__(self, visitor: Visitor, looks: Looks = LOOKS, whole: Looks = WHOLE) -> None:
        self.visitor = visitor
        self.looks, self.whole = looks, whole
        self.wrong: list[str] = []

    def look(self, path: str, meant: int = 200) -> None:
        """Open a page once, and turn it around; ``meant`` is the status it has to answer."""
        self.visitor.page.set_viewport_size({"width": 1280, "height": 900})
        answer = self.visitor.page.goto(f"{self.visitor.base}{path}")
        if answer is None or answer.status != meant:
            self.wrong.append(f"{path} answers {answer and answer.status}, not {meant}")
        elif not self.visitor.page.locator("#main").count():
            self.wrong.append(f"{path} is no page: add it to NO_PAGE if it is not meant to be one")
        else:
            self.inspect(path, meant)

    def inspect(self, name: str, meant: int = 200) -> None:
        """What is on the screen now; ``meant`` is the status of the answer."""
        page = self.visitor.page
        settled(page)
        page.evaluate(UNFOLD)
        for scheme, width in self.looks:
            page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
            page.set_viewport_size({"width": width, "height": 900})
            rules = () if (scheme, width) in self.whole else COLORS
            found = [*self.visitor.barriers(*rules), *self.visitor.small_targets()]
            found += [f"{self.visitor.overflow()} px too wide"] if self.visitor.overflow() > 0 else []
            self.wrong += [f"{name} {scheme} {width}: {each}" for each in found]
            if PICTURES:
                file = f"{name.strip('/').replace('/', '_')[:90] or 'overview'}_{scheme}_{width}.png"
                page.screenshot(path=str(Path(PICTURES) / file), full_page=True)
        # The browser notes every answer that is no success, also where it is meant.
        noted = f"status of {meant} " if meant != 200 else "nothing"
        self.wrong += [f"{name}: {said}" for said in self.visitor.complaints if noted not in said]
        self.visitor.complaints.clear()


@pytest.mark.parametrize("part", range(PARTS))
def test_every_page_is_whole(visitor: Visitor, part: int) -> None:
    boss = user("boss", staff=True)
    made = furnish(boss)
    inspection = Inspection(visitor)
    come_in(visitor, boss)
    everything = dict.fromkeys(made.more, 200) | addresses(made.tenant)
    for path in list(everything)[part::PARTS]:
        inspection.look(path)
    assert not inspection.wrong, "\n".join(inspection.wrong)


@pytest.mark.parametrize("part", range(HALVES))
def test_every_page_is_whole_for_a_lead(visitor: Visitor, part: int) -> None:
    """What a lead may not open answers why; what another team owns does not exist."""
    made = furnish(user("boss", staff=True))
    lead = made.tenant.people["lead"]
    inspection = Inspection(visitor, WHOLE, ONCE)
    come_in(visitor, lead)
    client = Client()
    client.force_login(lead)
    hers = {path: 200 for path in made.more if client.get(path).status_code == 200}
    everything = hers | addresses(made.tenant, "lead") | {reverse("team", args=["payments"]): 404}
    for path in list(everything)[part::HALVES]:
        inspection.look(path, everything[path])
    assert not inspection.wrong, "\n".join(inspection.wrong)


def test_every_page_of_a_team_is_whole_for_who_may_only_look(visitor: Visitor) -> None:
    made = furnish(user("boss", staff=True)).tenant
    inspection = Inspection(visitor, WHOLE, ONCE)
    come_in(visitor, made.people["viewer"])
    readable_by_viewers = addresses(made, "viewer", about=OWNED)
    assert set(readable_by_viewers.values()) == {200, 403}
    for path, status in readable_by_viewers.items():
        inspection.look(path, status)
    assert not inspection.wrong, "\n".join(inspection.wrong)


def test_every_page_is_whole_for_a_member_of_no_team(visitor: Visitor) -> None:
    mel = user("mel", role="member")
    registry("Quay")
    inspection = Inspection(visitor, WHOLE, ONCE)
    come_in(visitor, mel)
    for name in readable():
        page = PAGES[name]
        if not page.about and "nobody" in (page.get or ()):
            inspection.look(reverse(name))
    assert not inspection.wrong, "\n".join(inspection.wrong)


def test_every_page_is_whole_before_there_is_anything(visitor: Visitor) -> None:
    boss = user("boss", staff=True)
    empty = bare(boss)
    inspection = Inspection(visitor)
    inspection.look("/login/")
    inspection.look("/nothing/", 404)
    come_in(visitor, boss)
    for path in empty:
        inspection.look(path)
    inspection.look("/nothing/", 404)
    assert not inspection.wrong, "\n".join(inspection.wrong)


def bare(boss: User) -> list[str]:
    """A registry that was never scanned, a team without members: the pages that have nothing to list."""
    home, crew = registry("Quay"), team("Crew")
    row = never_scanned(home, "team/new")
    mine = channel(boss)
    things: Mapping[str, dict[str, object]] = {
        "": {},
        "registry": {"slug": home.slug},
        "repository": {"slug": home.slug, "name": row.name},
        "team": {"slug": crew.slug},
        "person": {"person": boss.pk},
        "policy": {"name": "strict"},
        "rule": {"rule_id": "NR103"},
        "channel": {"channel_id": mine.pk},
    }
    named = [(name, PAGES[name].about) for name in readable() if name != "login"]
    return [reverse(name, kwargs=things[about]) for name, about in named if about in things]


def test_every_form_is_whole_when_it_is_refused(visitor: Visitor) -> None:
    boss = user("boss", staff=True)
    made = tenant("Alpha", registry("Shared"), 910)
    inspection = Inspection(visitor)
    come_in(visitor, boss)
    for name, (selector, typed) in FORMS.items():
        visitor.go(reverse(name, kwargs=dict(KINDS[PAGES[name].about](made))))
        form = visitor.page.locator(selector).first
        form.evaluate("form => { form.noValidate = true; }")
        for field, text in typed.items():
            form.locator(f"[name={field}]").first.fill(text)
        form.locator("button.first, button.danger").first.click()
        visitor.page.locator(".errors, .problem.is-fail").first.wait_for()
        inspection.inspect(f"{name} refused", 422)
    assert not inspection.wrong, "\n".join(inspection.wrong)


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1"])
def test_every_page_of_passkeys_is_whole(visitor: Visitor, host: str) -> None:
    """Where browsers know them, and where they do not and the pages say why."""
    visitor.base = visitor.base.replace("localhost", host)
    boss, sam = user("boss", staff=True), user("sam")
    for person in (boss, sam):
        with_passkey(person, HOSTILE[:60])
        with_passkey(person, "A key without a PIN", flags=FLAG.UP)
        with_passkey(person, "x" * 60, site=RelyingParty("old.example", "https://old.example"))
    protect(boss)
    inspection = Inspection(visitor)
    inspection.look("/login/")
    half_way = Client()
    half_way.post("/login/", {"username": "sam", "password": PASSWORD})
    hand_over(visitor, half_way)
    inspection.look("/login/code/")
    client = Client()
    client.force_login(boss)
    confirm(client)
    hand_over(visitor, client)
    key = factors_of(boss).passkeys[-1].id
    for name in ("settings_security", "settings_passkey_add", "settings_factor_off", "settings_codes"):
        inspection.look(reverse(name))
    for name in ("settings_passkey", "settings_passkey_remove"):
        inspection.look(reverse(name, args=[key]))
    inspection.look(reverse("person", args=[sam.pk]))
    visitor.go(reverse("settings_passkey", args=[key]))
    visitor.page.get_by_label("Name").fill("   ")
    visitor.page.get_by_role("button", name="Rename").click()
    visitor.page.locator(".errors").wait_for()
    inspection.inspect("settings_passkey refused", 422)
    assert not inspection.wrong, "\n".join(inspection.wrong)
