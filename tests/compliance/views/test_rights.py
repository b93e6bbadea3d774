"""What somebody with few rights is shown instead; what is waived is shown apart."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

import pytest
from django.test import Client
from pytest_django.fixtures import DjangoAssertNumQueries

from compliance.models import DailySnapshot, Repository, Tag, Team
from compliance.views.rights import REFUSALS
from tests.support.pages import Page, get, logged_in
from tests.support.remediation import own, team
from tests.support.rows import Fleet, fleet, user

pytestmark = pytest.mark.django_db


@pytest.fixture
def member() -> Client:
    """Somebody in one team, which owns nothing yet."""
    person = user("mia", role="member")
    team("Payments", triager=person)
    client = Client()
    client.force_login(person)
    return client


def owned(made: Fleet, repositories: Iterable[Repository]) -> None:
    """Give some of them to the member's team."""
    own(Team.objects.get(), repositories)
    assert made.repositories


def waive(tags: Iterable[Tag]) -> None:
    """As reconciling leaves failing tags whose findings are all waived."""
    for tag in tags:
        Tag.objects.filter(pk=tag.pk).update(excused_as="waived")
        Repository.objects.filter(pk=tag.repository_id).update(failed=0, waived=1, verdict="waived")


def sections(page: Page) -> list[str]:
    return [a.text for a in page.all("a") if "data-key" in a.attributes]


def test_the_menu_has_what_may_be_opened(member: Client, reader: Client) -> None:
    operations = {"Registries", "Scans", "Webhooks"}
    assert operations <= set(sections(get(reader, "/")))
    assert {"Repositories", "Tags", "Rules"} <= set(sections(get(member, "/")))
    assert not operations & set(sections(get(member, "/")))


def test_who_is_refused_is_told_why_and_whom_to_ask(member: Client, reader: Client) -> None:
    page = get(member, "/registries/", status=403)
    assert "name repositories of every team" in page.text
    assert "Ask an administrator" in page.text
    assert (
        "Your role may not change policies. Ask an administrator." in get(reader, "/policies/-/new/", status=403).text
    )


def test_templates_ask_for_rights_that_there_are() -> None:
    known = {right.__name__.removeprefix("may_") for right in REFUSALS}
    templates = (Path(__file__).parents[3] / "templates").rglob("*.html")
    asked = {name for path in templates for name in re.findall(r"\bmay\.([a-z_]+)", path.read_text())}
    assert asked
    assert asked <= known, "put these into REFUSALS of compliance/views/rights.py"


def test_a_member_without_repositories_is_told_how_to_get_some(member: Client) -> None:
    fleet(2)
    for url in ("/", "/repos/", "/tags/"):
        page = get(member, url)
        assert "belong to a team you are in" in page.text
        assert "app-0000" not in page.text


@pytest.mark.parametrize("url", ["/remediation/", "/remediation/?view=board", "/waivers/"])
def test_who_is_in_no_team_is_told_so_where_nothing_is_to_do(reader: Client, url: str) -> None:
    fleet(2)
    assert "belong to a team you are in" in get(logged_in(user("new", role="member")), url).text
    assert "belong to a team you are in" not in get(reader, url).text


def test_a_member_counts_what_their_teams_have(member: Client, reader: Client) -> None:
    made = fleet(3)
    owned(made, made.repositories[:1])
    assert "2 tags in 1 repository of 1 registry" in get(member, "/").text
    assert "6 tags in 3 repositories of 1 registry" in get(reader, "/").text
    assert [row.text.split(" ")[0] for row in get(member, "/repos/").rows] == ["team/app-0000"]
    assert "1 tag violates it" in get(member, "/rules/NR103/").text
    assert "3 tags violate it" in get(reader, "/rules/NR103/").text
    assert "judges 1 repository" in get(member, "/policies/kubernetes/").text


def test_a_member_sees_the_trend_of_their_teams(member: Client) -> None:
    made = fleet(3)
    owned(made, made.repositories[:1])
    page = get(member, "/?days=7")
    table = page.all("div", class_="scroll")[0].text
    assert "Verdicts of the tags of your teams" in page.html
    assert "09 Mar 2 1 1 0 0" in table


def test_an_image_a_tag_has_moved_on_from_stays_in_sight(member: Client) -> None:
    made = fleet(2)
    owned(made, made.repositories[:1])
    assert get(member, f"/i/{made.failing.digest}/")
    Tag.objects.filter(repository=made.repositories[0]).update(image=None)
    Tag.objects.filter(repository=made.repositories[0], name="1.0").delete()
    assert get(member, f"/i/{made.failing.digest}/"), "the history of its tag links to it"
    get(member, f"/i/{made.passing.digest}/", status=404)


def test_queries_of_a_member_do_not_grow(member: Client, django_assert_num_queries: DjangoAssertNumQueries) -> None:
    made = fleet(60)
    owned(made, made.repositories)
    expected = {"/repos/": 9, "/tags/": 6, "/rules/": 4, f"/i/{made.failing.digest}/": 7}
    for url, count in expected.items():
        with django_assert_num_queries(count, info=url):
            assert member.get(url).status_code == 200


def test_what_is_waived_is_listed_apart(reader: Client) -> None:
    made = fleet(2)
    waive(tag for tag in made.tags if tag.verdict == "fail" and tag.repository == made.repositories[0])
    for url in ("/tags/?verdict=waived", "/repos/?verdict=waived"):
        assert [row.text[:13] for row in get(reader, url).rows] == ["team/app-0000"]
    assert [row.text[:13] for row in get(reader, "/tags/?verdict=fail").rows] == ["team/app-0001"]
    repository = get(reader, "/r/harbor/team/app-0000/-/")
    assert "1 of 2 tags pass; 1 is waived." in repository.text
    assert "Waived 1" in [a.text for a in repository.all("a")]
    tag = get(reader, "/r/harbor/team/app-0000/-/t/latest/")
    assert tag.all("div", class_="is-waived")
    assert "By its policy it fails; every violation that decides is waived." in tag.text


def test_what_is_waived_counts_and_is_no_pass(reader: Client) -> None:
    made = fleet(1)
    waive(tag for tag in made.tags if tag.verdict == "fail")
    DailySnapshot.objects.filter(closed=False).update(failed=0, waived=1)
    page = get(reader, "/")
    assert "Compliance 50 % 1 of 2 tags pass" in page.text
    assert page.all("a", href="/tags/?verdict=waived")[0].text.startswith("Waived tags 1 ")
    assert "waived from 0 to 1" in page.all("desc")[0].text
