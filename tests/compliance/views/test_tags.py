"""The list of tags: what every number links to."""

from __future__ import annotations

from unittest.mock import patch

import pytest
from django.test import Client

from compliance.models import Registry, Repository, Tag
from compliance.services.grade_repositories import grade_repositories
from tests.support.pages import Page, get, get_part
from tests.support.remediation import finding
from tests.support.rows import NOW, fleet


def found(page: Page) -> list[str]:
    """Links to tags, in order."""
    return [a.attributes["href"] for a in page.all("a") if "/-/t/" in a.attributes.get("href", "")]


def test_without_rows_it_says_what_to_do(reader: Client) -> None:
    assert "No tags yet" in get(reader, "/tags/").text


@pytest.mark.parametrize(
    ("query", "count"),
    [("", 6), ("verdict=fail", 3), ("verdict=unknown", 0), ("rule=NR103", 3), ("rule=NR103&verdict=pass", 0),
     ("rule=NR999", 6), ("q=0001", 2), ("q=0001&rule=NR103", 1), ("registry=harbor", 6), ("registry=none", 6)],
)  # fmt: skip
def test_filters(reader: Client, query: str, count: int) -> None:
    fleet(3)
    assert len(found(get(reader, f"/tags/?{query}"))) == count


@pytest.mark.parametrize(
    ("query", "count"),
    [("verdict=fail&is=protected", 3), ("is=protected", 3), ("verdict=pass&is=protected", 0), ("is=odd", 6),
     ("verdict=fail&is=protected&q=0001", 1), ("verdict=fail&is=protected&rule=NR103", 3)],
)  # fmt: skip
def test_protected_tags(reader: Client, query: str, count: int) -> None:
    made = fleet(3)
    Registry.objects.filter(pk=made.registry.pk).update(protected_tags=["late*", "2.?"])
    grade_repositories(Registry.objects.get(), now=NOW)
    page = get(reader, f"/tags/?{query}")
    assert len(found(page)) == count
    assert f'data-total="{count}"' in page.html


@pytest.mark.parametrize(
    ("query", "count"),
    [("rule=NR103&subject=app", 2), ("rule=NR103&subject=%22%22", 1), ("rule=NR103&subject=other", 0),
     ("rule=NR101&subject=app", 0), ("rule=NR103&subject=app&verdict=pass", 1), ("subject=app", 6),
     ("rule=NR103&subject=app&q=0001", 0), ("rule=NR103&subject=app&registry=harbor", 2)],
)  # fmt: skip
def test_a_cause_leads_to_the_tags_that_show_it(reader: Client, query: str, count: int) -> None:
    made = fleet(3)
    finding(made.repositories[0], "NR103", subject="app", tags=made.tags[:2])
    finding(made.repositories[0], "NR103", subject="app", platform="linux/arm64", tags=made.tags[:1])
    finding(made.repositories[1], "NR103", subject="app", status="waived", tags=made.tags[2:3])
    finding(made.repositories[2], "NR103", subject="", tags=made.tags[4:5])
    assert len(found(get(reader, f"/tags/?{query}"))) == count


@pytest.mark.parametrize("query", ["", "verdict=fail", "rule=NR103"])
def test_pages_divide_the_list(reader: Client, query: str) -> None:
    fleet(60)
    first = get(reader, f"/tags/?{query}")
    pages = 3 if not query else 2
    shown = [link for number in range(1, pages + 1) for link in found(get(reader, f"/tags/?{query}&page={number}"))]
    assert len(shown) == len(set(shown)) == 60 * (2 if not query else 1)
    assert f"1–50 of {len(shown)}" in first.text


def test_deleted_tags_and_repositories_are_not_listed(reader: Client) -> None:
    made = fleet(3)
    Repository.objects.filter(pk=made.repositories[0].pk).update(deleted_at=NOW)
    Tag.objects.filter(pk=made.tags[-1].pk).update(deleted_at=NOW)
    assert len(found(get(reader, "/tags/?rule=NR103"))) == 1


def test_what_is_not_counted_to_the_end_says_so(reader: Client) -> None:
    fleet(4)
    with patch("compliance.queries.tags.MOST_COUNTED", 2):
        page = get(reader, "/tags/?rule=NR103")
    assert "of 2+" in page.text


def test_htmx_gets_the_results_alone(reader: Client) -> None:
    fleet(1)
    assert "<html" not in get_part(reader, "/tags/?verdict=fail")
