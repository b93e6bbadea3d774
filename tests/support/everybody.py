"""Everybody there can be, with sessions, before two teams that must not see each other."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import cast
from unittest.mock import patch

from django.core.cache import cache, caches
from django.db import connection, transaction
from django.http import HttpResponse
from django.test import Client, override_settings
from django.urls import reverse

from compliance.models import Membership, User
from compliance.tasks.push_bell import BELL
from tests.support.pages import PLAIN_STATIC
from tests.support.remediation import join
from tests.support.rows import NOW, never_scanned, registry, user
from tests.support.tenants import MANY, Tenant, tenant

STRANGERS = ("anonymous", "disabled")
MEMBERS = ("nobody", "removed", "viewer", "triager", "lead", "lead of the others")
ROLES = ("auditor", "security", "admin")
WHO = (*STRANGERS, *MEMBERS, *ROLES)
BOOKKEEPING = frozenset({"django_session", "compliance_sharedvalue"})
"""Tables that a mere request may write: when a session was used, how often somebody tried."""


@dataclass(slots=True)
class World:
    """Two tenants, and somebody in every role with a session.

    :param theirs: the second tenant, once there is one.
    :param written: how many rows were written so far, by table; ``leaks``: what was told to who must not know it.
    :param alone: what lists said, by who asked and the address, before the second tenant came.
    """

    ours: Tenant
    sessions: dict[str, str]
    theirs: Tenant | None = None
    written: dict[str, int] = field(default_factory=dict)
    leaks: list[str] = field(default_factory=list)
    alone: dict[str, dict[str, bytes]] = field(default_factory=dict)

    @property
    def tenants(self) -> Sequence[Tenant]:
        """Those there are."""
        return (self.ours, self.theirs) if self.theirs else (self.ours,)

    def ask(self, who: str, verb: str, url: str, *, strict: bool = False, **headers: str) -> HttpResponse:
        """Ask as somebody, undo what it did, and remember whether it told of others' data.

        :param strict: with the protection against forged requests, which test clients are spared.
        """
        client = Client(enforce_csrf_checks=strict, raise_request_exception=False)
        if who in self.sessions:
            client.cookies["session"] = self.sessions[who]
        with undone():
            form = "application/x-www-form-urlencoded"
            response = cast(HttpResponse, client.generic(verb, url, headers=headers, content_type=form))
            content = response.getvalue()
        self.written = rows_written()
        self._look_for_leaks(who, f"{verb} {url}", content.decode())
        return response

    def leaked(self) -> list[str]:
        """What was told since this was last asked."""
        found, self.leaks = self.leaks, []
        return found

    def _look_for_leaks(self, who: str, request: str, text: str) -> None:
        for each in self.tenants:
            if who not in ROLES and standing(who, each is self.ours) == "nobody":
                told = [canary for canary in each.canaries if canary in text and canary not in request]
                self.leaks += [f"{who}: {request} tells of {canary!r}" for canary in told]

    def add_others(self) -> None:
        """Have the second tenant come, with somebody who leads it."""
        self.theirs = tenant("Bravo", self.ours.repositories[-1].registry, 920, repositories=MANY)
        self.sessions["lead of the others"] = _session(self.theirs.people["lead"])
        self.written = rows_written()


def one_tenant() -> World:
    """One tenant, a repository nobody owns, and everybody but the others."""
    shared = registry("Shared")
    never_scanned(shared, "orphan/nobody")
    ours = tenant("Alpha", shared, 910)
    return World(ours, _sessions(ours))


def _sessions(ours: Tenant) -> dict[str, str]:
    """Log everybody in; then one is disabled and one leaves the team."""
    people = {role: user(role, role=role) for role in ROLES}
    people |= {name: user(name, role="member") for name in ("nobody", "removed", "disabled")}
    for name in ("removed", "disabled"):
        join(ours.team, people[name], "lead")
    found = {name: _session(person) for name, person in (people | dict(ours.people)).items()}
    User.objects.filter(pk=people["disabled"].pk).update(is_active=False)
    Membership.objects.filter(user=people["removed"]).delete()
    return found


def _session(person: User) -> str:
    client = Client()
    client.force_login(person)
    assert client.get(reverse("overview")).status_code == 200
    return client.cookies["session"].value


@contextmanager
def undone() -> Iterator[None]:
    """Whatever is written in it is rolled back; like Django's own test cases it may hold durable blocks."""
    block = transaction.atomic()
    block._from_testcase = True  # type: ignore[attr-defined]  # as django.test.TestCase does
    with block:
        yield
        transaction.set_rollback(True)


@contextmanager
def quiet() -> Iterator[None]:
    """A world to ask questions of: its clock stands still, nobody is rung for, and all of it is rolled back."""
    with (
        patch("django.utils.timezone.now", return_value=NOW),
        patch("compliance.views.moment.database_now", return_value=NOW),
        patch.object(BELL, "ring"),
        override_settings(STORAGES=PLAIN_STATIC),
        undone(),
    ):
        cache.clear()
        caches["process"].clear()
        yield


def standing(who: str, is_ours: bool | None) -> str:
    """What somebody is to a team; ``None`` for what no team owns."""
    if who == "lead of the others":
        return "nobody" if is_ours else "lead"
    if who in ("viewer", "triager", "lead"):
        return "nobody" if is_ours is False else who
    return "nobody" if who == "removed" else who


def rows_written() -> dict[str, int]:
    """How many rows this transaction has written so far, by table."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT relname, n_tup_ins + n_tup_upd + n_tup_del FROM pg_stat_xact_user_tables")
        return {table: count for table, count in cursor.fetchall() if table not in BOOKKEEPING}
