"""Remediation on paper: which teams, in which order, with which numbers."""

from __future__ import annotations

import pytest
from django.test import Client
from pytest_django.fixtures import DjangoAssertNumQueries

from compliance.models import Registry, Repository
from compliance.queries import team_sheets
from compliance.remediation.metrics import Span
from compliance.remediation.status import Resolution
from tests.support.pages import Page, get, logged_in
from tests.support.remediation import finding, finding_row, findings, own, team
from tests.support.rows import NOW, fleet, user
from tests.support.spans import ago, store

URL = "/remediation/print/"


def printed(page: Page) -> list[str]:
    """The names of the teams, in order."""
    return [each.text for each in page.all("h2", class_="break")]


def test_every_team_is_a_sheet_by_name_with_its_most_urgent_findings(reader: Client) -> None:
    made = fleet(2)
    for name, home in zip(("Web", "Apps"), made.repositories, strict=True):
        own(team(name), [home])
    finding(made.repositories[0], subject="later")
    first = finding(made.repositories[0], subject="overdue", due_at=NOW.replace(year=2025))
    page = get(reader, f"{URL}?days=90")
    assert printed(page) == ["Apps", "Web"]
    apps, web = page.html.split('class="team-page')[1:]
    assert "Nothing to fix." in apps
    links = [a.attributes["href"] for a in Page(f"<body>{web}</body>").all("a") if "NR103" in a.text]
    assert (len(links), links[0]) == (2, f"/findings/{first.pk}/")
    assert "/remediation/print/?days=90" in web
    assert "Last 90 days" in web
    assert "as of 2026-03-10 12:00 UTC" in web


def test_somebody_sees_the_sheets_of_their_teams_alone(db: None) -> None:
    lea = user("lea", role="member")
    team("Payments", viewer=lea)
    team("Others")
    client = logged_in(lea)
    assert printed(get(client, URL)) == ["Payments"]
    assert printed(get(client, f"{URL}?team=others")) == ["Payments"]
    assert "You are in no team yet." in get(logged_in(user("kim", role="member")), URL).text


def test_one_team_or_none_is_asked_for(reader: Client) -> None:
    for name in ("A", "B"):
        team(name)
    assert printed(get(reader, f"{URL}?team=b")) == ["B"]
    assert "Every repository belongs to a team." in get(reader, f"{URL}?team=none").text


@pytest.mark.parametrize(
    ("asked", "names"), [("", "AB"), ("?page=2", "CD"), ("?page=3", "E"), ("?page=99", "E"), ("?page=x", "AB")]
)
def test_so_many_teams_at_a_time(reader: Client, monkeypatch: pytest.MonkeyPatch, asked: str, names: str) -> None:
    monkeypatch.setattr(team_sheets, "MOST_TEAMS", 2)
    for name in "EBDCA":
        team(name)
    page = get(reader, f"{URL}{asked}")
    assert "".join(printed(page)) == names
    assert page.all("a", rel="next" if "E" not in names else "prev")


def test_what_no_team_owns_is_the_last_sheet_of_who_sees_it(reader: Client) -> None:
    made, lea = fleet(2), user("lea", role="member")
    own(team("Zebra", lead=lea), made.repositories[:1])
    urgent = finding(made.repositories[1], subject="nobody's")
    page = get(reader, URL)
    assert printed(page) == ["Zebra", "No team"]
    last = page.html.split('class="team-page')[-1]
    assert f"/findings/{urgent.pk}/" in last
    assert 'href="/findings/?team=none&amp;tab=open"' in last
    assert printed(get(reader, f"{URL}?team=none")) == ["No team"]
    assert printed(get(logged_in(lea), URL)) == ["Zebra"]
    assert printed(get(logged_in(lea), f"{URL}?team=none")) == ["Zebra"]


@pytest.mark.parametrize(("asked", "names"), [("", ["A", "B"]), ("?page=2", ["No team"]), ("?page=3", ["No team"])])
def test_it_may_be_alone_on_the_last_page(
    reader: Client, monkeypatch: pytest.MonkeyPatch, asked: str, names: list[str]
) -> None:
    monkeypatch.setattr(team_sheets, "MOST_TEAMS", 2)
    fleet(1)
    for name in "BA":
        team(name)
    assert printed(get(reader, f"{URL}{asked}")) == names


@pytest.mark.parametrize("days", ["30", "365"])
def test_each_has_the_burn_down_of_its_page(reader: Client, days: str) -> None:
    made = fleet(3)
    own(team("Web"), made.repositories[:1])
    own(team("Apps"), made.repositories[1:2])
    store([Span(1, ago(20), ago(4), Resolution.PROVED), Span(2, ago(9), due_at=ago(2))], made.repositories[0])
    store([Span(1, ago(7))], made.repositories[1])
    store([Span(1, ago(5)), Span(2, ago(3))], made.repositories[2])
    sheets = get(reader, f"{URL}?days={days}")
    for slug, home in (("web", "/teams/web/?"), ("apps", "/teams/apps/?"), ("none", "/remediation/?team=none&")):
        (drawn,) = sheets.all("desc", id=f"burndown-{slug}-desc")
        assert [drawn.text] == [each.text for each in get(reader, f"{home}days={days}").all("desc", id="burndown-desc")]


def test_sheets_are_kept_to_a_registry_and_an_environment(reader: Client) -> None:
    harbor, quay = fleet(2), fleet(1, name="Quay")
    Registry.objects.filter(slug="quay").update(environment="staging")
    own(team("Web"), [harbor.repositories[0], quay.repositories[0]])
    own(team("Apps"), harbor.repositories[1:])
    for made in (harbor, quay):
        findings([finding_row(home) for home in made.repositories])
    for asked in ("registry=quay", "environment=staging"):
        page = get(reader, f"{URL}?days=90&{asked}")
        assert printed(page) == ["Web"]
        assert "Last 90 days, " in page.text
        assert page.all("a", href=f"/findings/?team=web&{asked}&tab=open")[0].text == "1"
        assert page.all("a", href=f"/remediation/?days=90&{asked}")
        assert page.all("a", title="Remove this filter")[0].attributes["href"] == f"{URL}?days=90"
    assert printed(get(reader, f"{URL}?registry=quay&team=apps")) == ["Apps"]
    Repository.objects.filter(registry__slug="quay").update(deleted_at=NOW)
    assert "No team owns anything of Quay." in get(reader, f"{URL}?registry=quay").text


@pytest.mark.parametrize("teams", [1, 20])
def test_queries_do_not_grow(reader: Client, django_assert_num_queries: DjangoAssertNumQueries, teams: int) -> None:
    made = fleet(teams)
    for at, home in enumerate(made.repositories):
        own(team(f"Team {at}"), [home])
        finding(home)
    with django_assert_num_queries(14):  # registries to choose among, whether something is unowned, days of all teams
        reader.get(URL)


def test_the_board_leads_to_it(reader: Client) -> None:
    row = team("Web")
    assert get(reader, "/remediation/?days=7").all("a", href="/remediation/print/?days=7")
    assert get(reader, f"/remediation/?team={row.slug}").all("a", href="/remediation/print/?days=30&team=web")
