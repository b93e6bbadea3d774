"""The list of repositories."""

from __future__ import annotations

from urllib.parse import quote

import pytest
from django.test import Client

from compliance.models import Registry, Team
from tests.support.pages import get, get_part, logged_in
from tests.support.remediation import finding, join, own, team
from tests.support.rows import NOW, Fleet, fleet, never_scanned, registry, user


def names(client: Client, url: str) -> list[str]:
    """Names of the repositories on a page."""
    page = get(client, url)
    return [a.text for a in page.all("a") if a.attributes.get("href", "").endswith("/-/")] if page.all("table") else []


def test_without_rows_it_says_what_to_do(reader: Client) -> None:
    page = get(reader, "/repos/")
    assert "No repositories yet" in page.text
    assert page.all("a", href="/registries/", class_="first")


def test_filters_that_match_nothing_can_be_taken_away(reader: Client) -> None:
    fleet(1)
    page = get(reader, "/repos/?q=nothing")
    assert "No repository matches" in page.text
    assert page.all("a", class_="chip")[0].attributes["href"] == "/repos/?"


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", ["a/one", "b/two", "team/app-0000"]),
        ("q=TWO", ["b/two"]),
        ("q=%25", []),
        ("q=_", []),
        ("registry=quay", ["b/two"]),
        ("registry=nobody", ["a/one", "b/two", "team/app-0000"]),
        ("verdict=fail", ["team/app-0000"]),
        ("verdict=nonsense", ["a/one", "b/two", "team/app-0000"]),
        ("grade=D", ["team/app-0000"]),
        ("show=never", ["a/one", "b/two"]),
        ("show=failing", ["team/app-0000"]),
        ("show=week", ["team/app-0000"]),
        ("show=unknown", []),
        ("show=stale", []),
        ("sort=-tags", ["team/app-0000", "a/one", "b/two"]),
    ],
)
def test_filters(reader: Client, query: str, expected: list[str]) -> None:
    made = fleet(1)
    never_scanned(made.registry, "a/one")
    never_scanned(registry("Quay"), "b/two")
    assert names(reader, f"/repos/?sort=name&{query}") == expected


def test_tabs_count_what_they_show(reader: Client) -> None:
    made = fleet(3)
    never_scanned(made.registry, "a/one")
    page = get(reader, "/repos/?q=a")
    for tab in [a for a in page.all("a") if "show=" in a.attributes.get("href", "")]:
        count = int(tab.text.rsplit(" ", 1)[1])
        assert len(names(reader, tab.attributes["href"])) == count, tab.text


@pytest.mark.parametrize(
    "sort",
    ["name", "-failed", "score", "-score", "tags", "-pushed", "scanned", "-scanned", "team", "-team", "-findings"],
)
def test_every_order_shows_every_row(reader: Client, sort: str) -> None:
    made = fleet(3)
    never_scanned(made.registry, "a/one")
    assert len(names(reader, f"/repos/?sort={sort}")) == 4


@pytest.mark.parametrize(
    "sort", ["pk", "registry__password", "name;--", "-", "--name", "?", "_connector", "name.x", "\0", "-name "]
)
def test_orders_that_are_not_on_the_list_are_ignored(reader: Client, sort: str) -> None:
    fleet(1)
    assert names(reader, f"/repos/?sort={quote(sort)}") == ["team/app-0000"]


@pytest.mark.parametrize("page", ["0", "-1", "1e3", "９", "999999", "1000000000000", "x", "\0", ""])
def test_page_numbers_that_are_none_show_the_nearest(reader: Client, page: str) -> None:
    fleet(60)
    shown = names(reader, f"/repos/?sort=name&page={quote(page)}")
    assert len(shown) == (10 if page == "999999" else 50)


@pytest.fixture
def owned(db: None) -> Fleet:
    """The first is owned by Web and has two open findings, the second by Payments and has one, the third by nobody."""
    made = fleet(3)
    for name, row, open_findings in zip(("Web", "Payments"), made.repositories, (2, 1), strict=False):
        own(team(name), [row])
        for at in range(open_findings):
            finding(row, subject=f"open {at}")
        finding(row, subject="fixed", status="fixed", closed_at=NOW)
    return made


def test_each_says_who_owns_it_and_how_many_findings_are_open(reader: Client, owned: Fleet) -> None:
    page = get(reader, "/repos/?sort=name")
    assert [each.text for each in page.all("td", data_label="Team")] == ["Web", "Payments", "nobody"]
    assert page.all("a", href="/teams/web/")
    found = [each for each in page.all("a") if each.attributes.get("href", "").startswith("/findings/?repository=")]
    assert [each.text for each in found] == ["2", "1", "0"]
    for each in found:
        listed = get(reader, each.attributes["href"]).all("div", id="results")[0]
        assert listed.attributes["data-total"] == each.attributes["data-count"] == each.text


@pytest.mark.parametrize(
    ("sort", "expected"),
    [("-findings", "012"), ("findings", "210"), ("team", "102"), ("-team", "012")],
)
def test_they_are_ordered_by_owner_and_findings(reader: Client, owned: Fleet, sort: str, expected: str) -> None:
    assert names(reader, f"/repos/?sort={sort}") == [owned.repositories[int(at)].name for at in expected]


def test_a_lead_sees_the_numbers_of_their_own(owned: Fleet) -> None:
    lead = user("lead", role="member")
    join(Team.objects.get(slug="web"), lead, "lead")
    page = get(logged_in(lead), "/repos/?sort=-findings")
    assert [each.text for each in page.all("td", data_label="Team")] == ["Web"]
    assert [each.text for each in page.all("td", data_label="Findings")] == ["2"]


def test_the_environment_is_chosen_where_there_is_one(reader: Client, owned: Fleet) -> None:
    assert not get(reader, "/repos/").all("select", name="environment")
    never_scanned(registry("Quay"), "b/two")
    Registry.objects.filter(slug="quay").update(environment="production")
    chosen = get(reader, "/repos/?environment=production").all("option", selected="")
    assert [each.text for each in chosen] == ["production", "Most failing"]
    assert names(reader, "/repos/?environment=production") == ["b/two"]
    assert "environment elsewhere" in get(reader, "/repos/?environment=elsewhere").text


def test_pages_divide_the_list(reader: Client) -> None:
    fleet(120)
    shown = [name for page in (1, 2, 3) for name in names(reader, f"/repos/?sort=name&page={page}")]
    assert shown == sorted(shown)
    assert len(set(shown)) == 120


def test_links_of_the_pager_keep_the_filters(reader: Client) -> None:
    fleet(60)
    following = get(reader, "/repos/?q=app&sort=name").all("a", rel="next")[0]
    assert following.attributes["href"] == "/repos/?q=app&sort=name&page=2"


def test_the_current_order_is_told_to_assistive_technology(reader: Client) -> None:
    fleet(1)
    heads = [th.attributes.get("aria-sort") for th in get(reader, "/repos/?sort=name").all("th", scope="col")]
    assert [head for head in heads if head] == ["ascending"]


def test_htmx_gets_the_results_alone(reader: Client) -> None:
    fleet(1)
    part = get_part(reader, "/repos/?q=app")
    assert part.lstrip().startswith('<div id="results" data-total="1" data-density="comfortable">')
    assert "<html" not in part
    assert "1 repositories, page 1 of 1" in part


def test_going_back_in_history_gets_the_whole_page(reader: Client) -> None:
    fleet(1)
    assert "<html" in get_part(reader, "/repos/", **{"HX-History-Restore-Request": "true"})


def test_answers_differ_by_header_and_are_not_kept(reader: Client) -> None:
    response = reader.get("/repos/")
    assert "HX-Request" in response.headers["Vary"]
    assert response.headers["Cache-Control"] == "private, no-store"


def test_a_sparkline_says_where_it_goes(reader: Client) -> None:
    fleet(1)
    assert get(reader, "/repos/").all("svg", class_="spark")[0].attributes["aria-label"] == "100 % to 50 %"


def test_the_latest_tag_is_the_one_that_moved_last(reader: Client) -> None:
    made = fleet(1)
    tag = made.tags[0]
    tag.moved_at = NOW
    tag.save()
    assert get(reader, "/repos/").all("a", class_="cut")[0].text == "1.0"
