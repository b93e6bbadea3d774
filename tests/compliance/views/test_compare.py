"""Two tags of a repository held against each other."""

from __future__ import annotations

from unittest.mock import patch
from urllib.parse import quote

import pytest
from django.test import Client
from pytest_django.fixtures import DjangoAssertNumQueries

from compliance.models import Policy, Repository, Tag, TagChange
from compliance.queries.image_differences import RuleDifference
from tests.support.facts import digest, facts, remapped
from tests.support.pages import Page, get, get_part
from tests.support.rows import HOSTILE, NOW, Fleet, artifact, fleet, image, index, never_scanned, tag_row, unreadable

URL = "/r/harbor/team/app-0000/-/compare/"


@pytest.fixture
def made() -> Fleet:
    """A repository whose *1.0* passes and whose *latest* is root."""
    return fleet(1)


def to_index(made: Fleet, name: str, number: int, images: list[int]) -> None:
    """A tag that leads to an index; images by number, odd ones pass."""
    rows = [image(facts("1001:1001") if each % 2 else remapped(), each) for each in images]
    target = index(number, rows)
    tag_row(made.repositories[0], name, rows[0], digest=target.digest, image=None, index=target).save()


def headings(page: Page) -> list[str]:
    """What the page has to say."""
    return [heading.text for heading in page.all("h2")]


def test_who_they_run_as_what_the_rules_say_and_where_the_layers_part(reader: Client, made: Fleet) -> None:
    page = get(reader, f"{URL}?a=1.0&b=latest")
    assert headings(page)[:6] == [
        "From and to",
        "Who it runs as",
        "What platforms and runtimes say otherwise",
        "What the rules say otherwise",
        "What the configs say otherwise",
        "Where the layers part",
    ]
    assert "The config asks for another user: USER 1001:1001 became USER app." in page.text
    assert "NR103 Runs as root under another name decides ▼ worse" in page.text
    assert "Both judged now by kubernetes version 1: Pass → Fail" in page.text
    assert page.all("a", href=f"/i/{made.failing.digest}/")
    turned = page.all("a", href=f"{URL}?a=latest&b=1.0")
    assert [a.text for a in turned] == ["Swap"]
    assert "▲ better" in get(reader, turned[0].attributes["href"]).text


def test_a_policy_without_a_version_judges_nothing(reader: Client, made: Fleet) -> None:
    Policy.objects.update(current=None)
    page = get(reader, f"{URL}?a=1.0&b=latest")
    assert "The policy kubernetes has no version to judge them by." in page.text
    assert "Every rule answers as before" not in page.text
    assert "The config asks for another user: USER 1001:1001 became USER app." in page.text
    assert "Where the layers part" in headings(page)


def test_one_tag_is_held_against_any_other(reader: Client, made: Fleet) -> None:
    (link,) = get(reader, f"{URL}?a=1.0").all("a", class_="small")
    assert (link.text, link.attributes["href"]) == ("latest", f"{URL}?a=1.0&b=latest")


def test_what_is_no_longer_known_is_not_called_better(reader: Client, made: Fleet) -> None:
    ruling = RuleDifference("NR103", "Runs as root", "critical", "violated", "unknown", decides=True, rank=0)
    with patch("compliance.queries.image_differences._rules", return_value=(ruling,)):
        page = get(reader, f"{URL}?a=1.0&b=latest")
    (cell,) = page.all("td", data_label="Change")
    assert cell.text == "no longer known"
    assert "is-pass" not in page.html.split('data-label="Change"')[1].split("</td>")[0]


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("", "Choose two"),
        ("b=1.0", "Choose two"),
        ("a=1.0", "Compare 1.0 with…"),
        ("a=1.0&b=1.0", "Nothing differs"),
        ("a=1.0&b=none", "This repository has no tag of that name, and had none."),
        ("a=%00&b=1.0", "Choose two"),
        (f"a={'x' * 400}&b=1.0", "This repository has no tag of that name"),
        (f"a=1.0&b={digest(5)}", "No tag of this repository leads to this digest, or led to it."),
        ("a=1.0&b=chart", "It holds no Linux image: Helm chart."),
        ("a=1.0&b=broken", "could not be read: The tar archive ends too soon."),
        ("a=1.0&b=unread", "The manifest is not there."),
        ("a=1.0&b=latest&platform=plan9/mips", "Who it runs as"),
    ],
)
def test_what_cannot_be_compared_says_why(reader: Client, made: Fleet, query: str, said: str) -> None:
    home = made.repositories[0]
    tag_row(home, "chart", artifact(903)).save()
    tag_row(home, "broken", unreadable(904)).save()
    unread = {"digest": digest(905), "image": None, "problem_message": "The manifest is not there."}
    tag_row(home, "unread", made.passing, **unread).save()
    assert said in get(reader, f"{URL}?{query}").text


def test_two_tags_are_marked_in_the_list_without_any_script(reader: Client, made: Fleet) -> None:
    page = get(reader, "/r/harbor/team/app-0000/-/")
    assert [form.text for form in page.all("form", action=URL)]
    marks = [(mark.attributes["name"], mark.attributes["value"]) for mark in page.all("input", type="radio")]
    assert set(marks) >= {("a", "1.0"), ("b", "1.0"), ("a", "latest"), ("b", "latest")}
    assert not get(reader, "/tags/").all("input", type="radio", name="a")


def test_one_tag_alone_is_not_offered_for_comparing(reader: Client, made: Fleet) -> None:
    Tag.objects.filter(name="latest").update(deleted_at=NOW)
    Repository.objects.update(tags_total=1, failed=0)
    assert not get(reader, "/r/harbor/team/app-0000/-/").all("input", type="radio", name="a")


def test_a_repository_without_tags_has_nothing_to_compare(reader: Client, made: Fleet) -> None:
    never_scanned(made.registry, "team/new")
    assert "There is nothing to compare" in get(reader, "/r/harbor/team/new/-/compare/").text


def test_a_deleted_tag_is_compared_and_said_to_be_gone(reader: Client, made: Fleet) -> None:
    Tag.objects.filter(name="latest").update(deleted_at=NOW)
    page = get(reader, f"{URL}?a=1.0&b=latest")
    assert "gone since" in page.text
    assert "Who it runs as" in headings(page)
    assert [option.attributes["value"] for option in page.all("option")] == ["1.0"]


def test_what_a_tag_pointed_to_before_is_compared_by_its_digest(reader: Client, made: Fleet) -> None:
    Tag.objects.filter(name="1.0").delete()
    query = f"a={made.passing.digest}&b={made.failing.digest}"
    assert "▼ worse" in get(reader, f"{URL}?{query}").text
    assert get(reader, "/r/harbor/team/app-0000/-/t/latest/").all("a", href=f"{URL}?{query.replace(':', '%3A')}")
    TagChange.objects.all().delete()
    assert "They cannot be compared" in get(reader, f"{URL}?{query}").text


def test_a_digest_of_another_repository_is_none_of_this_one(reader: Client, made: Fleet) -> None:
    other = never_scanned(made.registry, "team/other")
    tag_row(other, "x", image(facts("7:7"), 77)).save()
    assert "No tag of this repository leads to this digest" in get(reader, f"{URL}?a=1.0&b={digest(77)}").text
    assert "no tag of that name" in get(reader, f"{URL}?a=1.0&b=x").text


def test_indexes_are_compared_platform_by_platform(reader: Client, made: Fleet) -> None:
    to_index(made, "one", 801, [11, 13, 15])
    to_index(made, "two", 802, [11, 12])
    page = get(reader, f"{URL}?a=one&b=two")
    rows = [row.text for row in page.all("tr") if row.text.startswith("linux/arch")]
    assert rows[0].startswith("linux/arch0 the same image")
    assert rows[1].startswith("linux/arch1 shown below another image")
    assert rows[2].startswith("linux/arch2 only in the first")
    assert "▼ worse" in page.text
    other = get(reader, page.all("a", href=f"{URL}?a=one&b=two&platform=linux%2Farch0")[0].attributes["href"])
    assert "Nothing differs on this platform" in other.text


def test_of_very_many_platforms_both_sides_show_the_same_first_hundred(reader: Client, made: Fleet) -> None:
    for name, number, child in (("one", 801, made.passing), ("two", 802, made.failing)):
        target = index(number, [child] * 130)
        tag_row(made.repositories[0], name, child, digest=target.digest, image=None, index=target).save()
    page = get(reader, f"{URL}?a=one&b=two")
    rows = [row.text for row in page.all("tr") if row.text.startswith("linux/arch")]
    assert len(rows) == 100
    assert not [row for row in rows if "only in" in row]


def test_an_image_and_an_index_without_a_common_platform(reader: Client, made: Fleet) -> None:
    to_index(made, "one", 801, [11, 13])
    assert "No platform is in both" in get(reader, f"{URL}?a=1.0&b=one").text


def test_one_image_each_is_compared_though_for_two_platforms(reader: Client, made: Fleet) -> None:
    to_index(made, "one", 801, [12])
    page = get(reader, f"{URL}?a=1.0&b=one")
    assert "linux/amd64 → linux/arch0" in page.text
    assert "▼ worse" in page.text


def test_names_of_strangers_stay_text(reader: Client, made: Fleet) -> None:
    page = get(reader, f"{URL}?a={quote(HOSTILE)}&b=1.0")
    assert not page.all("img")
    assert page.all("input", id="a")[0].attributes["value"] == HOSTILE


def test_htmx_gets_the_comparison_alone(reader: Client, made: Fleet) -> None:
    part = get_part(reader, f"{URL}?a=1.0&b=latest")
    assert part.lstrip().startswith('<div id="results"')
    assert "1.0 and latest are compared" in part


def test_a_repository_nobody_has_seen_is_not_found(reader: Client, made: Fleet) -> None:
    get(reader, "/r/harbor/team/none/-/compare/?a=1&b=2", status=404)


@pytest.mark.parametrize(
    ("query", "expected"),
    [("a=1.0&b=latest", 9), ("a=one&b=two", 9), (f"a={digest(901)}&b={digest(902)}", 13), ("", 5)],
)
def test_queries_do_not_grow(
    reader: Client, made: Fleet, django_assert_num_queries: DjangoAssertNumQueries, query: str, expected: int
) -> None:
    to_index(made, "one", 801, [11, 13, 15])
    to_index(made, "two", 802, [11, 12])
    for count in (0, 120):
        rows = (tag_row(made.repositories[0], f"v{at}", made.passing) for at in range(count))
        Tag.objects.bulk_create(rows)
        with django_assert_num_queries(expected):
            get(reader, f"{URL}?{query}")


def verdicts(page: Page) -> list[str]:
    """What stands beside the two names."""
    return [cell.text for cell in page.all("td", **{"data-label": "Verdict"})]


def test_beside_the_name_of_a_tag_stands_what_is_shown_of_the_tag(reader: Client, made: Fleet) -> None:
    """However the platform that is compared is judged: it is one of several, and a tag may be waived or unconfirmed."""
    to_index(made, "one", 951, [961, 962])
    to_index(made, "two", 952, [963, 964])
    Tag.objects.filter(name__in=["one", "two"]).update(verdict="fail")
    shown = [get(reader, f"{URL}?a=one&b=two&platform={quote(each)}") for each in ("linux/arch0", "linux/arch1")]
    assert [verdicts(page) for page in shown] == [["Fail", "Fail"]] * 2
    Tag.objects.filter(name="1.0").update(unconfirmed_since=NOW, verdict="unknown")
    assert verdicts(get(reader, f"{URL}?a=1.0&b=latest")) == ["Unknown", "Fail"]


def test_beside_a_digest_stands_how_its_image_is_judged(reader: Client, made: Fleet) -> None:
    assert verdicts(get(reader, f"{URL}?a={made.passing.digest}&b=latest")) == ["Pass", "Fail"]
