"""The summary says what the overview says."""

from __future__ import annotations

from datetime import timedelta
from urllib.parse import urlencode

import pytest
from django.test import Client

from compliance.models import Finding, Repository, Tag
from compliance.queries.summary import NotUnderstood, summary
from compliance.services.grade_repositories import grade_repositories
from compliance.templatetags.plimsoll import percent
from tests.support.api_tokens import asked, token
from tests.support.pages import Page, get
from tests.support.remediation import finding_row, findings, own, team
from tests.support.rows import NOW, fleet, never_scanned, registry, user

pytestmark = pytest.mark.django_db

# What a card is called, and where its number stands in the summary.
CARDS = {
    "Compliance": ("tags", "pass"),
    "Failing tags": ("tags", "fail"),
    "Failing protected tags": ("tags", "fail_protected"),
    "Unknown tags": ("tags", "unknown"),
    "Waived tags": ("tags", "waived"),
    "Open on protected tags": ("findings", "on_protected_tags"),
    "Overdue": ("findings", "overdue"),
    "Waivers expiring": ("waivers", "expiring"),
    "Never scanned": ("repositories", "never_scanned"),
}
QUERIES = ("", "?days=7", "?days=365&team=payments", "?team=none", "?registry=harbor", "?registry=quay&team=payments")
WHO = {"sam": "security", "lead": "member"}


@pytest.fixture
def clients() -> dict[str, tuple[Client, str]]:
    """Somebody who sees everything and somebody who does not, each with a session and a token; numbers that differ."""
    people = {name: user(name, role=role) for name, role in WHO.items()}
    made = fleet(9)
    payments = team("Payments", lead=people["lead"])
    own(payments, [*made.repositories[:4], never_scanned(registry("Quay"), "pay/new")])
    own(team("Shop"), made.repositories[4:6])
    Tag.objects.filter(repository=made.repositories[1], name="latest").update(excused_as="waived")
    made.registry.protected_tags = ["late*"]
    made.registry.save()
    grade_repositories(made.registry, now=NOW)
    Repository.objects.filter(pk=made.repositories[1].pk).update(failed=0, waived=1, unknown=2, not_applicable=3)
    Finding.objects.all().delete()
    for number, repository in enumerate(made.repositories):
        findings(
            finding_row(
                repository,
                subject=f"user{at}",
                status=("open", "new", "waived", "fixed")[at % 4],
                protected=at % 3 == 0,
                due_at=NOW + timedelta(days=at - number),
            )
            for at in range(number + 3)
        )
    found = {}
    for name, person in people.items():
        client = Client()
        client.force_login(person)
        found[name] = (client, token(person).secret)
    return found


def cards(page: Page) -> dict[str, int]:
    """The numbers of the overview by what they are called."""
    found = {}
    for link in page.all("a", class_="card"):
        name = max((each for each in CARDS if link.text.startswith(each)), key=len, default="")
        if name:
            found[name] = int(link.attributes["data-count"])
    return found


def rows_of(client: Client, address: str) -> int:
    """How many rows a list says it has."""
    page = get(client, address)
    return next(int(each.attributes["data-total"]) for each in page.elements if "data-total" in each.attributes)


@pytest.mark.parametrize("who", WHO)
@pytest.mark.parametrize("query", QUERIES)
def test_its_numbers_are_those_of_the_page(clients: dict[str, tuple[Client, str]], who: str, query: str) -> None:
    client, secret = clients[who]
    response = asked(f"/api/v1/summary{query}", secret)
    if who == "lead" and "none" in query:
        assert response.status_code == 400
        return
    said = response.json()
    page = get(client, f"/{query}")
    shown = cards(page)
    assert shown == {name: said[group][key] for name, (group, key) in CARDS.items()}
    assert sum(shown.values()) > 0
    text = " ".join(page.text.split())
    assert f"Compliance {percent(said['compliance']['share'])}" in text
    assert f"repositories; {percent(said['coverage']['share'])} are covered" in text
    tags = said["tags"]
    assert tags["evaluated"] == tags["pass"] + tags["fail"] + tags["unknown"] + tags["waived"]
    assert f"{tags['pass']:,} of {tags['evaluated']:,} tags pass" in text
    scope = query.removeprefix("?").replace("days=7", "").replace("days=365&", "")
    assert said["findings"]["open"] == rows_of(client, f"/findings/?tab=open&{scope}")
    assert said["repositories"]["total"] == rows_of(client, f"/repos/?{scope}")
    assert tags["not_applicable"] == rows_of(client, f"/tags/?verdict=not_applicable&{scope}")


@pytest.mark.parametrize("who", WHO)
def test_open_and_unowned_are_the_rows_of_the_inbox(clients: dict[str, tuple[Client, str]], who: str) -> None:
    client, secret = clients[who]
    said = asked("/api/v1/summary", secret).json()["findings"]
    assert said["open"] == rows_of(client, "/findings/?tab=open") > 0
    assert said["unowned"] == (rows_of(client, "/findings/?tab=open&team=none") if who == "sam" else 0)


def test_its_shape(clients: dict[str, tuple[Client, str]]) -> None:
    response = asked("/api/v1/summary?team=payments&registry=harbor&days=90", clients["sam"][1])
    assert response.headers["Content-Type"] == "application/json"
    assert response.headers["Cache-Control"] == "private, no-store"
    said = response.json()
    assert said["schema"] == 1
    assert said["as_of"] == "2026-03-10T12:00:00+00:00"
    kept = {"registry": "harbor", "team": "payments", "environment": None}
    assert said["scope"] == {"name": "Payments in Harbor", **kept}
    assert said["window"]["days"] == 90
    assert set(said) == {
        *("schema", "as_of", "scope", "window", "compliance", "coverage", "tags", "repositories", "findings", "waivers")
    }


def test_since_is_the_day_of_the_numbers_and_no_monday(clients: dict[str, tuple[Client, str]]) -> None:
    said = asked("/api/v1/summary?days=365", clients["sam"][1]).json()
    assert said["window"] == {"days": 365, "since": "2026-03-01"}


def test_before_anything_was_scanned_nothing_is_a_share() -> None:
    found = summary({}, user().actor, now=NOW)
    assert found["compliance"] == {"share": None, "change_in_points": None}
    assert found["coverage"] == {"share": None, "oldest_scan": None}


@pytest.mark.parametrize(
    ("params", "word"),
    [
        ({"days": "31"}, "days"),
        ({"days": ""}, "days"),
        ({"days": "９０"}, "days"),
        ({"team": "nothing"}, "team"),
        ({"team": "\0"}, "team"),
        ({"team": "x" * 10_000}, "team"),
        ({"registry": "nothing"}, "registry"),
        ({"registry": "Harbor"}, "registry"),
    ],
)
def test_numbers_of_something_else_are_never_given(params: dict[str, str], word: str) -> None:
    fleet(1)
    with pytest.raises(NotUnderstood) as raised:
        summary(params, user().actor, now=NOW)
    assert word in raised.value.words
    response = asked(f"/api/v1/summary?{urlencode(params)}", token(user("kim")).secret)
    assert (response.status_code, response.headers["Content-Type"]) == (400, "application/problem+json")
