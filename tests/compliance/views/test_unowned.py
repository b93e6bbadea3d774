"""What nobody owns: who sees what of it, claiming one, some or all, giving it back."""

from __future__ import annotations

import pytest
from django.test import Client
from pytest_django.fixtures import DjangoAssertNumQueries

from compliance.models import Registry, Repository, Team, User
from compliance.services.ownership_rules import add_rule
from tests.support.pages import Page, get, get_part, logged_in
from tests.support.remediation import finding, join, own, team
from tests.support.rows import NOW, Fleet, fleet, never_scanned, registry, user

URL = "/unowned/"
CLAIM = f"{URL}claim/"
SOURCE = "org.opencontainers.image.source"


@pytest.fixture
def made(db: None) -> Fleet:
    """Four repositories, the last owned by somebody."""
    found = fleet(4)
    Repository.objects.filter(pk=found.repositories[0].pk).update(labels={SOURCE: "https://git.example/shop", "a": "b"})
    own(team("Others"), found.repositories[3:])
    return found


@pytest.fixture
def web(made: Fleet) -> Team:
    return team("Web", lead=user("lea", role="member"))


@pytest.fixture
def lea(web: Team) -> Client:
    return logged_in(User.objects.get(username="lea"))


def owners() -> list[tuple[str | None, bool]]:
    return list(Repository.objects.order_by("name").values_list("team__slug", "team_pinned"))


def ids(made: Fleet, *places: int) -> list[str]:
    return [str(made.repositories[place].pk) for place in places]


def test_who_sees_everything_sees_numbers(made: Fleet, reader: Client) -> None:
    finding(made.repositories[0])
    page = get(reader, URL)
    assert page.rows[0].text == (f"Claim team/app-0000 team/app-0000Harbor {SOURCE} https://git.example/shopa b 2 1 1")
    assert len(page.rows) == 3
    counts = {
        link.attributes["href"]: link.text for link in page.all("a") if "app-0000" in link.attributes.get("href", "")
    }
    assert counts["/findings/?repository=harbor/team/app-0000"] == "1"
    assert counts["/r/harbor/team/app-0000/-/?verdict=fail#t-tags"] == "1"


def test_an_environment_is_chosen_where_there_is_one(made: Fleet, web: Team, lea: Client) -> None:
    assert not get(lea, URL).all("select", name="environment")
    other = never_scanned(registry("Quay"), "b/two")
    Registry.objects.filter(slug="quay").update(environment="production")
    page = get(lea, f"{URL}?environment=production")
    assert [row.text for row in page.rows] == ["Claim b/two b/twoQuay · production none"]
    assert page.all("option", value="", selected="") == []
    assert page.all("div", id="results")[0].attributes["data-total"] == "1"
    assert {each.attributes["value"] for each in page.all("input", name="environment")} == {"production"}
    data = {"team": "web", "scope": "all", "expected": "1", "environment": "production"}
    response = lea.post(CLAIM, data)
    assert response["Location"].startswith(f"{URL}?environment=production&claimed=")
    other.refresh_from_db()
    assert other.team == web
    assert Repository.objects.filter(team=None).count() == 3
    assert "Nothing unowned matches" in get(lea, f"{URL}?environment=production").text


def test_leads_see_names_and_labels_only(made: Fleet, lea: Client) -> None:
    finding(made.repositories[0])
    page = get(lea, URL)
    assert [row.text for row in page.rows] == [
        f"Claim team/app-0000 team/app-0000Harbor {SOURCE} https://git.example/shopa b",
        "Claim team/app-0001 team/app-0001Harbor none",
        "Claim team/app-0002 team/app-0002Harbor none",
    ]
    assert [th.text for th in page.all("th", scope="col")] == ["Claim", "Repository", "Labels of the newest tag"]
    assert not [link for link in page.all("a") if link.attributes.get("href", "").startswith("/r/")]
    assert lea.get("/r/harbor/team/app-0000/-/").status_code == 404


def test_others_see_nothing(made: Fleet, web: Team) -> None:
    person = user("tim", role="member")
    join(web, person, "triager")
    client = logged_in(person)
    assert client.get(URL).status_code == client.post(CLAIM, {"team": "web", "scope": "all"}).status_code == 403
    auditor = logged_in(user("aud", role="auditor"))
    assert not get(auditor, URL).all("input", type="checkbox")
    assert auditor.post(CLAIM, {"team": "web", "scope": "all", "expected": "3"}).status_code == 403
    assert auditor.get("/r/harbor/team/app-0000/-/owner/").status_code == 403


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ("?q=0001", 1),
        ("?q=git.example", 1),
        ("?q=nothing", 0),
        ("?registry=harbor", 3),
        ("?registry=x", 3),
        ("?q=%00", 3),
    ],
)
def test_the_list_is_narrowed(made: Fleet, reader: Client, query: str, count: int) -> None:
    page = get(reader, URL + query)
    assert len(page.rows) == count
    assert ("Nothing unowned matches" in page.text) == (not count)
    assert "<html" not in get_part(reader, URL + query)


def test_before_the_first_scan(reader: Client) -> None:
    page = get(reader, URL)
    assert "No repositories yet" in page.text
    assert "has an owner" not in page.text


def test_what_is_gone_waits_for_nobody(made: Fleet, reader: Client) -> None:
    Repository.objects.update(deleted_at=NOW)
    assert "Every repository has an owner" in get(reader, URL).text


def test_a_lead_claims_for_their_team(made: Fleet, lea: Client) -> None:
    page = get(lea, URL)
    assert page.all("input", name="team")[0].attributes["value"] == "web"
    response = lea.post(CLAIM, {"team": "web", "scope": "chosen", "id": ids(made, 0, 2)})
    assert response.headers["Location"].startswith(URL)
    assert owners() == [("web", True), (None, False), ("web", True), ("others", False)]
    assert "2 repositories belong to Web now." in get(lea, URL).text
    assert lea.get("/r/harbor/team/app-0000/-/").status_code == 200


def test_all_that_match_are_claimed_or_none(made: Fleet, lea: Client) -> None:
    data = {"team": "web", "scope": "all", "q": "app-000", "expected": "3"}
    never_scanned(made.registry, "app-0009")
    response = lea.post(CLAIM, data)
    assert response.status_code == 409
    page = Page(response.content.decode())
    assert "Nothing was changed: look again." in page.text
    assert page.all("input", name="expected")[0].attributes["value"] == "4"
    assert {owner for owner, _ in owners()} == {None, "others"}
    assert lea.post(CLAIM, {**data, "expected": "4"}).headers["Location"].startswith(f"{URL}?q=app-000&claimed=")
    assert {owner for owner, _ in owners()} == {"web", "others"}


def test_what_somebody_else_claimed_meanwhile_is_not_taken(made: Fleet, lea: Client) -> None:
    response = lea.post(CLAIM, {"team": "web", "scope": "chosen", "id": ids(made, 0, 3)})
    assert response.status_code == 409
    assert owners()[0] == (None, False)
    assert owners()[3] == ("others", False)


def test_a_claim_is_undone_by_whoever_made_it(made: Fleet, lea: Client, reader: Client) -> None:
    Repository.objects.filter(team__slug="others").update(team_pinned=True)
    where = lea.post(CLAIM, {"team": "web", "scope": "all", "expected": "3"}).headers["Location"]
    (token,) = (field.attributes["value"] for field in get(lea, where).all("input", name="claimed"))
    assert not get(reader, where).all("input", name="claimed")
    reader.post(f"{CLAIM}undo/", {"claimed": token})
    assert owners()[0] == ("web", True)
    assert lea.post(f"{CLAIM}undo/", {"claimed": token}).headers["Location"].startswith(URL)
    assert owners() == [(None, False)] * 3 + [("others", True)]
    assert "Undone: 3 of them are as they were." in get(lea, URL).text
    lea.post(f"{CLAIM}undo/", {"claimed": token})
    assert "A claim can be undone once" in get(lea, URL).text
    assert lea.post(f"{CLAIM}undo/", {"claimed": "' OR 1=1"}).status_code == 302


@pytest.mark.parametrize(
    "data",
    [
        {"team": "web", "scope": "chosen"},
        {"team": "web", "scope": "chosen", "id": ["x", "9" * 40, "²"]},
        {"team": "web", "scope": "all"},
        {"team": "web", "scope": "all", "expected": "-1"},
        {"team": "web", "scope": "some", "expected": "3"},
        {"team": "others", "scope": "all", "expected": "3"},
        {"team": "none", "scope": "all", "expected": "3"},
        {"team": "", "scope": "all", "expected": "3"},
    ],
)
def test_claims_that_cannot_be(made: Fleet, lea: Client, data: dict[str, object]) -> None:
    assert lea.post(CLAIM, data).status_code == 422
    assert {owner for owner, _ in owners()} == {None, "others"}


@pytest.mark.parametrize("role", ["security", "admin"])
def test_security_gives_to_any_team(made: Fleet, role: str) -> None:
    client = logged_in(user("sec", role=role))
    client.post(CLAIM, {"team": "Others", "scope": "all", "expected": "3"})
    assert {owner for owner, _ in owners()} == {"others"}


def test_a_lead_gives_back_and_the_rules_decide(made: Fleet, lea: Client) -> None:
    add_rule(Team.objects.get(slug="others"), "team/app-0001", now=NOW)
    own(Team.objects.get(slug="web"), made.repositories[:2])
    Repository.objects.filter(team__slug="web").update(team_pinned=True, team_rule=None)
    for name in ("team/app-0000", "team/app-0001"):
        assert "because a person said so" in get(lea, f"/r/harbor/{name}/-/owner/").text
        response = lea.post(f"/r/harbor/{name}/-/owner/", {"by": "rules"})
        assert response.headers["Location"] == URL
    assert owners()[:2] == [(None, False), ("others", False)]


def test_a_repository_is_put_among_the_unowned_against_the_rules(made: Fleet, reader: Client) -> None:
    url = "/r/harbor/team/app-0003/-/owner/"
    add_rule(Team.objects.get(slug="others"), "*", now=NOW)
    assert reader.post(url, {"by": "nobody"}).headers["Location"] == "/r/harbor/team/app-0003/-/"
    assert owners()[3] == (None, True)
    assert len(get(reader, URL).rows) == 1
    reader.post(url, {"by": "rules"})
    assert owners()[3] == ("others", False)


def test_an_owner_is_named(made: Fleet, reader: Client, web: Team) -> None:
    url = "/r/harbor/team/app-0003/-/owner/"
    assert reader.post(url, {"by": "team", "team": "Web"}).status_code == 302
    assert owners()[3] == ("web", True)
    for data in ({"by": "team"}, {"by": "team", "team": "x"}, {"by": "king"}, {}):
        assert reader.post(url, data).status_code == 422


@pytest.mark.parametrize(
    ("by", "typed", "chosen"),
    [
        ("rules", "Web", "Whom the rules name"),
        ("nobody", "web", "Nobody: it waits to be claimed"),
        ("nobody", "nonsense", "Nobody: it waits to be claimed"),
    ],
)
def test_a_team_that_is_typed_is_never_ignored(
    made: Fleet, reader: Client, web: Team, by: str, typed: str, chosen: str
) -> None:
    url = "/r/harbor/team/app-0003/-/owner/"
    before = owners()

    response = reader.post(url, {"by": by, "team": typed})

    page = Page(response.content.decode())
    assert response.status_code == 422
    assert [field.attributes["value"] for field in page.all("input", id="id_team")] == [typed]
    assert f"“{chosen}” is chosen. Choose “This team” for what is typed, or empty the field." in page.text
    assert owners() == before


@pytest.mark.parametrize("team", [{}, {"team": ""}, {"team": "  "}, {"team": "others"}])
def test_what_the_page_had_filled_in_is_nothing_typed(made: Fleet, reader: Client, team: dict[str, str]) -> None:
    url = "/r/harbor/team/app-0003/-/owner/"
    assert [field.attributes["value"] for field in get(reader, url).all("input", id="id_team")] == ["others"]
    assert reader.post(url, {"by": "nobody", **team}).status_code == 302
    assert owners()[3] == (None, True)


def test_a_lead_takes_nothing_from_other_teams_and_gives_nothing_to_them(made: Fleet, lea: Client) -> None:
    assert lea.get("/r/harbor/team/app-0003/-/owner/").status_code == 404
    assert lea.post("/r/harbor/team/app-0003/-/owner/", {"by": "team", "team": "web"}).status_code == 404
    url = "/r/harbor/team/app-0000/-/owner/"
    assert lea.get(url).status_code == 200
    assert lea.post(url, {"by": "team", "team": "others"}).status_code == 422
    join(Team.objects.get(slug="others"), User.objects.get(username="lea"), "triager")
    assert logged_in(User.objects.get(username="lea")).get("/r/harbor/team/app-0003/-/owner/").status_code == 403
    assert owners()[0] == (None, False)
    assert lea.post(url, {"by": "team", "team": "web"}).headers["Location"] == "/r/harbor/team/app-0000/-/"
    assert owners()[0] == ("web", True)


@pytest.mark.parametrize("url", ["/r/none/team/app-0000/-/owner/", "/r/harbor/none/-/owner/", "/r/harbor/%00/-/owner/"])
def test_no_such_repository(made: Fleet, admin: Client, url: str) -> None:
    assert admin.get(url).status_code == 404


@pytest.mark.parametrize("count", [1, 120])
def test_queries_do_not_grow(
    reader: Client, django_assert_num_queries: DjangoAssertNumQueries, count: int, db: None
) -> None:
    fleet(count)
    with django_assert_num_queries(7):
        assert reader.get(URL).status_code == 200
    data = {"team": "web", "scope": "all", "expected": str(count)}
    team("Web")
    with django_assert_num_queries(12):
        assert reader.post(CLAIM, data).status_code == 302
    assert registry("Empty").repositories.count() == 0
