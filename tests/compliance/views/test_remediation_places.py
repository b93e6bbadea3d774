"""Remediation kept to a registry and to an environment: numbers, teams, the board, and every link from them."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

import pytest
from django.test import Client

from compliance.models import Registry
from compliance.remediation.metrics import Span
from compliance.remediation.status import Resolution
from tests.support.pages import Page, get, logged_in
from tests.support.remediation import finding, own, team
from tests.support.rows import Fleet, fleet, user
from tests.support.spans import ago, store

BOARD = "/remediation/?view=board"
_NAMES = ("Payments", "Shop", "No team")
_NOBODY = "/remediation/?days=90&environment=production&team=none"


@pytest.fixture
def places(db: None) -> tuple[Fleet, Fleet]:
    """Two repositories in production, of Payments and of nobody, and two of Payments and of Shop in staging."""
    made = fleet(2), fleet(2, name="Quay")
    for each, label in zip(made, ("production", "staging"), strict=True):
        Registry.objects.filter(pk=each.registry.pk).update(environment=label)
        for at, repository in enumerate(each.repositories):
            store([Span(at, ago(9), ago(2), Resolution.PROVED), Span(10 + at, ago(4))], repository)
    own(team(), [made[0].repositories[0], made[1].repositories[0]])
    own(team("Shop"), made[1].repositories[1:])
    return made


def tile(page: Page, label: str) -> str:
    (found,) = [each.text for each in page.all("div", class_="card") if each.text.startswith(label)]
    return found.removeprefix(label).split(" What it counts")[0].strip()


def teams_of(page: Page) -> dict[str, str]:
    """How many repositories each team of the table owns."""
    lines = page.html.split('id="t-teams"')[1].split("<tbody>")[1].split("</tbody>")[0].split("</tr>")[:-1]
    cells = [Page(f"<body><table>{line}</tr></table></body>") for line in lines]
    return {each.all("th")[0].text: each.all("td", data_label="Repositories")[0].text for each in cells}


def test_numbers_charts_and_teams_are_of_it(reader: Client, places: tuple[Fleet, Fleet]) -> None:
    page = get(reader, "/remediation/")
    assert (tile(page, "Open"), tile(page, "Net resolve rate")) == ("4", "50 % 4 fixed still, 8 opened")
    for asked in ("registry=quay", "environment=staging", "registry=quay&environment=staging"):
        for _ in range(2):  # the second time from what the process keeps
            page = get(reader, f"/remediation/?{asked}")
            assert (tile(page, "Open"), tile(page, "Net resolve rate")) == ("2", "50 % 2 fixed still, 4 opened")
            assert teams_of(page) == {"Payments": "1", "Shop": "1"}
    assert teams_of(get(reader, "/remediation/?registry=harbor")) == {"Payments": "1", "No team": "–"}
    assert tile(get(reader, "/remediation/?registry=quay&team=payments"), "Open") == "1"
    assert tile(get(reader, "/remediation/?registry=quay&environment=production"), "Open") == "0"
    assert tile(get(reader, "/remediation/?registry=nothing&environment=moon"), "Open") == "4"


@pytest.mark.parametrize("url", ["/remediation/?days=90", f"{BOARD}&days=90", "/remediation/print/?days=90"])
def test_every_link_that_counts_keeps_it(reader: Client, places: tuple[Fleet, Fleet], url: str) -> None:
    page = get(reader, f"{url}&registry=quay&environment=staging")
    counted = [link.attributes["href"] for link in page.elements if "data-count" in link.attributes]
    assert len(counted) > 3
    for href in counted:
        asked = parse_qs(urlsplit(href).query)
        assert (asked["registry"], asked["environment"]) == (["quay"], ["staging"]), href


def test_pages_about_the_same_keep_it(reader: Client, places: tuple[Fleet, Fleet]) -> None:
    asked = "days=90&team=payments&registry=quay&environment=staging"
    assert get(reader, f"/?{asked}").all("a", href=f"/remediation/?{asked}")
    page = get(reader, f"/remediation/?{asked}")
    assert page.all("a", href=f"/remediation/print/?{asked}")
    (views,) = [each for each in page.all("a") if each.text == "Board"]
    assert parse_qs(urlsplit(views.attributes["href"]).query) == {**parse_qs(asked), "view": ["board"]}
    assert get(reader, f"/remediation/print/?{asked}").all("a", href=f"/remediation/?{asked}")


@pytest.mark.parametrize(
    ("path", "heading"), [("/remediation/", "t-teams"), ("/remediation/print/", "main"), ("/", "t-teams")]
)
def test_names_of_teams_keep_it(reader: Client, places: tuple[Fleet, Fleet], path: str, heading: str) -> None:
    """Pages of teams, and of what nobody owns, know no environment; without one they are where a name leads to."""

    def named(asked: str) -> dict[str, str]:
        part = get(reader, f"{path}?{asked}").html.split(f'id="{heading}"')[1]
        links = [each for each in Page(f"<body><main>{part}</main></body>").all("a") if each.text in _NAMES]
        return {each.text: each.attributes["href"] for each in links}

    nowhere = {"Payments": "/teams/payments/?days=90", "Shop": "/teams/shop/?days=90", "No team": "/unowned/"}
    assert nowhere.items() >= named("days=90").items()
    kept = "days=90&registry=quay&environment=staging"
    assert named(kept) == {name: f"/remediation/?{kept}&team={name.lower()}" for name in ("Payments", "Shop")}
    elsewhere = named("days=90&environment=production")
    assert elsewhere.get("No team", _NOBODY) == _NOBODY
    assert ("No team" in elsewhere) is (path != "/")
    assert get(reader, _NOBODY).all("option", selected="")[0].attributes["value"] == "none"


@pytest.mark.parametrize(
    ("path", "kept"), [("/remediation/", "days=30"), (BOARD, "view=board&days=30"), ("/remediation/print/", "days=30")]
)
def test_each_is_chosen_in_the_form_and_a_chip_that_can_be_taken_off(
    reader: Client, places: tuple[Fleet, Fleet], path: str, kept: str
) -> None:
    page = get(reader, f"{path}{'&' if '?' in path else '?'}registry=quay&environment=staging")
    chosen = [option.attributes.get("value", option.text) for option in page.all("option", selected="")]
    assert chosen[:2] == ["quay", "staging"]
    chips = [(chip.text, chip.attributes["href"]) for chip in page.all("a", title="Remove this filter")]
    home = path.partition("?")[0]
    assert chips == [
        ("registry Quay, remove", f"{home}?{kept}&environment=staging"),
        ("environment staging, remove", f"{home}?{kept}&registry=quay"),
    ]
    (clear,) = [each for each in page.all("a") if each.text == "Clear all"]
    assert clear.attributes["href"] == path


def test_a_move_leads_back_to_it(reader: Client, places: tuple[Fleet, Fleet]) -> None:
    row = finding(places[1].repositories[0], subject="moved")
    back = "view=board&registry=quay&environment=staging&days=90"
    answer = reader.post("/remediation/move/", {"finding": row.pk, "to": "in_progress", "back": back})
    assert parse_qs(urlsplit(answer["Location"]).query) == parse_qs(back)


def test_a_lead_is_offered_and_shown_no_more_than_is_theirs(places: tuple[Fleet, Fleet]) -> None:
    lea = user("lea", role="member")
    own(team("Web", lead=lea), places[0].repositories[1:])
    client = logged_in(lea)
    page = get(client, "/remediation/")
    assert [option.text for option in page.all("option")] == ["All my teams", "Web", "Every one", "production"]
    assert (tile(page, "Open"), teams_of(page)) == ("1", {"Web": "1"})
    for asked in ("registry=quay", "environment=staging"):  # as if it were not there
        assert tile(get(client, f"/remediation/?{asked}"), "Open") == "1"
    assert tile(get(client, "/remediation/?environment=production"), "Open") == "1"
