"""Numbers, the board, the page of a team: who sees what, and what a move does."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse

from compliance.models import Finding, FindingEvent, Repository, Team, User
from compliance.policy.wake_up import WakeUp
from compliance.queries.board import MOST_CARDS
from compliance.remediation.metrics import DEFINITIONS, Span
from compliance.remediation.status import Resolution
from compliance.services.set_baseline import set_baseline
from tests.support.pages import get
from tests.support.remediation import finding, finding_row, findings, join, own, team
from tests.support.rows import NOW, fleet, never_scanned, registry, user
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


def test_the_table_says_who_answers_for_what(reader: Client, repositories: list[Repository]) -> None:
    row = Team.objects.get(slug="payments")
    for name in ("zoe", "ada", "kim"):
        join(row, user(name, role="member"), "lead")
    join(row, user("cleo", role="member"), "viewer")
    User.objects.filter(username="kim").update(is_active=False)
    Repository.objects.filter(pk=repositories[0].pk).update(deleted_at=NOW)
    finding(repositories[3])
    page = get(reader, "/remediation/")
    lines = {line.text.split(" 0 ")[0] for line in page.all("tr")}
    assert {"Payments ada, zoe 1", "Shop nobody 1"} <= lines
    assert any(line.text.startswith("No team nobody – ") for line in page.all("tr"))
    assert page.all("a", href=f"{reverse('repositories')}?team=payments")[0].attributes["data-count"] == "1"


def test_a_team_that_was_just_made_is_in_the_table(reader: Client, repositories: list[Repository]) -> None:
    finding(repositories[0])
    assert "Payments" in get(reader, "/remediation/").text
    Team.objects.create(slug="new", name="Newcomers", created_at=NOW)  # no finding and no repository is another one
    assert any(line.text.startswith("Newcomers nobody 0") for line in get(reader, "/remediation/").all("tr"))


def test_the_burn_down_has_a_target(reader: Client, repositories: list[Repository]) -> None:
    store([Span(1, ago(6), due_at=ago(1)), Span(2, ago(6))], repositories[0])
    page = get(reader, "/remediation/?days=7")
    assert len(page.all("path", class_="target")) == 1
    newest = next(row for row in page.all("tr") if "10 Mar 2026" in row.text)
    assert newest.text.split()[-5:] == ["2", "1", "1", "1", "0"]  # unfixed, target, on time, overdue, waived


def test_a_year_is_shown_by_weeks(reader: Client, repositories: list[Repository]) -> None:
    finding(repositories[0])
    page = get(reader, "/remediation/?days=365")
    assert "Unfixed at the end of each week" in page.text
    assert len(page.all("time", datetime="2026-03-10")) == 1


def test_nothing_to_fix_says_so(reader: Client, repositories: list[Repository]) -> None:
    page = get(reader, "/remediation/?team=payments")
    assert "Nothing to fix" in page.text
    assert not page.all("svg", class_="plot")
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


LANES = f"{BOARD}&lanes=repository"


def test_lanes_hold_the_cards_of_a_repository_each(reader: Client, repositories: list[Repository]) -> None:
    first, second, third, _ = repositories
    finding(third, "NR102", status="fix_claimed")
    finding(second, "NR101", due_at=NOW - timedelta(days=1))
    finding(second, "NR102", status="in_progress")
    finding(first, "NR103")
    page = get(reader, LANES)
    names = [head.text for head in page.all("h2") if head.attributes.get("id", "").startswith("l-")]
    assert names == ["team/app-0001", "team/app-0000", "team/app-0002"]
    cells = [cell.text for cell in page.all("div") if "data-column" in cell.attributes]
    assert [[word for word in ("NR101", "NR102", "NR103") if word in cell] for cell in cells] == [
        *(["NR101"], ["NR102"], [], []),
        *(["NR103"], [], [], []),
        *([], [], ["NR102"], []),
    ]
    heads = page.all("ul", class_="lane-heads")[0].text
    assert heads == "To do 2 In progress 1 Fix claimed 1 Verified 0 in the last 30 days"


def test_repositories_of_one_name_are_lanes_of_their_own(reader: Client, repositories: list[Repository]) -> None:
    quay = never_scanned(registry("Quay"), repositories[0].name)
    finding(quay)
    finding(repositories[0])
    page = get(reader, LANES)
    names = [lane.text.partition("NR103")[0] for lane in page.all("section", class_="lane")]
    assert [name.split()[:2] for name in names] == [["team/app-0000Quay", "·"], ["team/app-0000Harbor", "·"]]
    linked = {link.attributes["href"] for link in page.all("a") if link.text == "team/app-0000"}
    assert linked == {"/r/harbor/team/app-0000/-/", "/r/quay/team/app-0000/-/"}


def test_lanes_show_the_same_cards_and_counts(reader: Client, repositories: list[Repository]) -> None:
    findings(finding_row(repositories[at % 3], subject=f"user{at}") for at in range(MOST_CARDS + 5))
    findings(finding_row(repositories[at % 2], "NR101", subject=f"u{at}", status="in_progress") for at in range(3))

    def shown(url: str) -> tuple[set[str], set[tuple[str, str]]]:
        page = get(reader, url)
        assert "and 5 more" in page.text
        numbers = {(a.attributes["href"], a.text) for a in page.all("a") if "data-count" in a.attributes}
        return {box.attributes["value"] for box in page.all("input", name="finding")}, numbers

    assert shown(LANES) == shown(BOARD)
    assert len(shown(LANES)[0]) == MOST_CARDS + 3


def test_lanes_are_chosen_by_a_link_and_stay(reader: Client, repositories: list[Repository]) -> None:
    row = finding(repositories[0])
    here = "/remediation/?view=board&team=payments&days=7"
    by_lanes = f"{here}&lanes=repository"
    links = {a.text: a.attributes for a in get(reader, here).all("a")}
    assert (links["By repository"]["href"], "aria-current" in links["No lanes"]) == (by_lanes, True)
    page = get(reader, by_lanes)
    links = {a.text: a.attributes for a in page.all("a")}
    assert (links["No lanes"]["href"], "aria-current" in links["By repository"]) == (here, True)
    assert links["Numbers"]["href"] == "/remediation/?team=payments&days=7"
    assert page.all("input", name="lanes")[0].attributes["value"] == "repository"
    back = page.all("input", name="back")[0].attributes["value"]
    answer = reader.post("/remediation/move/", {"finding": row.pk, "to": "in_progress", "back": back})
    assert answer["Location"] == by_lanes


@pytest.mark.parametrize("asked", ["", "team", "repository%00"])
def test_other_lanes_are_none(reader: Client, repositories: list[Repository], asked: str) -> None:
    finding(repositories[0])
    page = get(reader, f"{BOARD}&lanes={asked}")
    assert (page.all("section", class_="lane"), len(page.all("li", class_="board-card"))) == ([], 1)


def test_no_lanes_where_nothing_is_open(reader: Client, repositories: list[Repository]) -> None:
    page = get(reader, LANES)
    assert "Nothing to fix" in page.text
    assert not page.all("section", class_="lane")


def test_a_team_has_its_worst_repositories_first(reader: Client, repositories: list[Repository]) -> None:
    finding(repositories[0])
    finding(repositories[1], due_at=NOW - timedelta(days=1))
    page = get(reader, "/teams/payments/")
    named = [a.text for a in page.all("a") if a.text.startswith("team/app")]
    assert named == ["team/app-0001", "team/app-0000"]
    assert page.all("a", href="/repos/?team=payments")[0].attributes["data-count"] == "2"


@pytest.mark.parametrize("path", ["/remediation/", "/remediation/?team=payments", "/teams/payments/"])
def test_what_is_new_since_a_baseline_is_told_apart(reader: Client, path: str) -> None:
    home = fleet(1).repositories[0]
    finding(home, subject="known")
    own(team("Payments"), [home])
    assert "new since a baseline" not in get(reader, path).text
    set_baseline(home.pk, by=user("sam"), now=NOW)
    assert "new since a baseline" not in get(reader, path).text
    finding(home, subject="later")
    finding(home, subject="later, waived", status="waived")
    link = next(a for a in get(reader, path).all("a") if a.text == "1 new since a baseline")
    assert f'data-total="{link.attributes["data-count"]}"' in get(reader, link.attributes["href"]).html
