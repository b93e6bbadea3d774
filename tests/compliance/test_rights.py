"""Every address of the site × everybody × every verb, for two teams that must not see each other.

Who may what is written in ``tests/support/rights.py``; a new address has to be added there.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from itertools import product
from typing import Any

import pytest
from django.http import HttpResponse
from django.urls import reverse
from pytest_django.plugin import DjangoDbBlocker

from tests.support.everybody import STRANGERS, WHO, World, one_tenant, quiet, standing
from tests.support.rights import PAGES, Page, names
from tests.support.tenants import KINDS, OWNED

pytestmark = pytest.mark.django_db

SAFE, RARE = frozenset({"GET", "HEAD"}), frozenset({"HEAD", "PUT", "PATCH", "DELETE"})
VERBS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")
FEW = ("anonymous", "lead", "lead of the others")
"""Who asks by verbs that are like others or that nothing answers; everybody would take a minute and prove no more."""

ASKED = tuple((who, verb) for who, verb in product(WHO, VERBS) if verb not in RARE or who in FEW)
QUERIES = ("", "?page=2", "?q=bravo", "?registry=bravo-harbor&team=bravo-crew&repository=bravo-harbor/bravo/app-000")
COMPARED = {"lead": QUERIES, "nobody": QUERIES, "auditor": ("",)}
DIRECTORY = frozenset({"people_find", "waiver_owners", "finding_people"})
"""Where people are looked up by their names, to work together: who works in the company is no secret in it."""

TOKEN = re.compile(rb'(name="csrfmiddlewaretoken" value=|"X-CSRFToken": ?)"[^"]+"')
MADE_UP: Mapping[str, dict[str, Any]] = {
    "link": {"uidb64": "MQ", "token": "made-up"},
    "bulk": {"bulk_id": 1},
    "view": {"view_id": 1},
    "token": {"token_id": 1},
    "passkey": {"key": 1},
    "change": {"finding_id": 99},
}
"""Kinds of things that are one person's alone: to everybody else, and here to all, they do not exist."""


@pytest.fixture(scope="module")
def world(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[World]:
    """Made once: every request is undone. What lists said before the others came is kept."""
    with django_db_blocker.unblock(), quiet():
        made = one_tenant()
        made.alone = {who: lists(made, who) for who in COMPARED}
        made.add_others()
        yield made


def allowed(response: HttpResponse) -> bool:
    """Whether it was answered; a form that was empty may be refused for that."""
    to_login = response.status_code == 302 and response.headers["Location"].startswith("/login/")
    return response.status_code in (200, 204, 286, 302, 400, 409, 422) and not to_login


def fits(page: Page, who: str, verb: str, is_ours: bool, response: HttpResponse) -> bool:
    """Whether an answer is the one the list demands."""
    may = page.post if verb == "POST" else page.get if verb in SAFE else None
    status = response.status_code
    if who in STRANGERS and not page.public:
        return (status == 302 and response.headers["Location"].startswith("/login/")) or (
            verb not in SAFE and status == 405
        )
    if may is None:
        return status in (403, 404, 405)
    if page.public:
        return status < 500 and status != 403
    at_all, here = standing(who, None), standing(who, is_ours if page.about in OWNED else None)
    if page.about in OWNED and here == "nobody":
        return status == 404 or (at_all not in may and status == 403)
    return allowed(response) or (page.about in MADE_UP and status == 404) if here in may else status in (403, 409)


def addresses(page: Page, name: str, world: World) -> list[tuple[str, bool]]:
    """The address of the thing that is ours, and of theirs."""
    if page.about in MADE_UP:
        return [(reverse(name, kwargs=MADE_UP[page.about]), True)]
    several = world.tenants if page.about in OWNED else (world.ours,)
    return [(reverse(name, kwargs=dict(KINDS[page.about](each))), each is world.ours) for each in several]


def lists(world: World, who: str) -> dict[str, bytes]:
    """What somebody is shown at every address that can be read, however it is asked; tokens differ each time."""
    found: dict[str, bytes] = {}
    for name, page in PAGES.items():
        if page.get is None or page.about in MADE_UP or name in DIRECTORY or standing(who, None) not in page.get:
            continue
        url = addresses(page, name, world)[0][0]
        found |= {url + query: TOKEN.sub(b"", world.ask(who, "GET", url + query).getvalue()) for query in COMPARED[who]}
    return found


def test_every_address_is_classified() -> None:
    missing = sorted(set(names()) - PAGES.keys())
    assert not missing, f"add to PAGES in tests/support/rights.py, one line each, who may read and post to: {missing}"
    gone = sorted(PAGES.keys() - set(names()))
    assert not gone, f"these addresses are gone: take them out of PAGES in tests/support/rights.py: {gone}"


@pytest.mark.parametrize("name", sorted(PAGES))
def test_who_may(world: World, name: str) -> None:
    page, wrong = PAGES[name], []
    for url, is_ours in addresses(page, name, world):
        for who, verb in ASKED:
            before, response = world.written, world.ask(who, verb, url)
            words = f"{who}: {verb} {url} is answered {response.status_code}"
            if not fits(page, who, verb, is_ours, response):
                wrong.append(words)
            if response.status_code == 200 and not page.public and "no-store" not in response.headers["Cache-Control"]:
                wrong.append(f"{words} and may be kept by a browser or on the way")
            may_write = page.public or page.records or (verb == "POST" and allowed(response))
            if not may_write and world.written != before:
                wrong.append(f"{words} and writes rows")
    wrong += world.leaked()
    assert not wrong, "\n".join(wrong)


def test_thousands_of_requests_are_made(record_property: Callable[[str, object], None]) -> None:
    count = sum(len(ASKED) * (2 if page.about in OWNED else 1) for page in PAGES.values())
    record_property("requests of the rights matrix", count)
    assert count >= 2_000


@pytest.mark.parametrize("who", ["lead", "nobody"])
def test_what_others_have_changes_nothing(world: World, who: str) -> None:
    now = lists(world, who)
    assert [url for url, content in now.items() if content != world.alone[who][url]] == []
    assert world.leaked() == []


def test_what_others_have_is_on_these_pages_for_who_sees_everything(world: World) -> None:
    now = lists(world, "auditor")
    changed = {url for url, content in now.items() if content != world.alone["auditor"][url]}
    for name in ("overview", "repositories", "tags", "findings", "waivers", "teams", "rules", "policies", "registries"):
        assert reverse(name) in changed, name
    assert reverse("rule", args=["NR103"]) in changed
    for name in ("repositories", "tags", "findings", "waivers"):
        shown = world.ask("lead", "GET", reverse(name)).getvalue().decode()
        assert "alpha/" in shown, name
        assert "bravo/" in world.ask("lead of the others", "GET", reverse(name)).getvalue().decode(), name


@pytest.mark.parametrize(
    "name", sorted(name for name, page in PAGES.items() if page.post is not None and name != "hook")
)
def test_forged_requests_are_refused(world: World, name: str) -> None:
    for url, _ in addresses(PAGES[name], name, world):
        for who in ("admin", "lead", "anonymous"):
            before = world.written
            assert world.ask(who, "POST", url, strict=True).status_code == 403
            assert world.ask(who, "POST", url, strict=True, origin="https://evil.example").status_code == 403
            assert world.written == before
