"""Waivers that have ended while the clock was away: no page says *waived* of what they covered without saying so."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from compliance.models import Finding, StatusChoice, Team, Waiver
from tests.support.pages import Page, get, logged_in
from tests.support.remediation import join, own, team, waived_until
from tests.support.rows import NOW, fleet, user

LATE = timedelta(minutes=25)
PAGES = ("/", "/findings/?tab=waived", "/repos/", "/tags/", "/remediation/", "/waivers/", "/teams/")


@pytest.fixture
def web(db: None) -> Team:
    return team("Web")


@pytest.fixture
def waived(web: Team) -> Finding:
    """Of team Web, under a waiver that ended 25 minutes ago."""
    repository = fleet(1).repositories[0]
    own(web, [repository])
    return waived_until(repository, user("owner"), NOW - LATE)


@pytest.fixture
def security(db: None) -> Client:
    return logged_in(user("sec", role="security"))


def _said(page: Page) -> str:
    return "".join(each.text for each in page.all("p", id="lapsed"))


@pytest.mark.parametrize("url", PAGES)
def test_every_page_that_counts_them_says_so(security: Client, waived: Finding, url: str) -> None:
    page = get(security, url)
    assert _said(page).startswith("Findings whose waiver has ended still read waived, the first for 25 minutes:")
    assert page.all("a", href="/settings/system/")


def test_it_costs_no_query(security: Client, waived: Finding) -> None:
    asked = []
    for end, said in ((NOW + LATE, False), (NOW - LATE, True)):
        Waiver.objects.update(expires_at=end)
        with CaptureQueriesContext(connection) as queries:
            assert bool(_said(get(security, "/findings/"))) is said
        asked.append(len(queries))
    assert asked[0] == asked[1]


@pytest.mark.parametrize(
    "columns",
    [
        {"expires_at": timedelta(minutes=-1)},
        {"expires_at": timedelta(minutes=1)},
        {"revoked_at": timedelta(minutes=-30)},
        {"reopened_at": timedelta(minutes=-20)},
    ],
)
def test_nothing_is_said_of_others(security: Client, waived: Finding, columns: dict[str, timedelta]) -> None:
    """The tick may still come in time; it has not ended; somebody else has opened again what it covered."""
    Waiver.objects.update(**{name: NOW + away for name, away in columns.items()})
    assert not _said(get(security, "/findings/"))


def test_nor_of_one_that_covers_nothing(security: Client, waived: Finding) -> None:
    Finding.objects.update(status=StatusChoice.OPEN)
    assert not _said(get(security, "/findings/"))


def test_a_member_is_told_of_what_their_team_owns(web: Team, waived: Finding) -> None:
    lead, other = user("lead", role="member"), user("other", role="member")
    join(web, lead, "lead")
    team("Payments", lead=other)
    page = get(logged_in(lead), "/findings/")
    assert _said(page).endswith("Tell an administrator.")
    assert not page.all("a", href="/settings/system/")
    assert not _said(get(logged_in(other), "/findings/"))


def test_its_row_and_its_page_say_that_it_has_ended(security: Client, waived: Finding) -> None:
    row = get(security, "/findings/?tab=waived").all("tr", id=f"finding-{waived.pk}")[0]
    assert "its waiver ended 25 minutes ago" in row.text
    words = "which ended 25 minutes ago: nothing has opened it again yet"
    assert words in get(security, f"/findings/{waived.pk}/").text


def test_until_then_they_say_when(security: Client, waived: Finding) -> None:
    Waiver.objects.update(expires_at=NOW + timedelta(days=2))
    row = get(security, "/findings/?tab=waived").all("tr", id=f"finding-{waived.pk}")[0]
    assert "its waiver ended" not in row.text
    assert "until " in row.text
    assert "which ended" not in get(security, f"/findings/{waived.pk}/").text
