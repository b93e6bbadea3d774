"""An address of the inbox: what it asks for, how it is shown, and in which words."""

from __future__ import annotations

import pytest

from compliance.queries.filters import Chip
from compliance.queries.finding_filter import (
    FindingFilter,
    FindingView,
    address,
    chips,
    is_understood,
    params_of,
    read_filter,
    read_view,
    say,
)
from compliance.remediation.terms import TERMS, Ages, canonical


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("status", "open", "status Open"),
        ("status", "in_progress,regressed", "status In progress or Regressed"),
        ("status", "-waived,fixed", "status not Waived or Fixed"),
        ("severity", "critical,high", "severity critical or high"),
        ("rule", "NR101", "rule NR101 Runs as root because nothing says otherwise"),
        ("is", "protected,regression", "on a protected tag and ran as somebody else before"),
        ("is", "unprotected", "on no protected tag"),
        ("is", "baseline", "there at the baseline"),
        ("is", "new-since-baseline", "new since the baseline"),
        ("due", "overdue", "overdue"),
        ("due", "week", "due within 7 days"),
        ("due", "none", "without a due date"),
        ("age", ">14d", "older than 14 days"),
        ("age", "<7d", "found less than 7 days ago"),
        ("age", "<1d", "found less than 1 day ago"),
        ("age", ">1d", "older than 1 day"),
        ("age", "8-30d", "8 to 30 days old"),
        ("opened", "30d", "opened in the last 30 days"),
        ("fixed", "7d", "fixed in the last 7 days"),
        ("reopened", "1d", "reopened in the last 1 day"),
        ("subject", '""', "no USER"),
        ("subject", "app", "USER app"),
        ("subject", "-x", "USER -x"),
        ("id", "1", "1 chosen one by one"),
        ("id", "1,2,30", "3 chosen one by one"),
        ("team", "none", "no team"),
        ("team", "payments", "team payments"),
        ("assignee", "nobody", "assigned to nobody"),
        ("assignee", "somebody", "assigned to somebody"),
        ("assignee", "kim", "assigned to kim"),
        ("repository", "harbor/app", "repository harbor/app"),
        ("tag", "1.0", "tag 1.0"),
        ("platform", "linux/amd64", "platform linux/amd64"),
        ("label", "pci", "label pci"),
        ("base", "none", "no base declared"),
        ("base", "quay.io/team/base:1", "declared base quay.io/team/base:1"),
        ("label", "pci,web", "labels pci and web"),
    ],
)
def test_words(name: str, value: str, words: str) -> None:
    assert canonical(name, value) == value
    assert say(name, value) == words


def test_a_tag_is_one_of_a_repository() -> None:
    assert read_filter({"tag": "1.0"}).problems == ("“tag” names one of a repository: say which repository.",)
    assert not read_filter({"q": "repo:harbor/app tag:1.0"}).problems
    assert read_filter({"repository": "harbor/app", "tag": "1.0"}).query == "repository=harbor%2Fapp&tag=1.0"
    assert not read_filter({"repository": "harbor/app"}).problems
    named = read_filter({"repository": "harbor/app", "tag": "1.0", "rule": "NR103"})
    assert named.without("repository").terms == {"rule": "NR103"}
    assert named.without("tag").terms == {"repository": "harbor/app", "rule": "NR103"}


def test_the_address_counts_and_the_search_box_before_it() -> None:
    wanted = read_filter({"q": "severity:high app", "severity": "low", "team": "payments", "nonsense": "x", "age": "x"})
    assert (wanted.terms, wanted.words, wanted.tab) == ({"severity": "high", "team": "payments"}, ("app",), "open")
    assert wanted.pairs == {"q": "app", "team": "payments", "severity": "high"}
    assert wanted.query == "q=app&severity=high&team=payments"
    assert list(wanted.pairs)[1:] == [name for name in TERMS if name in wanted.terms]


@pytest.mark.parametrize(
    ("params", "tab", "query"),
    [
        ({}, "open", ""),
        ({"tab": "open"}, "open", ""),
        ({"tab": "mine"}, "mine", "tab=mine"),
        ({"tab": "nonsense"}, "open", ""),
        *(
            ({name: value}, "all", f"{name}={value}")
            for name, value in (("status", "fixed"), ("waiver", "7"), ("id", "7"))
        ),
        *(({name: "30d"}, "all", f"{name}=30d") for name in ("opened", "fixed", "reopened")),
        ({"status": "fixed", "tab": "open"}, "open", "tab=open&status=fixed"),
        ({"status": "fixed", "tab": "all"}, "all", "status=fixed"),
    ],
)
def test_what_no_tab_means(params: dict[str, str], tab: str, query: str) -> None:
    wanted = read_filter(params)
    assert (wanted.tab, wanted.query) == (tab, query)


@pytest.mark.parametrize(
    ("params", "names", "left"),
    [
        ({"status": "fixed", "q": "app"}, ("status",), {"q": "app"}),
        ({"status": "fixed", "q": "app"}, ("q",), {"status": "fixed"}),
        ({"status": "fixed", "tab": "mine"}, ("status",), {"tab": "mine"}),
        ({"status": "fixed", "tab": "mine"}, ("tab",), {"status": "fixed"}),
        ({"team": "a", "severity": "low"}, ("team", "severity"), {}),
        ({"team": "a", "waiver": "7"}, ("team",), {"waiver": "7"}),
    ],
)
def test_without(params: dict[str, str], names: tuple[str, ...], left: dict[str, str]) -> None:
    assert read_filter(params).without(*names) == read_filter(left)


@pytest.mark.parametrize(
    ("query", "understood"),
    [
        ("", True),
        ("tab=mine", True),
        ("q=app&rule=NR103&status=fixed&sort=-age&group=rule&size=250", True),
        ("q=severity:high", True),
        ("tab=late", False),
        ("rule=NR999", False),
        ("severity=terrible&team=payments", False),
        ("mood=bad", False),
        ("q=severity:terrible", False),
        ("q=" + "a" * 5_000, False),
    ],
)
def test_what_is_still_understood(query: str, *, understood: bool) -> None:
    assert is_understood(query) is understood


def test_ages() -> None:
    assert read_filter({"age": ">14d"}).ages == Ages(15, None)
    assert read_filter({}).ages is None


@pytest.mark.parametrize(
    ("params", "view", "pairs"),
    [
        ({}, FindingView(), {}),
        (
            {"sort": "-due", "group": "rule", "size": "250", "opened": "NR101", "f": "7"},
            FindingView("-due", "rule", 250, "NR101", "7"),
            {"sort": "-due", "group": "rule", "size": "250"},
        ),
        ({"sort": "urgency", "group": "", "size": "50"}, FindingView(), {}),
        ({"sort": "-urgency", "group": "nonsense", "size": "51", "f": "x"}, FindingView(), {}),
        ({"sort": "age", "size": "25", "f": "0"}, FindingView("age", size=25), {"sort": "age", "size": "25"}),
        ({"f": "1" * 30}, FindingView(), {}),
    ],
)  # fmt: skip
def test_how_they_are_shown(params: dict[str, str], view: FindingView, pairs: dict[str, str]) -> None:
    assert read_view(params) == view
    assert read_view(params).pairs == pairs


def test_a_chip_for_each_filter_leads_to_the_list_without_it() -> None:
    wanted, view = read_filter({"q": "app shop", "team": "none", "due": "week"}), FindingView(sort="due")
    assert chips(wanted, view) == (
        Chip("contains “app” and “shop”", "?team=none&due=week&sort=due"),
        Chip("no team", "?q=app+shop&due=week&sort=due"),
        Chip("due within 7 days", "?q=app+shop&team=none&sort=due"),
    )
    assert chips(FindingFilter(), view) == ()
    assert address(wanted, view, page="2") == "?q=app+shop&team=none&due=week&sort=due&page=2"


def test_of_a_query_string_so_much_is_read() -> None:
    assert params_of("a=1&b=x%20y&c=") == {"a": "1", "b": "x y"}
    assert params_of("a=1&b=" + "x" * 9_000)["b"] == "x" * (6_000 - len("a=1&b="))
