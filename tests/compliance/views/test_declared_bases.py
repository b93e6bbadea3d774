"""Declared bases: groups of the inbox, lists that are kept to one, pages that name it, and who sees which."""

from __future__ import annotations

from dataclasses import replace

import pytest
from django.test import Client

from compliance.models import BaseImage, SavedView, User
from scanner.domain.declared_base import DeclaredBase
from tests.support.facts import digest, remapped
from tests.support.pages import Page, get
from tests.support.remediation import finding, join, own, team
from tests.support.rows import HOSTILE, Fleet, fleet, image, tag_row, user

ALPINE, DEBIAN = "docker.io/library/alpine:3.1", "docker.io/library/debian:12"
NAME = "org.opencontainers.image.base.name"
OF_ALPINE = "/findings/?base=docker.io%2Flibrary%2Falpine%3A3.1"


@pytest.fixture
def made(db: None) -> Fleet:
    """Three repositories: on Alpine, on Debian, and on nobody knows what; the first is a team's."""
    found = fleet(3)
    bases = [BaseImage.objects.create(name=name) for name in (ALPINE, DEBIAN)]
    for repository, base, rules in zip(found.repositories, (*bases, None), (2, 1, 1), strict=True):
        for rule in ("NR103", "NR305")[:rules]:
            finding(repository, rule, base=base, tags=[each for each in found.tags if each.repository == repository])
    own(team("Payments"), found.repositories[:1])
    return found


def groups(page: Page) -> list[tuple[str, str]]:
    """What each group is called, and its number."""
    named = {link.attributes["href"]: link.text for link in page.all("a", class_="open")}
    counts = {link.attributes["href"]: link.text for link in page.all("a") if "data-count" in link.attributes}
    return [(name, counts[href]) for href, name in named.items()]


def test_the_largest_group_is_first_and_nothing_declared_is_one(made: Fleet, reader: Client) -> None:
    page = get(reader, "/findings/?group=base")
    assert groups(page) == [(ALPINE, "2"), (DEBIAN, "1"), ("No base declared", "1")]
    assert [each.text for each in page.all("th", scope="col")][1] == "Declared base"
    ids = [each.attributes["id"] for each in page.elements if "id" in each.attributes]
    assert len(ids) == len(set(ids))


def test_a_list_that_is_kept_to_one_says_so(made: Fleet, reader: Client) -> None:
    page = get(reader, OF_ALPINE)
    assert page.all("div", id="results")[0].attributes["data-total"] == "2"
    (chip,) = page.all("a", class_="chip", title="Remove this filter")
    assert (chip.text, chip.attributes["href"]) == (f"declared base {ALPINE}, remove", "/findings/?")
    assert page.all("input", name="base")[0].attributes["value"] == ALPINE


@pytest.mark.parametrize(("query", "count"), [(f"base={ALPINE}", 2), ("base=none", 1), (f"q=base:{DEBIAN}", 1)])
def test_files_and_views_mean_the_same(made: Fleet, reader: Client, query: str, count: int) -> None:
    csv = reader.get(f"/findings/export/?{query}").getvalue().decode()
    assert csv.count("team/app-000") == count
    reader.post("/findings/views/", {"name": "Base", "back": f"{query}&group=base"})
    row = SavedView.objects.get()
    page = get(reader, "/findings/views/?counted=all")
    assert "by declared base" in page.text
    assert page.all("a", href=f"/findings/?{row.query}")[-1].attributes["data-count"] == str(count)


def test_a_lead_sees_the_bases_of_their_own_teams(made: Fleet, client: Client) -> None:
    lead = user("lia", role="member")
    own(row := team("Web"), made.repositories[1:2])
    join(row, lead, "lead")
    client.force_login(User.objects.get(pk=lead.pk))
    page = get(client, "/findings/?group=base")
    assert groups(page) == [(DEBIAN, "1")]
    assert "alpine" not in page.html
    assert get(client, OF_ALPINE).all("div", id="results")[0].attributes["data-total"] == "0"
    assert get(client, "/findings/?base=none").all("div", id="results")[0].attributes["data-total"] == "0"


def test_a_waiver_that_begins_with_a_group_says_that_it_is_for_more(made: Fleet, reader: Client) -> None:
    asked = {"action": "waive", "whole": f"2 base={ALPINE}", "back": "group=base"}
    response = reader.post("/findings/bulk/", asked)
    page = get(reader, response.headers["Location"])
    assert f"declared base {ALPINE}" in page.text


def test_a_finding_names_the_base_and_leads_to_all_of_it(made: Fleet, reader: Client) -> None:
    for repository, expected in ((made.repositories[0], [ALPINE]), (made.repositories[2], [])):
        page = get(reader, f"/findings/{repository.findings.all()[0].pk}/")
        links = [each for each in page.all("a") if "?base=" in each.attributes.get("href", "")]
        assert [each.text for each in links] == expected
        assert [each.attributes["href"] for each in links] == [OF_ALPINE] * len(expected)


@pytest.mark.parametrize(
    ("annotated", "label", "said"),
    [
        (DeclaredBase(ALPINE, digest(5)), DEBIAN, ALPINE),
        (None, ALPINE, ALPINE),
        (None, "alpine:3.1", ""),
        (None, HOSTILE, ""),
        (None, f"docker.io/library/alpine:3.1{HOSTILE}", ""),
    ],
)
def test_an_image_names_what_its_builder_claims(
    made: Fleet, reader: Client, annotated: DeclaredBase | None, label: str, said: str
) -> None:
    plain = remapped()
    labelled = replace(plain.config, labels=((NAME, label),))
    stored = image(replace(plain, config=labelled, annotated_base=annotated), 4_001)
    tag_row(made.repositories[0], "based", stored).save()
    page = get(reader, f"/i/{stored.digest}/")
    facts = page.all("dl", class_="facts")[0].text
    assert (f"Declared base {said}" if said else "Declared base none") in facts
    assert bool(page.all("a", href=OF_ALPINE)) is bool(said)
    assert (digest(5) in page.html) is (annotated is not None)
