"""Policies: list, one policy, editing, rights."""

from __future__ import annotations

from typing import Any

from django.test import Client

from compliance.models import Policy, PolicyVersion, Rejudging, State
from scanner.rulebook import RULES
from tests.support.pages import Page, get
from tests.support.rows import NOW, fleet, policy_version


def entered(client: Client, url: str = "/policies/kubernetes/edit/") -> dict[str, str]:
    """What a browser would send if nobody touched the form."""
    page = get(client, url)
    return {**_inputs(page), **_choices(page), "note": "Because."}


def _inputs(page: Page) -> dict[str, str]:
    fields = [each.attributes for each in page.all("input") if "name" in each.attributes]
    ticked = {a["name"]: "on" for a in fields if a.get("type") == "checkbox" and "checked" in a}
    typed = {a["name"]: a.get("value", "") for a in fields if a.get("type") in ("text", "number", "hidden")}
    return {**typed, **ticked}


def _choices(page: Page) -> dict[str, str]:
    found: dict[str, str] = {}
    name = ""
    for element in page.elements:
        if element.name == "select":
            name = element.attributes["name"]
        elif element.name == "option" and "selected" in element.attributes:
            found[name] = element.attributes["value"]
    return found


def test_policies(reader: Client) -> None:
    assert "No policy is stored yet" in get(reader, "/policies/").text
    policy_version()
    page = get(reader, "/policies/")
    assert page.all("section", id="kubernetes")
    assert "NR202" in page.all("section", id="kubernetes")[0].text
    assert "NR202" not in page.all("section", id="baseline")[0].text


def test_the_number_of_repositories_is_that_of_the_list_behind_it(reader: Client) -> None:
    fleet(3)
    found = get(reader, "/policies/").all("a", href="/repos/?policy=kubernetes")
    assert found[0].text == "3 repositories"
    assert len(get(reader, "/repos/?policy=kubernetes").rows) == 3
    assert not get(reader, "/repos/?policy=strict").rows


def test_a_policy_counts_what_it_links_to(reader: Client) -> None:
    fleet(2)
    page = get(reader, "/policies/kubernetes/")
    links = [a.attributes["href"] for a in page.all("a") if "?rule=" in a.attributes.get("href", "")]
    assert len(links) == len(RULES)
    for href in links:
        count = page.all("a", href=href)[0].text.split()[0]
        assert len(get(reader, href).rows if count != "0" else []) == int(count), href
    assert get(reader, "/policies/strict/").all("a", href="/tags/?rule=NR202&policy=strict")[0].text.startswith("0")


def test_saving_the_form_untouched_changes_nothing(admin: Client) -> None:
    policy_version()
    for name in Policy.objects.values_list("name", flat=True):
        url = f"/policies/{name}/edit/"
        assert admin.post(url, entered(admin, url)).status_code == 302
    assert set(PolicyVersion.objects.values_list("number", flat=True)) == {1}


def save(client: Client, changes: dict[str, str | None]) -> Any:
    """Post the form with some fields changed; ``None`` takes a tick away."""
    data = {**entered(client), **changes}
    return client.post("/policies/kubernetes/edit/", {name: value for name, value in data.items() if value is not None})


def test_saving(admin: Client) -> None:
    fleet(2)
    changes = {"NR101-fails": None, "NR107-threshold": "500", "NR110-enabled": None}
    assert save(admin, changes).headers["Location"] == "/policies/kubernetes/"
    version = Policy.objects.get(name="kubernetes").current
    assert version is not None
    assert (version.number, version.note, str(version.author), version.created_at) == (2, "Because.", "boss", NOW)
    rules = version.document["rules"]
    assert not rules["NR101"]["fails"]
    assert rules["NR107"]["threshold"] == 500
    assert not rules["NR110"]["enabled"]
    assert Rejudging.objects.get().state == State.QUEUED
    assert "Version 2: 2 repositories wait for a worker" in get(admin, "/policies/kubernetes/").text
