"""Numbers, the board, the page of a team: who sees what, and what a move does."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client

from compliance.models import Finding, FindingEvent, Repository, Team, User
from compliance.policy.wake_up import WakeUp
from compliance.queries.board import MOST_CARDS
from compliance.remediation.metrics import DEFINITIONS, Span
from compliance.remediation.status import Resolution
from tests.support.pages import get
from tests.support.remediation import finding, finding_row, findings, join, own, team
from tests.support.rows import NOW, fleet, user
from tests.support.spans import ago, store

BOARD = "/remediation/?view=board"


@pytest.fixture
def repositories(db: None) -> list[Repository]:
    """Two of one team, one of another, one of none."""
    made = fleet(4).repositories
    own(team(), made[:2])
    own(team("Shop"), made[2:3])
    return made


def client_of(somebody: User) -> Client:
    """Logged in."""
    client = Client()
    client.force_login(somebody)
    return client


def test_each_number_has_its_sentence_beside_it(reader: Client, repositories: list[Repository]) -> None:
    finding(repositories[0])
    text = get(reader, "/remediation/").text
    assert all(words in text for words in DEFINITIONS.values())


def test_tiles_say_what_the_histories_say(reader: Client, repositories: list[Repository]) -> None:
    store([Span(1, ago(6), ago(2), Resolution.PROVED, due_at=ago(1)), Span(2, ago(3), due_at=ago(1))], repositories[0])
    tiles = {tile.text.split(" What it counts")[0] for tile in get(reader, "/remediation/").all("div", class_="card")}
    assert tiles >= {
        "Open 1",
        "Overdue 1",
        "Due in 7 days 0",
        "Time to fix, median 4 days mean 4 days, 9 of 10 within 4 days 1 fixed",
        "Net resolve rate 50 % 1 fixed still, 2 opened",
        "Reopened 0",
        "Waived share 0 % 0 waived",
        "Fixed in time 100 % 1 of 1 with a due date",
    }


def test_the_table_names_who_is_overdue_first(reader: Client, repositories: list[Repository]) -> None:
    finding(repositories[0])
    finding(repositories[2], due_at=NOW - timedelta(days=1))
    finding(repositories[3])
    rows = [row.text.split() for row in get(reader, "/remediation/").all("tr") if "Time" not in row.text]
    assert [row[0] for row in rows if row[0] in ("Payments", "Shop", "No")] == ["Shop", "No", "Payments"]


def test_a_year_is_shown_by_weeks(reader: Client, repositories: list[Repository]) -> None:
    finding(repositories[0])
    page = get(reader, "/remediation/?days=365")
    assert "Unfixed at the end of each week" in page.text
    assert len(page.all("time", datetime="2026-03-10")) == 1


def test_nothing_to_fix_says_so(reader: Client, repositories: list[Repository]) -> None:
    assert "Nothing to fix" in get(reader, "/remediation/?team=payments").text
    assert "Nothing to fix" in get(reader, BOARD).text


def test_members_see_their_teams_and_no_other(repositories: list[Repository]) -> None:
    for at, repository in enumerate(repositories):
        finding(repository, subject=f"user{at}")
    somebody = user("lee", role="member")
    assert repositories[0].team
    join(Team.objects.get(slug="payments"), somebody, "viewer")
    client = client_of(somebody)
    for url in ("/remediation/", "/remediation/?team=shop", "/remediation/?team=none", BOARD, f"{BOARD}&team=shop"):
        page = get(client, url)
        assert "Shop" not in page.text
        assert "user2" not in page.text
        assert "user3" not in page.text
    assert get(client, "/remediation/").all("a", href="/findings/?tab=open")[0].text == "2"


def test_a_move_is_said_and_kept_in_the_timeline(
    reader: Client, repositories: list[Repository], rung: list[WakeUp]
) -> None:
    row = finding(repositories[0])
    back = "view=board&team=payments&days=7&next=//elsewhere"
    answer = reader.post("/remediation/move/", {"finding": row.pk, "to": "in_progress", "back": back})
    assert answer["Location"] == "/remediation/?view=board&team=payments&days=7"
    assert Finding.objects.get(pk=row.pk).status == "in_progress"
    assert FindingEvent.objects.filter(finding=row, was="new", became="in_progress").exists()
    assert "is in “In progress” now" in get(reader, answer["Location"]).text


def test_nobody_moves_into_verified(reader: Client, repositories: list[Repository]) -> None:
    row = finding(repositories[0])
    for to in ("verified", "fixed", "waived", ""):
        reader.post("/remediation/move/", {"finding": row.pk, "to": to})
    assert Finding.objects.get(pk=row.pk).status == "new"
    assert not any(option.attributes["value"] == "verified" for option in get(reader, BOARD).all("option"))


def test_what_cannot_be_moved_says_why(reader: Client, repositories: list[Repository]) -> None:
    row = finding(repositories[0], status="fixed", closed_at=NOW, resolution="proved")
    answer = reader.post("/remediation/move/", {"finding": row.pk, "to": "open"}, follow=True)
    assert "It is fixed, and only a scan can open it again." in answer.content.decode()


def test_viewers_have_no_menu_and_move_nothing(repositories: list[Repository]) -> None:
    row, foreign = finding(repositories[0]), finding(repositories[2])
    somebody = user("lee", role="member")
    assert repositories[0].team
    join(Team.objects.get(slug="payments"), somebody, "viewer")
    client = client_of(somebody)
    assert not get(client, BOARD).all("form", class_="move")
    assert client.post("/remediation/move/", {"finding": row.pk, "to": "open"}).status_code == 403
    join(team("Else"), somebody, "triager")
    client = client_of(User.objects.get(pk=somebody.pk))
    assert client.post("/remediation/move/", {"finding": row.pk, "to": "open"}).status_code == 403
    assert client.post("/remediation/move/", {"finding": foreign.pk, "to": "open"}).status_code == 404


def test_columns_hold_the_most_urgent_and_link_to_the_rest(reader: Client, repositories: list[Repository]) -> None:
    findings(finding_row(repositories[0], subject=f"user{at}") for at in range(MOST_CARDS + 3))
    finding(repositories[0], "NR101", regression=True, status="regressed", rank=4)
    finding(repositories[0], "NR102", due_at=NOW - timedelta(days=1), rank=3)
    cards = [card.text for card in get(reader, BOARD).all("li", class_="board-card")]
    assert len(cards) == MOST_CARDS
    assert "NR101" in cards[0]
    assert "NR102" in cards[1]
    assert "and 5 more" in get(reader, BOARD).text


def test_a_team_has_its_worst_repositories_first(reader: Client, repositories: list[Repository]) -> None:
    finding(repositories[0])
    finding(repositories[1], due_at=NOW - timedelta(days=1))
    page = get(reader, "/teams/payments/")
    named = [a.text for a in page.all("a") if a.text.startswith("team/app")]
    assert named == ["team/app-0001", "team/app-0000"]
    assert page.all("a", href="/repos/?team=payments")[0].attributes["data-count"] == "2"
