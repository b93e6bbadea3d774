"""The inbox, seen in its HTML."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any, cast
from urllib.parse import urlencode

import pytest
from django.http import StreamingHttpResponse
from django.test import Client
from pytest_django.fixtures import DjangoAssertNumQueries

from compliance.models import BaseImage, BulkChange, Finding, SavedView, Team, User, Waiver
from compliance.queries.finding_ways import MOST_WAYS
from tests.support.pages import Element, Page, get, get_part
from tests.support.remediation import finding, finding_row, findings, join, own, team
from tests.support.rows import HOSTILE, NOW, fleet, user


def lines(page: Page) -> list[int]:
    """The findings that are listed, by id."""
    return [
        int(row.attributes["id"].removeprefix("finding-")) for row in page.all("tr") if "data-row" in row.attributes
    ]


def tabs(page: Page) -> dict[str, tuple[str, int]]:
    """Address and number of each tab by its label."""
    found = {}
    for link in page.all("a"):
        label, _, count = link.text.rpartition(" ")
        if link.attributes.get("href", "").startswith("/findings/?tab=") and count.replace(",", "").isdigit():
            found[label] = (link.attributes["href"], int(count.replace(",", "")))
    return found


@pytest.fixture
def many(reader: Client) -> list[Finding]:
    """Findings of every kind in three repositories, two of them a team's."""
    made = fleet(3)
    me = User.objects.get(username="reader")
    own(team("Payments", lead=me), made.repositories[:2])
    late = {"due_at": NOW - timedelta(days=1)}
    shapes: list[dict[str, object]] = [
        {"status": "new"},
        {"status": "open", "regression": True},
        {"status": "regressed", **late},
        {"status": "in_progress", "assignee": me, "protected": True, "rank": 1},
        {"status": "fix_claimed", "due_at": None, "rank": 3},
        {"status": "waived"},
        {"status": "false_positive", **late},
        {"status": "fixed", "closed_at": NOW},
        {"status": "open", "platform": "", "subject": HOSTILE, "baseline": True, "opened_at": NOW - timedelta(days=40)},
    ]
    rules = ("NR101", "NR103", "NR305")
    alpine, debian = (BaseImage.objects.create(name=f"docker.io/library/{name}") for name in ("alpine:3.1", "debian"))
    bases = dict(zip(made.repositories, (alpine, debian, None), strict=True))
    return findings(
        finding_row(repository, rules[at % 3], **{"subject": f"s{at}", "base": bases[repository], **shape})
        for at, shape in enumerate(shapes)
        for repository in made.repositories
    )


def test_each_tab_has_as_many_lines_as_it_says(reader: Client, many: list[Finding]) -> None:
    found = tabs(get(reader, "/findings/"))
    assert {label: count for label, (_, count) in found.items()} == {
        "For review": 6, "Mine": 3, "My teams": 12, "Open": 18, "Regressed": 6, "Overdue": 3, "Waived": 3, "All": 27,
    }  # fmt: skip
    for label, (address, count) in found.items():
        assert len(lines(get(reader, address))) == count, label


@pytest.mark.parametrize("group", ["rule", "repository", "team", "registry", "base"])
@pytest.mark.parametrize("base", ["?tab=all", "?", "?severity=critical", "?tab=overdue"])
def test_each_number_of_a_group_is_the_list_behind_it(
    reader: Client, many: list[Finding], group: str, base: str
) -> None:
    page = get(reader, f"/findings/{base}&group={group}")
    links = [link for link in page.all("a") if link.text.isdigit() and "tab" not in link.text]
    checked = 0
    for link in links:
        href = link.attributes["href"]
        if href.startswith("/findings/?") and "size=" not in href:
            assert len(lines(get(reader, href))) == int(link.text), href
            checked += 1
    assert checked >= 1
    unfold = next(link for link in page.all("a", class_="tap"))
    opened = get(reader, unfold.attributes["href"])
    assert any(row.attributes["id"].startswith("finding-") for row in opened.all("tr") if "id" in row.attributes)


FILTERS = [
    ("q=app-0001", 6), ("q=root", 12), ("q=NR305", 6), ("q=app-0001+NR305", 2), ("q=status:new", 3),
    ("q=-waived", 24), ("q=is:overdue", 3), ("status=new", 3), ("status=new,regressed", 6), ("status=-fixed", 24),
    ("severity=high", 3), ("severity=-critical", 6), ("rule=NR101", 6), ("rule=nr101,nr103", 12),
    ("team=payments", 12), ("team=none", 6), ("team=nobody-knows", 0), ("repository=harbor/team/app-0000", 6),
    ("registry=harbor", 18), ("registry=quay", 0), ("assignee=me", 3), ("assignee=nobody", 15),
    ("assignee=somebody", 3), ("assignee=reader", 3), ("is=protected", 3), ("is=unprotected", 15),
    ("is=regression", 3), ("is=baseline", 3), ("is=new-since-baseline", 0), ("due=overdue", 3), ("due=week", 12),
    ("due=none", 3), ("age=>14d", 3), ("age=<14d", 15), ("age=8-30d", 15), ("age=10-10d", 15), ("age=>40d", 0),
    ("base=docker.io/library/alpine:3.1", 6), ("base=Docker.io/alpine:3.1", 6), ("base=none", 6),
    ("base=docker.io/library/debian&tab=all", 9), ("base=docker.io/library/debian:latest", 0), ("base=alpine", 18),
    ("q=base:docker.io/alpine:3.1", 6), ("q=base:none+status:new", 1), ("q=base:alpine", 0),
    ("platform=linux/amd64", 15), ("waiver=7", 0), ("q=nothing+like+it", 0),
]  # fmt: skip


@pytest.mark.parametrize(("query", "expected"), FILTERS)
def test_filters(reader: Client, many: list[Finding], query: str, expected: int) -> None:
    page = get(reader, f"/findings/?{query}")
    assert len(lines(page)) == expected
    assert any("current" in "".join(link.attributes) for link in page.all("a"))


def test_a_chip_takes_its_filter_away(reader: Client, many: list[Finding]) -> None:
    page = get(reader, "/findings/?severity=critical&rule=NR101&tab=all&sort=-age&q=app")
    found = {link.text.removesuffix(", remove"): link.attributes["href"] for link in page.all("a", class_="chip")}
    assert set(found) == {
        "contains “app”",
        "severity critical",
        "rule NR101 Runs as root because nothing says otherwise",
    }
    assert found["severity critical"] == "/findings/?tab=all&q=app&rule=NR101&sort=-age"
    assert len(lines(get(reader, found["severity critical"]))) == 9


def test_what_is_not_understood_is_named_and_finds_nothing(reader: Client, many: list[Finding]) -> None:
    page = get(reader, "/findings/?" + urlencode({"q": "statu:open severity:huge -app"}))
    assert not lines(page)
    said = page.all("div", id="q-problem")[0].text
    assert "statu" in said
    assert "critical, high, medium, low, info" in said
    assert "“-app” cannot be left out" in said
    assert page.all("input", id="q")[0].attributes["value"] == "statu:open severity:huge -app"


def test_the_address_of_what_was_typed(reader: Client, many: list[Finding]) -> None:
    response = reader.get("/findings/?q=app+severity:high", headers={"HX-Request": "true"})
    assert response.headers["HX-Push-Url"] == "/findings/?q=app&severity=high"
    assert "<html" not in response.content.decode()
    assert response.headers["Vary"].count("HX-Request") == 1


def test_the_most_urgent_first(reader: Client, many: list[Finding]) -> None:
    page = get(reader, "/findings/?tab=all")
    rows = {row.pk: row for row in many}
    shown = [rows[pk].status for pk in lines(page)]
    # A regression, overdue, on a protected tag, the oldest of the critical ones, and what is to be done no more.
    to_do = ("open", "regressed", "in_progress", "open", "new", "fix_claimed")
    assert shown[:18] == [each for each in to_do for _ in range(3)]
    assert set(shown[18:]) == {"waived", "false_positive", "fixed"}


@pytest.mark.parametrize("sort", ["severity", "-severity", "due", "-due", "age", "-age", "repository", "-repository"])
def test_every_order_shows_all(reader: Client, many: list[Finding], sort: str) -> None:
    first = lines(get(reader, f"/findings/?tab=all&size=25&sort={sort}"))
    second = lines(get(reader, f"/findings/?tab=all&size=25&sort={sort}&page=2"))
    assert sorted(first + second) == sorted(row.pk for row in many)
    keys_of: dict[str, Callable[[Finding], Any]] = {
        "severity": lambda row: row.rank,
        "due": lambda row: row.due_at or NOW + timedelta(days=99),
        "age": lambda row: NOW - row.opened_at,
        "repository": lambda row: row.repository_id,
    }
    key = keys_of[sort.removeprefix("-")]
    rows = {row.pk: row for row in many}
    keys = [key(rows[pk]) for pk in first + second]
    if sort == "-due":
        keys = [*reversed([each for each in keys if each != NOW + timedelta(days=99)]), *[NOW + timedelta(days=99)] * 3]
        assert keys == sorted(keys)
    else:
        assert keys == sorted(keys, reverse=sort.startswith("-"))


def test_pages_of_the_most_urgent_meet_without_gap_or_double(reader: Client, many: list[Finding]) -> None:
    found = [pk for number in (1, 2) for pk in lines(get(reader, f"/findings/?tab=all&size=25&page={number}"))]
    assert found == lines(get(reader, "/findings/?tab=all"))
    assert len(set(found)) == 27


HOSTILE_ADDRESSES = [
    "_connector=OR", "_negated=1", "user__password__startswith=x", "a.b=1", "sort=-x;--",
    "sort=repository__registry__password", "page=99999999999999999999", "page=-1", "page=%00", "q=%00",
    "q=%ED%A0%80", "status=new%00", "status=" + "new," * 5_000, "q=" + "x" * 10_000, "q=%22%22%22", "age=>99999d",
    "age=999999999999", "age=%D9%A3d", "waiver=99999999999999999999", "id=" + "9" * 40, "id=1,2,x",
    "id=" + ",".join(map(str, range(1, 400))), "size=0", "size=1000000", "group=repository__team",
    "group=rule&opened=%00", "group=team&opened=" + "z" * 9_999, "group=repository&page=99999", "f=1;drop",
    "changed=x", "changed=99999999999999", "changed=1&kept=-1", "repository=harbor", "repository=/",
    "repository=harbor/" + "a/" * 300, "team=%27%20OR%201=1", "assignee=%F0%9F%98%80", "platform='",
    "is=protected,", "is=-protected", "due=1", "tab=%27", "q=%5C", "q=%25_%25", "q=status:", "q=:", "q=-", "q=%22",
    "severity=critical&severity=low", "registry[$ne]=1", "q=age:%3E-1d",
]  # fmt: skip


@pytest.mark.parametrize("query", HOSTILE_ADDRESSES)
def test_no_address_breaks_it(reader: Client, many: list[Finding], query: str) -> None:
    assert reader.get(f"/findings/?{query}").status_code == 200
    assert reader.get(f"/findings/?tab=all&{query}", headers={"HX-Request": "true"}).status_code == 200
    response = reader.get(f"/findings/export/?{query}")
    assert response.status_code in (200, 302)
    if response.status_code == 200:
        assert b"".join(cast(StreamingHttpResponse, response))


def test_hostile_text_stays_text(reader: Client, many: list[Finding]) -> None:
    html = get(reader, "/findings/?" + urlencode({"q": HOSTILE})).html
    html += get(reader, "/findings/?is=baseline").html
    assert "<img src=x" not in html
    assert "<b hx-get" not in html


def test_empty_pages_say_why(reader: Client, client: Client) -> None:
    unscanned = get(reader, "/findings/")
    assert "Nothing was scanned yet" in unscanned.text
    assert "Go to the registries" in unscanned.text
    assert "You are in no team yet" in get(reader, "/findings/?tab=teams").text
    fleet(1)
    assert "breaks no rule" in get(reader, "/findings/").text
    assert "No finding matches" in get(reader, "/findings/?severity=low").text
    client.force_login(user("new", role="member"))
    assert "You are in no team yet" in get(client, "/findings/").text


EMPTY = [
    ("?tab=review", "Nothing to review"), ("?tab=mine", "Nothing is assigned to you"),
    ("?tab=teams", "Your teams have nothing to do"), ("?", "Nothing is open"), ("?tab=regressed", "Nothing got worse"),
    ("?tab=overdue", "Nothing is overdue"), ("?tab=waived", "Nothing is waived"),
]  # fmt: skip


@pytest.mark.parametrize(("query", "words"), EMPTY)
def test_each_empty_tab_says_what_would_be_there(reader: Client, query: str, words: str) -> None:
    home = fleet(1).repositories[0]
    own(team("Payments", lead=User.objects.get(username="reader")), [home])
    findings(finding_row(home, subject=str(at), status="false_positive") for at in range(3))
    page = get(reader, f"/findings/{query}")
    assert words in page.text
    (link,) = [each for each in page.all("a") if each.text == "3 findings"]
    assert len(lines(get(reader, link.attributes["href"]))) == 3


def test_an_empty_list_says_which_filter_to_take_away(reader: Client, many: list[Finding]) -> None:
    page = get(reader, "/findings/?severity=low&rule=NR305&q=app-0000&team=payments&tab=waived")
    ways = {link.attributes["href"]: int(link.attributes["data-count"]) for link in page.all("a") if way(link)}
    assert "without the filter severity low: 1 finding" in page.text
    assert "behind the tab All" not in page.text
    assert len(ways) == 1
    for query in ("severity=low&tab=waived", "tab=waived&is=protected&assignee=me", "rule=NR103&due=none&tab=overdue"):
        page = get(reader, f"/findings/?{query}")
        ways = {link.attributes["href"]: int(link.attributes["data-count"]) for link in page.all("a") if way(link)}
        assert ways
        for address, count in ways.items():
            assert len(lines(get(reader, address))) == count, address
    assert "Taking one filter away is not enough." in get(reader, "/findings/?q=none&team=none-such&tab=mine").text


def test_every_filter_is_tried_and_the_first_that_help_are_offered(reader: Client) -> None:
    home, other = fleet(2).repositories
    fits = {"subject": "x", "platform": "linux/arm64", "status": "new", "assignee": User.objects.get(username="reader")}
    asked = (
        "?status=new&registry=harbor&repository=harbor/team/app-0000"
        "&rule=NR103&assignee=reader&platform=linux/arm64&subject=x"
    )
    findings([finding_row(home, "NR103", **{**fits, "subject": "y"})])
    page = get(reader, f"/findings/{asked}")
    assert "without the filter USER x: 1 finding" in page.text
    assert len([link for link in page.all("a") if way(link)]) == 1
    changes: list[dict[str, object]] = [{"platform": "linux/386"}, {"status": "open"}]
    findings([finding_row(other, "NR103", **fits), finding_row(home, "NR305", **fits)])
    findings(finding_row(home, "NR103", **{**fits, **change}) for change in changes)
    page = get(reader, f"/findings/{asked}")
    assert len([link for link in page.all("a") if way(link)]) == MOST_WAYS


def way(link: Element) -> bool:
    return link.attributes.get("data-count", "").isdigit() and link.text.split()[-1].startswith("finding")


QUERIES = {
    "": 12, "?tab=all&page=2": 13, "?severity=critical&team=payments&q=app": 12, "?sort=repository": 10,
    "?group=rule": 9, "?group=repository": 10, "?group=base": 9, "?group=team&opened=payments": 12, "?q=zzz": 8,
    "?q=zzz&severity=high&is=protected&rule=NR101&team=payments&tab=mine": 8,
}  # fmt: skip


@pytest.mark.parametrize("count", [1, 40])
def test_queries_do_not_grow(reader: Client, django_assert_max_num_queries: DjangoAssertNumQueries, count: int) -> None:
    made = fleet(count)
    own(team("Payments", lead=User.objects.get(username="reader")), made.repositories)
    shapes: list[dict[str, object]] = [
        {}, {"regression": True}, {"due_at": NOW - timedelta(days=1)}, {"status": "fixed", "closed_at": NOW},
    ]  # fmt: skip
    findings(
        finding_row(repository, "NR101", subject=str(at), **shape)
        for repository in made.repositories
        for at, shape in enumerate(shapes)
    )
    for query, expected in QUERIES.items():
        with django_assert_max_num_queries(expected, info=query):
            assert reader.get(f"/findings/{query}").status_code == 200


def test_views_are_tabs_of_their_own(reader: Client, client: Client, many: list[Finding]) -> None:
    asked = {"name": "Payments, critical", "back": "team=payments&severity=critical&page=3&_connector=x", "shared": "1"}
    reader.post("/findings/views/", asked)
    view = SavedView.objects.get()
    assert view.query == "severity=critical&team=payments"
    page = get(reader, f"/findings/?{view.query}")
    assert [link.text for link in page.all("a", aria_current="true")] == ["Open 8", "Payments, critical"]
    client.force_login(user("other", role="auditor"))
    assert "Payments, critical" in get(client, "/findings/").text
    assert client.post(f"/findings/views/{view.pk}/delete/").status_code == 404
    reader.post(f"/findings/views/{view.pk}/delete/")
    assert not SavedView.objects.exists()


def test_who_may_not_share_keeps_it_to_themselves(client: Client, many: list[Finding]) -> None:
    client.force_login(user("aud", role="auditor"))
    client.post("/findings/views/", {"name": "x" * 200, "back": "tab=all", "shared": "1"})
    assert not SavedView.objects.exists()
    client.post("/findings/views/", {"name": "Mine", "back": "tab=all", "shared": "1"})
    assert not SavedView.objects.get().shared
    for number in range(40):
        client.post("/findings/views/", {"name": f"View {number}", "back": "tab=all"})
    assert SavedView.objects.count() == 30


def test_a_member_sees_only_the_teams_own(client: Client, many: list[Finding]) -> None:
    lead = user("lead", role="member")
    join(Team.objects.get(), lead, "lead")
    client.force_login(lead)
    theirs = {row.pk for row in many if row.repository.team_id}
    found = tabs(get(client, "/findings/"))
    assert {label: count for label, (_, count) in found.items()} == {
        "For review": 4, "Mine": 0, "My teams": 12, "Open": 12, "Regressed": 4, "Overdue": 2, "Waived": 2, "All": 18,
    }  # fmt: skip
    assert set(lines(get(client, "/findings/?tab=all"))) == theirs
    foreign = sorted({row.pk for row in many} - theirs)
    assert not lines(get(client, f"/findings/?id={','.join(map(str, foreign))}"))
    html = get(client, "/findings/?tab=all&q=app-0002").html
    assert "team/app-0002" not in html
    assert BulkChange.objects.count() == 0


def test_a_part_carries_the_status_line(reader: Client, many: list[Finding]) -> None:
    assert "18 findings, page 1 of 1" in get_part(reader, "/findings/")


def test_a_waiver_says_until_when(reader: Client) -> None:
    row = finding(fleet(1).repositories[0], status="waived")
    me = User.objects.get(username="reader")
    people = {"owner": me, "created_by": me, "reason": "vendor"}
    until = {"created_at": NOW, "expires_at": NOW + timedelta(days=30)}
    row.waiver = Waiver.objects.create(title="Theirs", rule="NR103", **people, **until)
    row.save()
    shown = get(reader, f"/findings/?waiver={row.waiver.pk}").all("tr", id=f"finding-{row.pk}")
    assert "until 9 Apr 2026" in shown[0].text
