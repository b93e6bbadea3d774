"""Cards of the overview against the day the window began: what is kept of that day, and what follows from dates."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import pytest
from django.test import Client

from compliance.models import DailySnapshot, Registry, Repository, Team, User, Waiver
from tests.support.pages import get, logged_in
from tests.support.remediation import finding, own, team
from tests.support.rows import NOW, Fleet, fleet, never_scanned, registry, user

PROTECTED, EXPIRING = "Failing protected tags", "Waivers expiring"
BEGAN = datetime(2026, 3, 2, tzinfo=NOW.tzinfo)
"""The end of the first day of which ``fleet`` has snapshots."""
DAY = timedelta(days=1)


def card(client: Client, label: str, url: str = "/") -> str:
    """What a card says after its label."""
    (found,) = [each.text for each in get(client, url).all("a", class_="card") if each.text.startswith(label)]
    return found.removeprefix(label).strip()


@pytest.fixture
def made(db: None) -> Fleet:
    """Two repositories of a registry, the first of Payments, with a day before that of all others."""
    found = fleet(2)
    own(team(), found.repositories[:1])
    return found


def earlier(found: Fleet, *counts: int | None) -> None:
    for repository, count in zip(found.repositories, counts, strict=True):
        row = DailySnapshot.objects.get(repository=repository, day="2026-03-10")
        row.pk, row.day, row.closed, row.failed_protected = None, date(2026, 2, 20), True, count
        row.save(force_insert=True)


@pytest.mark.parametrize(
    ("then", "now", "said"),
    [
        ((1, 2), (3, 2), "5 of those that fail ▲ 2 more since 20 Feb 2026"),
        ((4, 2), (0, 2), "2 of those that fail ▼ 4 fewer since 20 Feb 2026"),
        ((1, 2), (2, 1), "3 of those that fail"),
        ((None, 2), (2, 1), "3 of those that fail; how many on 20 Feb 2026 was not kept"),
    ],
)
def test_failing_protected_tags(
    reader: Client, made: Fleet, then: tuple[int | None, ...], now: tuple[int, ...], said: str
) -> None:
    earlier(made, *then)
    for repository, count in zip(made.repositories, now, strict=True):
        Repository.objects.filter(pk=repository.pk).update(failed_protected=count)
    assert card(reader, PROTECTED) == said


def test_they_are_those_of_what_is_asked_for_and_seen(reader: Client, made: Fleet) -> None:
    earlier(made, 1, None)
    Repository.objects.update(failed_protected=3)
    Registry.objects.update(environment="production")
    said = "3 of those that fail ▲ 2 more since 20 Feb 2026"
    assert card(reader, PROTECTED, "/?team=payments") == said
    assert card(reader, PROTECTED, "/?team=payments&registry=harbor&environment=production") == said
    for url in ("/", "/?registry=harbor", "/?environment=production", "/?team=none"):
        assert card(reader, PROTECTED, url).endswith("; how many on 20 Feb 2026 was not kept"), url
    lea = user("lea", role="member")
    own(team("Others", viewer=lea), made.repositories[:1])
    assert card(logged_in(lea), PROTECTED) == said


def test_without_a_day_before_nothing_is_compared(reader: Client, made: Fleet) -> None:
    new = never_scanned(registry("Quay"), "team/new")
    Repository.objects.filter(pk=new.pk).update(failed=3, failed_protected=3)
    assert card(reader, PROTECTED) == "3 of those that fail ▲ 3 more since 1 Mar 2026"
    assert card(reader, PROTECTED, "/?registry=quay") == "3 of those that fail"


def waiver(owner: User, **columns: object) -> Waiver:
    """One that is active for long: written before the window, it ends long after it."""
    values: dict[str, object] = {
        "title": "Accepted",
        "rule": "NR103",
        "reason": "vendor",
        "owner": owner,
        "created_by": owner,
        "created_at": BEGAN - 30 * DAY,
        "approver": owner,
        "approved_at": BEGAN - 30 * DAY,
        "expires_at": NOW + 60 * DAY,
    }
    return Waiver.objects.create(**{**values, **columns})


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        ({}, "0 within 14 days"),
        ({"expires_at": NOW + 5 * DAY}, "1 within 14 days"),
        ({"expires_at": NOW + 8 * DAY}, "1 within 14 days ▲ 1 more since 1 Mar 2026"),
        ({"expires_at": BEGAN + 14 * DAY}, "1 within 14 days"),
        ({"expires_at": BEGAN + 14 * DAY + timedelta(seconds=1)}, "1 within 14 days ▲ 1 more since 1 Mar 2026"),
        ({"expires_at": NOW - DAY}, "0 within 14 days ▼ 1 fewer since 1 Mar 2026"),
        ({"expires_at": BEGAN}, "0 within 14 days"),
        ({"expires_at": NOW + 5 * DAY, "revoked_at": NOW - DAY}, "0 within 14 days ▼ 1 fewer since 1 Mar 2026"),
        ({"expires_at": NOW + 5 * DAY, "revoked_at": BEGAN - DAY}, "0 within 14 days"),
        ({"expires_at": NOW + 5 * DAY, "approved_at": NOW - DAY}, "1 within 14 days ▲ 1 more since 1 Mar 2026"),
        ({"expires_at": NOW + 5 * DAY, "approved_at": None, "approver": None}, "0 within 14 days"),
    ],
)
def test_waivers_that_expire(reader: Client, made: Fleet, columns: dict[str, object], said: str) -> None:
    waiver(User.objects.get(username="reader"), **columns)
    assert card(reader, EXPIRING) == said


def test_a_renewal_is_a_waiver_of_its_own(reader: Client, made: Fleet) -> None:
    somebody = User.objects.get(username="reader")
    first = waiver(somebody, expires_at=NOW - DAY)
    waiver(somebody, renews=first, created_at=NOW - 2 * DAY, approved_at=NOW - 2 * DAY)
    assert card(reader, EXPIRING) == "0 within 14 days ▼ 1 fewer since 1 Mar 2026"


def test_waivers_are_those_of_what_is_asked_for_and_seen(reader: Client, made: Fleet) -> None:
    somebody = User.objects.get(username="reader")
    Registry.objects.update(environment="production")
    ended = {"expires_at": NOW - DAY}
    waiver(somebody, team=Team.objects.get(slug="payments"), **ended)
    waiver(somebody, registry=made.registry, **ended)
    covering = waiver(somebody, expires_at=NOW + 5 * DAY)
    finding(made.repositories[0], status="waived", waiver=covering)
    expected = {"/": "▼ 2", "/?team=payments": "▼ 1", "/?registry=harbor": "▼ 1", "/?environment=production": "▼ 1"}
    for url, moved in expected.items():
        assert f" {moved} fewer since 1 Mar 2026" in card(reader, EXPIRING, url), url
    for url in ("/?team=none", "/?team=payments&registry=harbor"):
        assert card(reader, EXPIRING, url) == "0 within 14 days", url
    lea = user("lea", role="member")
    own(team("Others", viewer=lea), made.repositories[:1])
    assert card(logged_in(lea), EXPIRING) == "1 within 14 days"
