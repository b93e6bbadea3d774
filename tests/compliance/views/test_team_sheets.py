"""Remediation on paper: which teams, in which order, with which numbers."""

from __future__ import annotations

import pytest
from django.test import Client
from pytest_django.fixtures import DjangoAssertNumQueries

from compliance.queries import team_sheets
from tests.support.pages import Page, get, logged_in
from tests.support.remediation import finding, own, team
from tests.support.rows import NOW, fleet, user

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
    assert "What no team owns has no page here." in get(reader, f"{URL}?team=none").text


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


@pytest.mark.parametrize("teams", [1, 20])
def test_queries_do_not_grow(reader: Client, django_assert_num_queries: DjangoAssertNumQueries, teams: int) -> None:
    made = fleet(teams)
    for at, home in enumerate(made.repositories):
        own(team(f"Team {at}"), [home])
        finding(home)
    with django_assert_num_queries(11):
        reader.get(URL)


def test_the_board_leads_to_it(reader: Client) -> None:
    row = team("Web")
    assert get(reader, "/remediation/?days=7").all("a", href="/remediation/print/?days=7")
    assert get(reader, f"/remediation/?team={row.slug}").all("a", href="/remediation/print/?days=30&team=web")
