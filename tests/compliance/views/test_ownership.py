"""Rules of ownership: shown, previewed, added, moved, removed; and who owns a name."""

from __future__ import annotations

import pytest
from django.test import Client
from pytest_django.fixtures import DjangoAssertNumQueries

from compliance.models import OwnershipRule, Repository, Team
from compliance.services.ownership_rules import add_rule
from tests.support.pages import Page, get, get_part, logged_in
from tests.support.remediation import join, team
from tests.support.rows import HOSTILE, NOW, fleet, registry, user

URL = "/settings/ownership/"
PART = {"HX-Request": "true"}
VENDOR = "org.opencontainers.image.vendor"


@pytest.fixture
def web(db: None) -> Team:
    return team("Web")


def rule(row: Team, pattern: str, **more: object) -> OwnershipRule:
    return add_rule(row, pattern, now=NOW, **more)  # type: ignore[arg-type]  # registry or label


def preview(client: Client, **data: str) -> str:
    """What the preview says, as htmx gets it."""
    response = client.post(f"{URL}preview/", data, headers=PART)
    assert response.status_code == 200, response.content
    assert b"<html" not in response.content
    return Page(f"<body>{response.content.decode()}</body>").text


def answers(client: Client, name: str) -> list[str]:
    """Who owns a name, line by line."""
    return [item.text for item in Page(get_part(client, f"{URL}?name={name}")).all("li")]


def test_rules_say_what_they_decide_and_link_to_it(web: Team, admin: Client) -> None:
    fleet(12)
    tools = team("Tools")
    wide = rule(web, "team/*")
    rule(tools, "team/app-000?")
    Repository.objects.filter(name="team/app-0001").update(team=web, team_pinned=True, team_rule=None)
    page = get(admin, URL)
    assert [row.text.rpartition(" ↓")[0] or row.text for row in page.rows[:2]] == [
        "1 team/* all registries Web 2 repositories by team/*",
        "2 team/app-000? all registries Tools 9 repositories by team/app-000? ↑Remove…",
    ]
    assert "Unowned repositories: 0" in page.text
    assert len(get(admin, f"/repos/?team_rule={wide.pk}").rows) == 2


def test_a_preview_stores_nothing_and_says_who_owns_it_now(web: Team, admin: Client) -> None:
    made = fleet(30)
    tools = team("Tools")
    rule(tools, "team/app-000?")
    pinned = made.repositories[12]
    Repository.objects.filter(pk=pinned.pk).update(team=tools, team_pinned=True)
    text = preview(admin, pattern="team/app-00*", team="web")
    assert "It fits 30 repositories; 29 would change hands, 1 stays with whom a person said." in text
    assert "19 from nobody to Web" in text
    assert "10 from Tools to Web" in text
    assert "The first 20 of 30 are shown." in text
    assert "team/app-0012 Tools a person said so" in text.replace("Toolsa", "Tools a")
    assert OwnershipRule.objects.count() == 1


def test_a_label_is_previewed(web: Team, admin: Client) -> None:
    made = fleet(3)
    for row, vendor in zip(made.repositories, ("ACME Web", "ACME", "web"), strict=True):
        Repository.objects.filter(pk=row.pk).update(labels={VENDOR: vendor})
    assert "It fits 1 repository; 1 would change hands." in preview(admin, pattern="ACME W*", label=VENDOR, team="Web")
    assert "It fits no repository yet." in preview(admin, pattern="*", label="other", team="web")
    assert [each.attributes["value"] for each in get(admin, URL).all("option") if "." in each.attributes["value"]] == [
        VENDOR
    ]


def test_of_one_registry(web: Team, admin: Client) -> None:
    fleet(2)
    registry("Other")
    assert "no repository yet" in preview(admin, pattern="*", registry="other", team="web")
    assert "It fits 2 repositories" in preview(admin, pattern="*", registry="harbor", team="web")


def test_a_rule_is_added_below_all_others(web: Team, admin: Client) -> None:
    fleet(2)
    rule(team("Tools"), "*")
    response = admin.post(f"{URL}add/", {"pattern": "team/app-0001", "registry": "harbor", "team": "Web"})
    assert response.headers["Location"] == URL
    added = OwnershipRule.objects.latest("pk")
    assert (added.pattern, added.position, str(added.registry), added.team) == ("team/app-0001", 1, "Harbor", web)
    assert dict(Repository.objects.values_list("name", "team__slug")) == {
        "team/app-0000": "tools", "team/app-0001": "web",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("data", "said"),
    [
        ({"pattern": "", "team": "web"}, "Pattern: This field is required."),
        ({"pattern": "Web/*", "team": "web"}, "A repository has small letters"),
        ({"pattern": "x", "team": "we"}, "There is no such team. Did you mean web?"),
        ({"pattern": "x", "team": "none"}, "There is no such team."),
        ({"pattern": "x", "team": ""}, "Team: This field is required."),
        ({"pattern": "x", "team": "web", "registry": "none"}, "Select a valid choice."),
        ({"pattern": "x", "label": "a\x1b", "team": "web"}, "a character that cannot"),
        ({"pattern": "x" * 256, "team": "web"}, "at most 255 characters"),
    ],
)
@pytest.mark.parametrize("path", ["add/", "preview/"])
def test_what_cannot_be_is_said(web: Team, admin: Client, data: dict[str, str], said: str, path: str) -> None:
    for headers in ({}, PART):
        if headers and path == "preview/" and not (data["pattern"] and data["team"]):
            assert "Enter a pattern and a team" in preview(admin, **data)  # somebody is still typing
            continue
        response = admin.post(URL + path, data, headers=headers)
        assert response.status_code == 422
        assert said in Page(response.content.decode()).text
    assert not OwnershipRule.objects.exists()


def test_a_removal_is_shown_before_it_is_done(web: Team, admin: Client) -> None:
    fleet(3)
    rule(team("Tools"), "team/app-0000")
    row = rule(web, "*")
    text = preview(admin, remove=str(row.pk))
    assert "It decides 3 repositories; 3 would change hands." in text
    assert "2 from Web to nobody" in text
    assert "1 from Web to Tools" in text
    assert admin.post(f"{URL}{row.pk}/remove/").status_code == 302
    assert sorted(Repository.objects.values_list("team__slug", flat=True), key=str) == [None, None, "tools"]


def test_a_rule_is_moved(web: Team, admin: Client) -> None:
    fleet(1)
    first = rule(web, "*")
    rule(team("Tools"), "*")
    for to, slug in (("down", "web"), ("down", "web"), ("up", "tools"), ("sideways", "tools")):
        assert admin.post(f"{URL}{first.pk}/move/", {"to": to}).headers["Location"] == URL
        owner = Repository.objects.get().team
        assert owner is not None
        assert owner.slug == slug


@pytest.mark.parametrize("path", ["0/remove/", "99/move/", "preview/"])
def test_a_rule_that_is_not_there(admin: Client, path: str) -> None:
    for number in ("99", "x", "9" * 30, "²"):
        assert admin.post(URL + path, {"remove": number}).status_code == 404


def test_who_owns_a_name(web: Team, admin: Client) -> None:
    fleet(2)
    registry("Other")
    rule(web, "team/*", registry=Repository.objects.earliest("pk").registry)
    Repository.objects.filter(name="team/app-0001").update(team=None, team_pinned=True, team_rule=None)
    assert answers(admin, "team/app-0000") == ["Web in Harborteam/app-0000rule 1: team/*"]
    assert answers(admin, "team/app-0001") == ["Nobody in Harborteam/app-0001a person said so"]
    part = get_part(admin, f"{URL}?name=team/new")
    assert "<html" not in part
    alone = "there is no such repository yet; by its name alone"
    assert answers(admin, "team/new") == [f"Web in Harbor{alone}rule 1: team/*", f"Nobody in Other{alone}no rule fits"]
    assert "Nobody in Harbor" in get(admin, f"{URL}?name=%00x").text


def test_without_rules_it_says_how_to_begin(admin: Client) -> None:
    page = get(admin, URL)
    assert "No rules yet" in page.text
    assert "There is no registry to ask about." in get(admin, f"{URL}?name=x").text


@pytest.mark.parametrize("role", ["member", "auditor", "security"])
def test_only_administrators_see_and_change_rules(web: Team, role: str) -> None:
    person = user("lea", role=role)
    join(web, person, "lead")
    client, row = logged_in(person), rule(web, "*")
    assert client.get(URL).status_code == 403
    for path in ("add/", "preview/", f"{row.pk}/remove/", f"{row.pk}/move/"):
        assert client.post(URL + path, {"pattern": "x", "team": "web"}).status_code == 403
    assert OwnershipRule.objects.count() == 1


def test_hostile_labels_are_inert(web: Team, admin: Client) -> None:
    fleet(1)
    Repository.objects.update(labels={HOSTILE: HOSTILE})
    rule(web, HOSTILE, label=HOSTILE)
    for page in (get(admin, URL), get(admin, "/unowned/"), get(admin, "/r/harbor/team/app-0000/-/owner/")):
        assert not page.all("img")
        assert not page.all("b")
    assert Repository.objects.get().team == web


@pytest.mark.parametrize("rules", [1, 60])
def test_queries_do_not_grow(
    web: Team, admin: Client, django_assert_num_queries: DjangoAssertNumQueries, rules: int
) -> None:
    fleet(rules)
    for at in range(rules):
        OwnershipRule.objects.create(position=at, team=web, pattern=f"team/app-{at:04}")
    with django_assert_num_queries(9):
        assert admin.get(URL).status_code == 200
    with django_assert_num_queries(11):
        assert admin.get(f"{URL}?name=team/app-0000").status_code == 200
    with django_assert_num_queries(7):
        preview(admin, pattern="team/*", team="web")
