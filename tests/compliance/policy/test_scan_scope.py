"""What of a registry is scanned."""

from __future__ import annotations

import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from compliance.policy.globs import compile_glob, fits_any
from compliance.policy.scan_scope import (
    MOST_PATTERNS,
    InvalidScope,
    ScanScope,
    parse_platforms,
    parse_repository_patterns,
    parse_tag_patterns,
    platform_in_scope,
    repository_in_scope,
    scope_problems,
    tag_in_scope,
)


@pytest.mark.parametrize(
    ("pattern", "text", "fits"),
    [
        ("a", "a", True),
        ("a", "ab", False),
        ("a*", "a", True),
        ("*", "", True),
        ("", "", True),
        ("", "a", False),
        ("team/*", "team/app/web", True),
        ("*/app", "team/app", True),
        ("*/app", "app", False),
        ("a*a", "a", False),
        ("a*a", "aa", True),
        ("a*b*b", "ab", False),
        ("a*b*b", "abb", True),
        ("*ab*ab*", "abab", True),
        ("*ab*ab*", "aab", False),
        ("1.?", "1.2", True),
        ("1.?", "1.", False),
        ("v?.*", "v1.", True),
        ("*?", "", False),
        ("*?b", "ab", True),
        ("[a]", "a", False),
        ("a.c", "abc", False),
        ("V1", "v1", False),
    ],
)
def test_a_glob(pattern: str, text: str, fits: bool) -> None:
    assert compile_glob(pattern).fits(text) is fits


@given(st.text("ab*?", max_size=8), st.text("ab", max_size=10))
def test_it_fits_what_the_regular_expression_fits(pattern: str, text: str) -> None:
    expression = "".join({"*": ".*", "?": "."}.get(char, char) for char in pattern)
    assert compile_glob(pattern).fits(text) is bool(re.fullmatch(expression, text))


@pytest.mark.parametrize("pattern", ["a*" * 127 + "b", "*a?" * 80 + "b", "?*" * 120 + "x", "*" * 255])
def test_a_hostile_pattern_takes_no_longer_than_others(pattern: str) -> None:
    start = time.thread_time()
    for _ in range(100):
        compile_glob(pattern).fits("a" * 255)
    assert time.thread_time() - start < 1.0


@pytest.mark.parametrize(
    ("name", "counts"),
    [("team/app", True), ("team/app-test", False), ("other/app", False), ("public/app", True), ("team/keep", True)],
)
def test_repositories(name: str, counts: bool) -> None:
    scope = ScanScope(include_repositories=("team/*", "public/app"), exclude_repositories=("*-test",))
    assert repository_in_scope(name, scope) is counts
    assert repository_in_scope(name, ScanScope())


@pytest.mark.parametrize(
    ("tag", "counts"), [("v1", True), ("v1-debug", False), ("latest", False), ("prod-debug", True), ("prod", True)]
)
def test_tags(tag: str, counts: bool) -> None:
    scope = ScanScope(include_tags=("v*",), exclude_tags=("*-debug",))
    assert tag_in_scope(tag, scope, ("prod*",)) is counts


@pytest.mark.parametrize(
    ("platform", "wanted", "counts"),
    [
        ("linux/amd64", (), True),
        ("", ("linux/amd64",), True),
        ("linux/amd64", ("linux/amd64",), True),
        ("linux/arm64/v8", ("linux/arm64",), True),
        ("linux/arm64", ("linux/arm64/v8",), False),
        ("linux/arm/v7", ("linux/arm/v6", "linux/arm/v7"), True),
        ("linux/s390x", ("linux/*",), True),
        ("windows/amd64", ("linux/*",), False),
        ("unknown/unknown", ("linux/*",), False),
        ("linux/amd64x", ("linux/amd64",), False),
    ],
)
def test_platforms(platform: str, wanted: tuple[str, ...], counts: bool) -> None:
    assert platform_in_scope(platform, wanted) is counts


def test_reading_what_was_entered() -> None:
    assert parse_repository_patterns("team/*, public/app\n team/*") == ("team/*", "public/app")
    assert parse_tag_patterns(" v?.*  LATEST") == ("v?.*", "LATEST")
    assert parse_platforms("linux/amd64 linux/arm64/v8,linux/*") == ("linux/amd64", "linux/arm64/v8", "linux/*")


@pytest.mark.parametrize("wrong", ["Team/*", "a[b]", "a\u0000", "é", "x" * 256, " ".join(f"p{n}" for n in range(51))])
def test_what_no_repository_is_called(wrong: str) -> None:
    with pytest.raises(InvalidScope):
        parse_repository_patterns(wrong)


@pytest.mark.parametrize("wrong", ["a/b", "[ab]", "x" * 129, "é"])
def test_what_no_tag_is_called(wrong: str) -> None:
    with pytest.raises(InvalidScope):
        parse_tag_patterns(wrong)


@pytest.mark.parametrize("wrong", ["linux", "*/amd64", "linux/amd64/", "linux/arm/v8/x", "Linux/amd64", "linux/*64"])
def test_what_is_no_platform(wrong: str) -> None:
    with pytest.raises(InvalidScope, match="linux/amd64"):
        parse_platforms(wrong)


def test_problems_are_named_by_field() -> None:
    scope = ScanScope(include_tags=("a b/",), newest_tags=0, pushed_within_days=40_000, platforms=("x",))
    assert scope_problems(scope).keys() == {"include_tags", "newest_tags", "pushed_within_days", "platforms"}
    assert scope_problems(ScanScope(exclude_repositories=("a*",), newest_tags=10)) == {}


def test_a_million_names_against_all_patterns_is_bounded_by_the_number_of_patterns() -> None:
    assert MOST_PATTERNS <= 50
    assert not fits_any("team/app", [f"*{n}*" for n in range(MOST_PATTERNS)])


def test_the_same_platforms_have_the_same_key() -> None:
    assert ScanScope(platforms=("b/c", "a/b")).platform_key == ScanScope(platforms=("a/b", "b/c", "a/b")).platform_key
    assert ScanScope().platform_key == ""
