"""Teams: who sees which, making, renaming and deleting them."""

from __future__ import annotations

import pytest
from django.test import Client
from pytest_django.fixtures import DjangoAssertNumQueries

from compliance.models import Membership, OwnershipRule, Repository, Team, User, Waiver
from compliance.services.ownership_rules import add_rule
from tests.support.pages import get, logged_in
from tests.support.remediation import finding, join, own, team
from tests.support.rows import HOSTILE, NOW, fleet, user


@pytest.fixture
def web(db: None) -> Team:
    return team("Web")


def member(row: Team, role: str = "lead", name: str = "mia") -> Client:
    person = user(name, role="member")
    join(row, person, role)
    return logged_in(person)


def test_everybody_sees_their_own_teams_and_no_other(web: Team, admin: Client, reader: Client) -> None:
    team("Tools")
    mine = member(web, "viewer")
    for client, seen in ((admin, ["Tools", "Web"]), (reader, ["Tools", "Web"]), (mine, ["Web"])):
        page = get(client, "/teams/")
        assert [row.text.split()[0] for row in page.rows] == seen
    assert "Tools" not in get(mine, "/teams/?q=tools").text
    assert mine.get("/teams/tools/").status_code == mine.get("/teams/tools/members/").status_code == 404
    assert logged_in(user("new", role="member")).get("/teams/web/").status_code == 404


def test_who_is_in_no_team_is_told_what_to_do(web: Team) -> None:
    assert "You are in no team" in get(logged_in(user("new", role="member")), "/teams/").text


def test_the_list_counts_and_links(web: Team, admin: Client) -> None:
    made = fleet(3)
    own(web, made.repositories[:2])
    for name, role in (("ann", "lead"), ("bob", "viewer"), ("gone", "lead")):
        join(web, user(name, role="member"), role)
    User.objects.filter(username="gone").update(is_active=False)
    row = get(admin, "/teams/").rows[0]
    assert row.text == "Web ann 3 members of Web 2 repositories of Web"
    assert len(get(admin, "/repos/?team=web").rows) == 2
    assert "owned by web" in get(admin, "/repos/?team=web").text


def test_a_team_shows_what_is_its(web: Team) -> None:
    made = fleet(3)
    own(web, made.repositories[:1])
    finding(made.repositories[0])
    finding(made.repositories[1])
    page = get(member(web), "/teams/web/")
    addresses = [link.attributes.get("href", "") for link in page.all("a")]
    assert any(address.startswith("/findings/?") and "team=web" in address for address in addresses)
    assert "team/app-0000" in page.text
    assert "team/app-0001" not in page.text
    assert not page.all("a", href="/teams/web/delete/")


def test_a_team_is_made(admin: Client) -> None:
    response = admin.post("/teams/-/new/", {"name": "Größe & Söhne", "description": "All of it."})
    assert response.headers["Location"] == "/teams/groe-sohne/members/"
    row = Team.objects.get()
    assert (row.name, row.description, row.created_at) == ("Größe & Söhne", "All of it.", NOW)


@pytest.mark.parametrize(
    ("name", "slug"), [("支付", "team"), ("A" * 100, "a" * 60), ("-new", "new"), ("Web", "web-2"), ("web!", "web-2")]
)
def test_slugs_are_free_and_short(web: Team, admin: Client, name: str, slug: str) -> None:
    Team.objects.filter(pk=web.pk).update(name="Something else")
    assert admin.post("/teams/-/new/", {"name": name}).status_code == 302
    assert Team.objects.latest("pk").slug == slug


@pytest.mark.parametrize(
    "data",
    [{"name": ""}, {"name": "WEB"}, {"name": "a" * 101}, {"name": "a\x1bb"}, {"name": "x", "description": "d" * 301}],
)
def test_a_team_that_cannot_be(web: Team, admin: Client, data: dict[str, str]) -> None:
    assert admin.post("/teams/-/new/", data).status_code == 422
    assert Team.objects.count() == 1


def test_a_team_is_renamed_and_keeps_its_address(web: Team, admin: Client) -> None:
    assert admin.post("/teams/web/edit/", {"name": "WEB", "description": "x"}).headers["Location"] == "/teams/web/"
    web.refresh_from_db()
    assert (web.slug, web.name, web.description) == ("web", "WEB", "x")


def test_a_team_is_deleted_only_by_its_name(web: Team, admin: Client) -> None:
    assert admin.post("/teams/web/delete/", {"name": "web"}).status_code == 422
    assert admin.post("/teams/web/delete/").status_code == 422
    assert Team.objects.exists()
    assert admin.post("/teams/web/delete/", {"name": "Web"}).status_code == 302
    assert not Team.objects.exists()


def test_what_a_deleted_team_owned_falls_to_other_rules_or_to_nobody(web: Team, admin: Client) -> None:
    made = fleet(3)
    tools = team("Tools")
    add_rule(tools, "team/app-0000", now=NOW)
    add_rule(web, "team/app-000?", now=NOW)
    Repository.objects.filter(pk=made.repositories[2].pk).update(team=web, team_pinned=True)
    text = get(admin, "/teams/web/delete/").text
    assert "Its 3 repositories fall to the teams that other rules name, or to nobody" in text
    assert "1 rule of ownership goes with it" in text
    admin.post("/teams/web/delete/", {"name": "Web"})
    assert list(Repository.objects.order_by("pk").values_list("team", "team_pinned")) == [
        (tools.pk, False), (None, False), (None, False),
    ]  # fmt: skip
    assert OwnershipRule.objects.count() == 1


def test_waivers_of_a_deleted_team_end_and_what_they_covered_is_open_again(web: Team, admin: Client) -> None:
    made = fleet(1)
    own(web, made.repositories)
    boss = User.objects.get(username="boss")
    moments = {"created_at": NOW, "approved_at": NOW, "expires_at": NOW.replace(year=2027)}
    people = {"owner": boss, "created_by": boss, "approver": boss}
    waiver = Waiver.objects.create(
        title="w", rule="NR103", team=web, reason="risk", explanation="e", **people, **moments
    )
    row = finding(made.repositories[0], status="waived", waiver=waiver)
    assert "1 waiver for this team ends" in get(admin, "/teams/web/delete/").text
    admin.post("/teams/web/delete/", {"name": "Web"})
    row.refresh_from_db()
    assert (row.status, row.waiver) == ("open", None)
    assert row.events.get(kind="waiver").text == "It was revoked."


@pytest.mark.parametrize("path", ["/teams/-/new/", "/teams/web/edit/", "/teams/web/delete/"])
def test_only_administrators_make_and_change_teams(web: Team, reader: Client, path: str) -> None:
    for client in (reader, member(web)):
        assert client.get(path).status_code == client.post(path, {"name": "Web"}).status_code == 403
    assert Team.objects.get().name == "Web"


def test_hostile_names_are_inert(admin: Client) -> None:
    admin.post("/teams/-/new/", {"name": HOSTILE[:100], "description": HOSTILE})
    row = Team.objects.get()
    for path in ("/teams/", f"/teams/{row.slug}/", f"/teams/{row.slug}/members/", f"/teams/{row.slug}/delete/"):
        page = get(admin, path)
        assert not page.all("img")
        assert " ".join(row.name.split()) in page.text


@pytest.mark.parametrize("typed", ["", "w", "WEB", "%", "\0", "x" * 500])
def test_teams_are_found_while_typing(web: Team, admin: Client, typed: str) -> None:
    page = get(admin, f"/teams/-/find/?team={typed.replace('%', '%25').replace(chr(0), '%00')}")
    found = [option.attributes["value"] for option in page.all("option")]
    assert found == (["web"] if typed in ("", "w", "WEB", "\0") else [])


def test_leads_find_only_teams_they_lead(web: Team, reader: Client) -> None:
    other = team("Other")
    client = member(web)
    join(other, User.objects.get(username="mia"), "triager")
    assert [each.attributes["value"] for each in get(client, "/teams/-/find/").all("option")] == ["web"]
    assert len(get(reader, "/teams/-/find/").all("option")) == 2
    assert logged_in(user("new", role="member")).get("/teams/-/find/").status_code == 403


@pytest.mark.parametrize("teams", [1, 60])
def test_queries_do_not_grow(
    admin: Client, django_assert_num_queries: DjangoAssertNumQueries, teams: int, web: Team
) -> None:
    made = fleet(teams)
    people = User.objects.bulk_create(User(username=f"p{at}") for at in range(teams))
    for at in range(1, teams):
        own(team(f"T{at}"), made.repositories[at : at + 1])
    own(web, made.repositories[:1])
    Membership.objects.bulk_create(Membership(team=web, user=person, role="lead") for person in people)
    for path, queries in {"/teams/": 7, "/teams/web/": 11, "/teams/web/members/": 5, "/teams/web/delete/": 9}.items():
        with django_assert_num_queries(queries, info=path):
            assert admin.get(path).status_code == 200
