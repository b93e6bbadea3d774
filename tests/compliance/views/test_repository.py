"""One repository."""

from __future__ import annotations

from datetime import timedelta
from urllib.parse import quote

import pytest
from django.test import Client

from compliance.models import DailySnapshot, PolicyVersion, Repository, Tag
from tests.support.pages import Page, get, get_part
from tests.support.rows import NOW, fleet, never_scanned, registry, tag_row

URL = "/r/harbor/team/app-0000/-/"


def periods(page: Page) -> list[list[str]]:
    """The cells of the trend table."""
    table = page.html.split('aria-label="Trend table"')[1].split("</table>")[0]
    return [row.text.split() for row in Page(f"<body>{table}</body>").all("tr")][1:]


def tags(page: Page) -> list[str]:
    """Names of the tags, in order."""
    return [a.text for a in page.all("a") if "/-/t/" in a.attributes.get("href", "")]


@pytest.mark.parametrize("url", ["/r/harbor/team/none/-/", "/r/none/team/app-0000/-/", "/r/harbor/a%00b/-/"])
def test_what_nobody_has_seen_is_not_found(reader: Client, url: str) -> None:
    fleet(1)
    get(reader, url, status=404)


def test_the_sentence_says_how_many_pass_and_since_when_it_fails(reader: Client) -> None:
    fleet(1)
    assert "1 of 2 tags pass; 1 fails since 3 days ago." in get(reader, URL).text


def test_a_repository_that_was_never_scanned(reader: Client) -> None:
    never_scanned(registry(), "team/new")
    page = get(reader, "/r/harbor/team/new/-/")
    assert "not scanned yet" in page.text
    assert "The trend begins with the first day" in page.text


def test_a_deleted_repository_is_still_there_and_says_so(reader: Client) -> None:
    fleet(1)
    Repository.objects.update(deleted_at=NOW)
    assert "The registry no longer has this repository" in get(reader, URL).text


def test_what_is_out_of_scope_says_so_and_not_that_it_is_gone(reader: Client) -> None:
    fleet(1)
    left_out = {"deleted_at": NOW, "problem_code": "out-of-scope", "problem_message": "the scope leaves it out"}
    Tag.objects.update(**left_out)
    Repository.objects.update(tags_total=0, passed=0, failed=0, **left_out)
    page, tag = get(reader, URL).text, get(reader, f"{URL}t/latest/").text
    assert "The registry no longer has" not in page + tag
    assert "the scope leaves it out" in page
    assert "scope leaves this tag out" in tag


def test_a_problem_is_shown_with_its_remedy(reader: Client) -> None:
    fleet(1)
    Repository.objects.update(problem_code="denied", problem_message="Access denied.", problem_remedy="Give access.")
    page = get(reader, URL)
    assert "Access denied." in page.text
    assert "Give access." in page.text


def test_the_trend_by_day(reader: Client) -> None:
    fleet(1)
    found = periods(get(reader, URL))
    assert found[0] == [
        "10",
        "Mar",
        "2",
        "1",
        "1",
        "0",
        "0",
        "0",
        "0",
        "0",
        "0",
        "50.0",
        "50",
        "%",
        "±0",
        "kubernetes",
        "v1",
    ]
    assert found[3][2:] == [
        "2",
        "1",
        "1",
        "0",
        "0",
        "1",
        "0",
        "0",
        "0",
        "50.0",
        "50",
        "%",
        "▼",
        "−50.0",
        "kubernetes",
        "v1",
    ]
    assert len(found) == 10


def test_a_change_of_the_policy_is_a_line_in_the_trend(reader: Client) -> None:
    made = fleet(1)
    first = made.registry.policy.current
    assert first is not None
    second = PolicyVersion.objects.create(policy=first.policy, number=2, document=first.document, created_at=NOW)
    assert not get(reader, URL).all("line", class_="mark")
    DailySnapshot.objects.filter(closed=False).update(policy_version=second)

    page = get(reader, URL)

    assert len(page.all("line", class_="mark")) == 1
    assert "From 10 Mar on: kubernetes v2." in page.all("desc")[0].text
    assert [row[-1] for row in periods(page)][:3] == ["v2", "v1", "v1"]
    assert "Rules changed: kubernetes v2" in " ".join(periods(page)[0])
    assert page.all("ol", class_="marks")[0].text == "1 From 10 Mar on: kubernetes v2"
    assert page.all("a", href="/policies/kubernetes/history/#v2")


def test_changes_of_one_week_are_one_line(reader: Client) -> None:
    home = registry()
    row = never_scanned(home, "team/new")
    first = home.policy.current
    later = [PolicyVersion(policy=home.policy, number=number, document={}, created_at=NOW) for number in (2, 3)]
    PolicyVersion.objects.bulk_create(later)
    counts = dict.fromkeys(("evaluated", "passed", "failed", "unknown", "not_applicable"), 0)
    assert first is not None
    for back, version in zip((8, 1, 0), (first, *later), strict=True):
        day = NOW.date() - timedelta(days=back)
        DailySnapshot.objects.create(repository=row, day=day, policy_version=version, **counts)
    page = get(reader, "/r/harbor/team/new/-/?by=week")
    assert [mark.text for mark in page.all("line", class_="mark")] == ["kubernetes v2, kubernetes v3"]
    assert page.all("ol", class_="marks")[0].text == "1 From 2026-W11 on: kubernetes v2, kubernetes v3"


def test_what_was_not_confirmed_says_so_beside_its_verdict(reader: Client) -> None:
    fleet(1)
    since = NOW - timedelta(days=2)
    told = {"problem_code": "server-error", "problem_message": "503 from the registry."}
    assert "not confirmed" not in get(reader, URL).text
    Tag.objects.filter(name="1.0").update(unconfirmed_since=since, **told)

    page = get(reader, URL)

    assert "1 tag not confirmed since 2 days ago" in page.all("p", class_="lead")[0].text
    assert "not confirmed since 2 days ago" in next(row.text for row in page.rows if row.text.startswith("1.0"))
    assert "not confirmed since 2 days ago" in get(reader, "/tags/?verdict=pass").rows[0].text
    banner = get(reader, f"{URL}t/1.0/").all("div", class_="banner")[0].text
    assert banner.startswith("Pass not confirmed since 2 days ago 503 from the registry.")


def test_protected_tags_bear_a_shield(reader: Client) -> None:
    made = fleet(1)
    assert "protected" not in get(reader, URL).text
    made.registry.protected_tags = ["prod", "late*"]
    made.registry.save()

    rows = [row.text for row in get(reader, URL).rows]

    assert ["protected" in row for row in rows if row.startswith(("1.0", "latest"))] == [False, True]
    assert "protected" in get(reader, f"{URL}t/latest/").all("h1")[0].text


def test_the_trend_ends_with_what_the_page_says_now(reader: Client) -> None:
    fleet(1)
    DailySnapshot.objects.filter(day="2026-03-10").delete()
    assert periods(get(reader, URL))[0][:5] == ["10", "Mar", "2", "1", "1"]


def test_the_trend_of_a_deleted_repository_ends_when_it_went(reader: Client) -> None:
    fleet(1)
    DailySnapshot.objects.filter(day="2026-03-10").delete()
    Repository.objects.update(deleted_at=NOW)
    assert periods(get(reader, URL))[0][:2] == ["09", "Mar"]


def test_the_trend_by_week_takes_the_last_day_and_adds_what_happened(reader: Client) -> None:
    fleet(1)
    DailySnapshot.objects.filter(day="2026-03-10").update(fixed=2, new=1)
    found = periods(get(reader, f"{URL}?by=week"))
    assert [row[0] for row in found] == ["2026-W11", "2026-W10", "2026-W09"]
    assert found[0][1:8] == ["2", "1", "1", "0", "0", "1", "2"]
    assert found[1][6] == "1"


def test_the_trend_by_month(reader: Client) -> None:
    fleet(1)
    assert [row[:2] for row in periods(get(reader, f"{URL}?by=month"))] == [["Mar", "2026"]]


def test_the_chart_and_the_table_are_of_the_same_numbers(reader: Client) -> None:
    fleet(1)
    page = get(reader, URL)
    assert "fail from 0 to 1" in page.all("desc")[0].text
    assert page.all("rect", class_="hit")


def test_tabs_count_what_they_show(reader: Client) -> None:
    fleet(1)
    page = get(reader, URL)
    for tab in [a for a in page.all("a") if "verdict=" in a.attributes.get("href", "")]:
        assert len(tags(get(reader, tab.attributes["href"]))) == int(tab.text.rsplit(" ", 1)[1])


@pytest.mark.parametrize(
    ("query", "expected"),
    [("sort=name", ["1.0", "latest"]), ("sort=-name", ["latest", "1.0"]), ("q=LAT", ["latest"]), ("q=%25", []),
     ("verdict=pass", ["1.0"]), ("verdict=x&sort=name", ["1.0", "latest"]), ("sort=pk;--&q=1", ["1.0"])],
)  # fmt: skip
def test_the_table_of_tags(reader: Client, query: str, expected: list[str]) -> None:
    fleet(1)
    assert tags(get(reader, f"{URL}?{query}")) == expected


def test_each_platform_of_a_tag_is_a_link(reader: Client) -> None:
    made = fleet(1)
    strip = [
        {"platform": "linux/amd64", "digest": made.passing.digest, "verdict": "pass", "runs_as": "1001:1001"},
        {"platform": "linux/arm64", "digest": made.failing.digest, "verdict": "fail", "runs_as": "0:0"},
    ]
    tag_row(made.repositories[0], "multi", made.failing, platforms=strip).save()
    page = get(reader, f"{URL}?q=multi")
    assert page.all("a", href=f"/i/{made.failing.digest}/")[0].text == "arm64: Fail"


def test_a_row_opens_to_a_line_per_platform(reader: Client) -> None:
    made = fleet(1)
    strip = [
        {"platform": "linux/amd64", "digest": made.passing.digest, "verdict": "pass", "runs_as": "1001:1001"},
        {"platform": "linux/arm64", "digest": made.failing.digest, "verdict": "fail", "runs_as": "0:0"},
    ]
    tag_row(made.repositories[0], "multi", made.failing, platforms=strip).save()
    opener = get(reader, f"{URL}?q=multi").all("details", class_="each")[0]
    lines = get_part(reader, opener.attributes["hx-get"])
    assert "<html" not in lines
    assert [" ".join(li.text.split()) for li in Page(lines).all("li")] == [
        "linux/amd64 Pass 1001:1001",
        "linux/arm64 Fail 0:0",
    ]
    assert "linux/amd64 runs as 1001:1001; linux/arm64 runs as 0:0" in get(reader, f"{URL}t/multi/").text


def test_htmx_gets_the_tags_alone(reader: Client) -> None:
    fleet(1)
    part = get_part(reader, f"{URL}?verdict=fail")
    assert "Trend" not in part
    assert "latest" in part


def test_a_tag_with_an_awkward_name(reader: Client) -> None:
    made = fleet(1)
    tag_row(made.repositories[0], "v1.0_x-y.Z", made.passing).save()
    assert "v1.0_x-y.Z" in get(reader, f"{URL}t/v1.0_x-y.Z/").text


def test_the_page_of_a_tag_says_where_it_points_and_where_it_did(reader: Client) -> None:
    made = fleet(1)
    page = get(reader, f"{URL}t/latest/")
    assert page.all("a", href=f"/i/{made.failing.digest}/")
    assert page.all("a", href=f"/i/{made.passing.digest}/")
    assert "Moved" in page.text


def test_a_deleted_tag_says_so(reader: Client) -> None:
    fleet(1)
    Tag.objects.filter(name="latest").update(deleted_at=NOW)
    assert "The registry no longer has this tag" in get(reader, f"{URL}t/latest/").text


@pytest.mark.parametrize("tag", ["none", "a\0b", "x" * 400])
def test_a_tag_nobody_has_seen_is_not_found(reader: Client, tag: str) -> None:
    fleet(1)
    get(reader, f"{URL}t/{quote(tag)}/", status=404)
