"""The page of a repository and of a tag; what a repository's tags are listed by."""

from __future__ import annotations

from datetime import timedelta
from urllib.parse import quote

import pytest
from django.test import Client

from compliance.models import Image, Repository, Tag, User, Waiver
from tests.support.facts import digest
from tests.support.pages import Page, get, get_part, logged_in
from tests.support.remediation import finding, own, team
from tests.support.rows import NOW, artifact, fleet, never_scanned, registry, tag_row, user

URL = "/r/harbor/team/app-0000/-/"
TREND = f"{URL}trend/"


def tags(page: Page) -> list[str]:
    """Names of the tags, in order."""
    listed = Page(page.html.split('id="results"')[1])
    return [a.text for a in listed.all("a") if "/-/t/" in a.attributes.get("href", "")]


@pytest.mark.parametrize("url", ["/r/harbor/team/none/-/", "/r/none/team/app-0000/-/", "/r/harbor/a%00b/-/"])
def test_what_nobody_has_seen_is_not_found(reader: Client, url: str) -> None:
    fleet(1)
    get(reader, url, status=404)


def test_the_sentence_says_how_many_pass_and_since_when_it_fails(reader: Client) -> None:
    made = fleet(1)
    lead = get(reader, URL).all("p", class_="lead")[0].text
    assert lead == "Fail · 1 of 2 tags pass; latest has failed for 3 days."
    made.registry.protected_tags = ["prod"]
    made.registry.save()
    Repository.objects.update(failed=3, tags_total=4)
    for name, days in (("old", 9), ("prod", 2)):
        tag_row(made.repositories[0], name, made.failing, failing_since=NOW - timedelta(days=days)).save()
    lead = get(reader, URL).all("p", class_="lead")[0].text
    assert "; 3 fail, some of them for 3 days, among them the protected prod for 2 days." in lead
    Tag.objects.filter(name="prod").update(failing_since=None)
    assert "among them the protected prod." in get(reader, URL).text
    Tag.objects.filter(name="prod").delete()
    assert "among them old for 9 days." in get(reader, URL).text


def test_what_belongs_to_it_is_behind_tabs_that_say_how_much_it_is(reader: Client) -> None:
    made = fleet(1)
    sam, kept = User.objects.get(username="reader"), {"created_at": NOW, "expires_at": NOW + timedelta(days=30)}
    waiver = Waiver.objects.create(
        title="Until May", rule="NR103", reason="vendor", owner=sam, created_by=sam,
        approver=sam, approved_at=NOW, **kept,
    )  # fmt: skip
    finding(made.repositories[0], status="waived", waiver=waiver)
    Waiver.objects.create(title="Of others", rule="NR103", reason="vendor", owner=sam, created_by=sam, **kept)
    links = get(reader, URL).all("nav", aria_label="Of this repository")[0]
    assert links.text == "Tags 2 Findings 0 Trend Scans Waivers 1 Settings"
    named = "repository=harbor%2Fteam%2Fapp-0000"
    assert len(get(reader, f"/waivers/?{named}").rows) == 1
    assert "No waiver matches" in get(reader, "/waivers/?repository=harbor/team/none").text
    assert get(reader, f"/waivers/?{named}").all("input", name="repository")
    assert len(get(reader, f"/scans/?{named}").rows) == 1
    assert "No scan matches" in get(reader, "/scans/?repository=harbor/team/none").text
    assert len(get(reader, "/scans/?repository=nonsense").rows) == 1


def test_who_sees_no_operations_is_offered_no_scans(db: None) -> None:
    made = fleet(1)
    viewer = user("viewer", role="member")
    own(team("Payments", viewer=viewer), made.repositories)
    found = get(logged_in(viewer), URL).all("nav", aria_label="Of this repository")[0]
    assert found.text == "Tags 2 Findings 0 Trend Waivers 0"


def test_tags_of_one_digest_are_one_row(reader: Client) -> None:
    made = fleet(1)
    home = made.repositories[0]
    for at in range(7):
        tag_row(home, f"v{at}", made.passing, moved_at=NOW - timedelta(days=at)).save()
    excused = tag_row(home, "waived", made.failing, excused_as="waived")
    excused.save()
    for q, counts in (("v", ["1", "7"]), ("1.0", ["1"])):
        links = get(reader, f"{URL}?group=digest&q={q}").all("a")
        some = [a.attributes for a in links if "digest=" in a.attributes["href"] and "data-count" in a.attributes]
        behind = [get(reader, each["href"]).all("div", id="results")[0].attributes["data-total"] for each in some]
        assert sorted(each["data-count"] for each in some) == sorted(behind) == counts
    page = get(reader, f"{URL}?group=digest")
    assert page.all("div", id="results")[0].attributes["data-total"] == "3"
    rows = [row for row in page.rows if "tag" in row.text and "000000" in row.text]
    assert ["v0, v1, v2, 1.0, v3 8 tags Pass" in row.text for row in rows] == [True, False, False]
    numbers = [a for a in page.all("a") if "digest=" in a.attributes["href"] and "data-count" in a.attributes]
    assert sorted(int(a.attributes["data-count"]) for a in numbers) == [1, 1, 8]
    for a in numbers:
        listed = get(reader, a.attributes["href"])
        assert listed.all("div", id="results")[0].attributes["data-total"] == a.attributes["data-count"]
        assert "points to sha256:" in listed.all("a", class_="chip")[0].text
    assert "3 images, page 1 of 1" in get_part(reader, f"{URL}?group=digest")


def test_a_digest_has_the_times_of_the_tag_that_moved_last(reader: Client) -> None:
    made = fleet(1)
    home = made.repositories[0]
    for name, days in (("w1", 1), ("w2", 2)):
        asked = NOW - timedelta(days=days)
        tag_row(home, name, made.passing, digest=digest(80), moved_at=asked, seen_at=asked).save()
    home.scanned_at = None
    home.save()
    Image.objects.filter(pk=made.passing.pk).update(built_at=NOW - timedelta(days=3), first_seen_at=NOW)
    page = get(reader, f"{URL}?group=digest&q=w")
    for label, days in (("Scanned", 1), ("Built", 3)):
        (cell,) = [part.split("</td>")[0] for part in page.html.split(f'data-label="{label}">')[1:]]
        assert f"{NOW - timedelta(days=days):%Y-%m-%dT%H:%M}" in cell, label
    assert "those of the one that moved last" in page.text


@pytest.mark.parametrize(
    ("sort", "names"), [("name", "abc"), ("moved", "bca"), ("size", "cab"), ("score", "acb"), ("pk", "acb")]
)
def test_images_of_tags_in_every_order(reader: Client, sort: str, names: str) -> None:
    made = fleet(1)
    for at, (name, days, size, score) in enumerate([("a", 1, 20, 10), ("b", 3, 30, 30), ("c", 2, 10, 20)]):
        moved = {"moved_at": NOW - timedelta(days=days), "size": size, "score": score}
        tag_row(made.repositories[0], f"z{name}", made.passing, digest=digest(at + 70), **moved).save()
    for asked, expected in ((sort, names), (f"-{sort}", names if sort == "pk" else names[::-1])):
        page = get(reader, f"{URL}?group=digest&sort={asked}&q=z&digest=nonsense")
        listed = [a.text for a in page.all("a") if "/-/t/z" in a.attributes["href"]]
        assert listed == [f"z{each}" for each in expected]


def test_what_could_not_be_read_is_a_row_too(reader: Client) -> None:
    made = fleet(1)
    tag_row(made.repositories[0], "odd", made.passing, digest="", image=None, verdict="unknown").save()
    assert "nothing that could be read" in get(reader, f"{URL}?group=digest").text


def test_a_repository_that_was_never_scanned(reader: Client) -> None:
    never_scanned(registry(), "team/new")
    page = get(reader, "/r/harbor/team/new/-/")
    assert "not scanned yet" in page.text
    trend = get(reader, "/r/harbor/team/new/-/trend/")
    assert "The trend begins with the first day" in trend.text


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


def test_what_was_not_confirmed_says_so_beside_its_verdict(reader: Client) -> None:
    fleet(1)
    since = NOW - timedelta(days=2)
    told = {"problem_code": "server-error", "problem_message": "503 from the registry."}
    assert "not confirmed" not in get(reader, URL).text
    Tag.objects.filter(name="1.0").update(unconfirmed_since=since, **told)

    page = get(reader, URL)

    assert "1 tag not confirmed for 2 days" in page.all("p", class_="lead")[0].text
    assert "not confirmed for 2 days" in next(row.text for row in page.rows if row.text.startswith("1.0"))
    assert "not confirmed for 2 days" in get(reader, "/tags/?verdict=pass").rows[0].text
    banner = get(reader, f"{URL}t/1.0/").all("div", class_="banner")[0].text
    assert banner.startswith("Pass not confirmed for 2 days 503 from the registry.")


def test_protected_tags_bear_a_shield(reader: Client) -> None:
    made = fleet(1)
    assert "protected" not in get(reader, URL).text
    made.registry.protected_tags = ["prod", "late*"]
    made.registry.save()

    rows = [row.text for row in get(reader, URL).rows]

    assert ["protected" in row for row in rows if row.startswith(("1.0", "latest"))] == [False, True]
    assert "protected" in get(reader, f"{URL}t/latest/").all("h1")[0].text


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


def test_what_runs_as_nobody_is_not_offered_for_comparing(reader: Client) -> None:
    made = fleet(1)
    tag_row(made.repositories[0], "sha256-0.sig", artifact(950, "Signature")).save()
    page = get(reader, f"{URL}?sort=name")
    assert tags(page) == ["1.0", "latest", "sha256-0.sig"]
    for end in ("a", "b"):
        offered = [each.attributes["value"] for each in page.all("input", type="radio", name=end)]
        assert offered == ["1.0", "latest"]


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
