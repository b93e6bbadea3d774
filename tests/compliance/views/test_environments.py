"""The environment of a registry: set in its form, chosen on the overview, kept by every list that is linked from it."""

from __future__ import annotations

import csv
import io

import pytest
from django.test import Client

from compliance.models import Registry, Repository, SavedView, User
from tests.support.pages import Page, get
from tests.support.remediation import finding, own, team
from tests.support.rows import Fleet, fleet, user

pytestmark = pytest.mark.django_db
LISTS = ("/tags/", "/repos/", "/findings/", "/waivers/")


@pytest.fixture
def places() -> tuple[Fleet, Fleet]:
    """Two repositories in production and one in staging."""
    made = fleet(2), fleet(1, name="Quay")
    for each, label in zip(made, ("production", "staging"), strict=True):
        Registry.objects.filter(pk=each.registry.pk).update(environment=label)
        for repository in each.repositories:
            finding(repository, tags=[tag for tag in each.tags if tag.repository_id == repository.pk])
    return made


def options(client: Client, url: str) -> list[str]:
    _, _, rest = get(client, url).html.partition('name="environment"')
    return [option.text for option in Page(rest.partition("</select>")[0]).all("option")]


def test_the_overview_offers_what_registries_have(reader: Client, places: tuple[Fleet, Fleet]) -> None:
    assert options(reader, "/") == ["Every one", "production", "staging"]
    Registry.objects.update(environment="")
    assert options(reader, "/") == []


def test_every_card_and_list_is_kept_to_it(reader: Client, places: tuple[Fleet, Fleet]) -> None:
    page = get(reader, "/?environment=production")
    links = {a.attributes["href"] for a in page.all("a", class_="card")}
    assert links
    assert all("environment=production" in link for link in links)
    assert "4 tags in 2 repositories of production." in page.text
    shown = {name: get(reader, f"{name}?environment=production") for name in LISTS}
    totals = {name: each.all("div", id="results")[0].attributes["data-total"] for name, each in shown.items()}
    assert totals == {"/tags/": "4", "/repos/": "2", "/findings/": "2", "/waivers/": "0"}


@pytest.mark.parametrize("path", ["/tags/", "/repos/", "/findings/"])
def test_capital_letters_mean_the_same(reader: Client, places: tuple[Fleet, Fleet], path: str) -> None:
    shown = [get(reader, f"{path}?environment={label}").all("div", id="results") for label in ("staging", "Staging")]
    (total,) = {each[0].attributes["data-total"] for each in shown}
    everywhere = get(reader, path).all("div", id="results")[0].attributes["data-total"]
    assert int(total) < int(everywhere)


def test_the_overview_reads_them_alike(reader: Client, places: tuple[Fleet, Fleet]) -> None:
    assert "2 tags in 1 repository of staging." in get(reader, "/?environment=Staging").text


@pytest.mark.parametrize("path", ["/", *LISTS])
def test_it_is_a_chip_that_can_be_taken_off(reader: Client, places: tuple[Fleet, Fleet], path: str) -> None:
    chips = get(reader, f"{path}?environment=staging").all("a", class_="chip")
    (chip,) = [each for each in chips if "staging" in each.text]
    assert "environment" not in chip.attributes["href"]


@pytest.mark.parametrize("path", ["/repos/", "/tags/", "/waivers/", "/findings/"])
def test_the_forms_of_lists_keep_it(reader: Client, places: tuple[Fleet, Fleet], path: str) -> None:
    page = get(reader, f"{path}?environment=staging")
    hidden = [field.attributes["value"] for field in page.all("input", name="environment")]
    chosen = [option.text for option in page.all("option", selected="")]
    assert "staging" in (*hidden, *chosen)


def test_registry_and_environment_that_do_not_fit_show_nothing(reader: Client, places: tuple[Fleet, Fleet]) -> None:
    page = get(reader, "/?registry=harbor&environment=staging")
    assert "0 tags in 0 repositories of Harbor of staging." in page.text


@pytest.mark.parametrize("label", ["nowhere", "'; --", "\u202e", "x" * 10_000, "PRODUCTION "])
def test_what_there_is_not_changes_nothing(reader: Client, places: tuple[Fleet, Fleet], label: str) -> None:
    page = get(reader, "/?" + f"environment={label}")
    assert "6 tags in 3 repositories" in page.text


def test_exports_keep_it(reader: Client, places: tuple[Fleet, Fleet]) -> None:
    answer = reader.get("/findings/export/?environment=staging&format=csv")
    rows = list(csv.DictReader(io.StringIO(b"".join(answer).decode())))
    assert {row["registry"] for row in rows} == {"quay"}


def test_the_search_box_of_the_inbox_knows_the_word(reader: Client, places: tuple[Fleet, Fleet]) -> None:
    page = get(reader, "/findings/?q=environment:staging")
    assert page.all("div", id="results")[0].attributes["data-total"] == "1"


def test_members_are_offered_the_environments_of_what_they_may_see(client: Client, places: tuple[Fleet, Fleet]) -> None:
    lee = user("lee", role="member")
    own(team("Web", triager=lee), places[1].repositories)
    client.force_login(lee)
    assert options(client, "/") == ["Every one", "staging"]
    assert "2 tags in 1 repository" in get(client, "/?environment=production").text


def test_a_shared_view_of_an_environment_nobody_may_see_is_not_shown(
    client: Client, places: tuple[Fleet, Fleet]
) -> None:
    lee = user("lee", role="member")
    own(team("Web", triager=lee), places[1].repositories)
    boss = User.objects.create(username="boss", role="admin")
    for label in ("production", "staging"):
        SavedView.objects.create(by=boss, name=f"All of {label}", query=f"environment={label}", shared=True)
    client.force_login(lee)
    shown = get(client, "/findings/").text
    assert ("All of staging" in shown, "All of production" in shown) == (True, False)


def test_a_trend_of_an_environment_is_of_its_registries(reader: Client, places: tuple[Fleet, Fleet]) -> None:
    both, one = get(reader, "/").html, get(reader, "/?environment=staging").html
    assert "Verdicts of all tags" in both
    assert "Verdicts of the tags of staging" in one


def test_the_form_of_a_registry_sets_it(admin: Client, places: tuple[Fleet, Fleet]) -> None:
    page = get(admin, "/registries/quay/edit/")
    assert page.all("input", name="environment")[0].attributes["value"] == "staging"
    assert "staging" in get(admin, "/registries/").text
    assert get(admin, "/registries/quay/").all("a", href="/repos/?environment=staging")
    assert Repository.objects.filter(registry__environment="staging").count() == 1
