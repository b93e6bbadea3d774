"""Every address of the site × everybody × every verb, for two teams that must not see each other.

Who may what is written in ``tests/support/rights.py``; a new address has to be added there.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import product
from unittest.mock import patch

import pytest
from django.core.cache import cache
from django.db import connection, transaction
from django.http import HttpResponse
from django.test import Client, override_settings
from django.urls import URLPattern, URLResolver, get_resolver, reverse
from pytest_django.plugin import DjangoDbBlocker

from compliance.models import Membership, User
from compliance.tasks.push_bell import BELL
from tests.support.pages import PLAIN_STATIC
from tests.support.remediation import join
from tests.support.rights import PAGES, Page
from tests.support.rows import NOW, never_scanned, registry, user
from tests.support.tenants import KINDS, MANY, OWNED, Tenant, tenant

pytestmark = pytest.mark.django_db

STRANGERS = ("anonymous", "disabled")
MEMBERS = ("nobody", "removed", "viewer", "triager", "lead", "lead of the others")
ROLES = ("auditor", "security", "admin")
WHO = (*STRANGERS, *MEMBERS, *ROLES)
SAFE, RARE = frozenset({"GET", "HEAD"}), frozenset({"HEAD", "PUT", "PATCH", "DELETE"})
VERBS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")
FEW = ("anonymous", "lead", "lead of the others", "admin")
"""Who asks by verbs that are no others or that nothing answers; everybody would take a minute and prove no more."""

BOOKKEEPING = frozenset({"django_session", "compliance_sharedvalue"})
"""Tables that a mere request may write: when a session was used, how often somebody tried."""

TOKEN = re.compile(rb'(name="csrfmiddlewaretoken" value=|"X-CSRFToken": ?)"[^"]+"')
MADE_UP = {
    "link": {"uidb64": "MQ", "token": "made-up"},
    "bulk": {"bulk_id": 1},
    "view": {"view_id": 1},
    "change": {"finding_id": 99},
}
"""Kinds of things that are one person's alone: to everybody else, and here to all, they do not exist."""


@dataclass(slots=True)
class World:
    """Two tenants, somebody in every role with a session, and how many requests were made."""

    ours: Tenant
    theirs: Tenant
    sessions: dict[str, str]
    requests: int = 0
    written: dict[str, int] = field(default_factory=dict)
    leaks: list[str] = field(default_factory=list)

    def ask(self, who: str, verb: str, url: str, *, strict: bool = False, **headers: str) -> HttpResponse:
        """Ask as somebody, undo what it did, and remember whether it told of others' data.

        :param strict: with the protection against forged requests, which test clients are spared.
        """
        client = Client(enforce_csrf_checks=strict, raise_request_exception=False)
        if who in self.sessions:
            client.cookies["session"] = self.sessions[who]
        with undone():
            response = client.generic(verb, url, headers=headers, content_type="application/x-www-form-urlencoded")
            content = response.getvalue()
        self.requests += 1
        self.written = rows_written()
        self._look_for_leaks(who, f"{verb} {url}", content.decode())
        return response

    def _look_for_leaks(self, who: str, request: str, text: str) -> None:
        for each in (self.ours, self.theirs):
            if who not in ROLES and standing(who, each is self.ours) == "nobody":
                told = [canary for canary in each.canaries if canary in text and canary not in request]
                self.leaks += [f"{who}: {request} tells of {canary!r}" for canary in told]


@pytest.fixture(scope="module")
def world(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[World]:
    """Made once: every request is undone."""
    with (
        django_db_blocker.unblock(),
        patch("django.utils.timezone.now", return_value=NOW),
        patch.object(BELL, "ring"),
        override_settings(STORAGES=PLAIN_STATIC),
        undone(),
    ):
        cache.clear()
        shared = registry("Shared")
        never_scanned(shared, "orphan/nobody")
        ours = tenant("Alpha", shared, 910)
        theirs = tenant("Bravo", shared, 920, repositories=MANY)
        yield World(ours, theirs, _sessions(ours, theirs), written=rows_written())


def _sessions(ours: Tenant, theirs: Tenant) -> dict[str, str]:
    """Log everybody in; then one is disabled and one leaves the team."""
    people: dict[str, User] = {role: user(role, role=role) for role in ROLES}
    people |= dict(ours.people.items())
    people |= {"lead of the others": theirs.people["lead"], "nobody": user("nobody", role="member")}
    people |= {name: user(name, role="member") for name in ("removed", "disabled")}
    for name in ("removed", "disabled"):
        join(ours.team, people[name], "lead")
    found = {}
    for name, person in people.items():
        client = Client()
        client.force_login(person)
        assert client.get(reverse("overview")).status_code == 200
        found[name] = client.cookies["session"].value
    User.objects.filter(pk=people["disabled"].pk).update(is_active=False)
    Membership.objects.filter(user=people["removed"]).delete()
    return found


@contextmanager
def undone() -> Iterator[None]:
    """Whatever is written in it is rolled back; like Django's own test cases it may hold durable blocks."""
    block = transaction.atomic()
    block._from_testcase = True  # type: ignore[attr-defined]  # as django.test.TestCase does
    with block:
        yield
        transaction.set_rollback(True)


def standing(who: str, is_ours: bool | None) -> str:
    """What somebody is to a team; ``None`` for what no team owns."""
    if who == "lead of the others":
        return "nobody" if is_ours else "lead"
    if who in ("viewer", "triager", "lead"):
        return "nobody" if is_ours is False else who
    return "nobody" if who == "removed" else who


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
    both = ((world.ours, True), (world.theirs, False)) if page.about else ((world.ours, True),)
    return [(reverse(name, kwargs=dict(KINDS[page.about](each))), is_ours) for each, is_ours in both]


def names() -> list[str]:
    """The names of all addresses; each has to have one."""

    def walk(patterns: list[URLPattern | URLResolver]) -> Iterator[str]:
        for pattern in patterns:
            if isinstance(pattern, URLResolver):
                yield from walk(pattern.url_patterns)
            else:
                yield pattern.name or f"the address {pattern.pattern}, which has no name"

    return list(walk(get_resolver().url_patterns))


def rows_written() -> dict[str, int]:
    """How many rows this transaction has written so far, by table."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT relname, n_tup_ins + n_tup_upd + n_tup_del FROM pg_stat_xact_user_tables")
        return {table: count for table, count in cursor.fetchall() if table not in BOOKKEEPING}


def test_every_address_is_classified() -> None:
    missing = sorted(set(names()) - PAGES.keys())
    assert not missing, f"add to PAGES in tests/support/rights.py, one line each, who may read and post to: {missing}"
    gone = sorted(PAGES.keys() - set(names()))
    assert not gone, f"these addresses are gone: take them out of PAGES in tests/support/rights.py: {gone}"


@pytest.mark.parametrize("name", sorted(PAGES))
def test_who_may(world: World, name: str) -> None:
    page, wrong = PAGES[name], []
    for url, is_ours in addresses(page, name, world):
        for who, verb in product(WHO, VERBS):
            if verb in RARE and who not in FEW:
                continue
            before, response = world.written, world.ask(who, verb, url)
            words = f"{who}: {verb} {url} is answered {response.status_code}"
            if not fits(page, who, verb, is_ours, response):
                wrong.append(words)
            may_write = page.public or page.records or (verb == "POST" and allowed(response))
            if not may_write and world.written != before:
                wrong.append(f"{words} and writes rows")
    assert not wrong, "\n".join(wrong)


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
