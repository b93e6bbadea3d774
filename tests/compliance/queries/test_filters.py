"""What is read of an address: names from lists, bounded text, ids; the rest is nothing."""

from __future__ import annotations

import re
from fnmatch import fnmatchcase

import pytest
from hypothesis import given
from hypothesis import strategies as st

from compliance.queries.filters import (
    choice_of,
    number_of,
    pattern_of,
    pattern_regex,
    policy_of,
    slug_of,
    text_of,
    without,
)


@pytest.mark.parametrize(
    ("typed", "read"),
    [
        ("app", "app"),
        ("  app \t", "app"),
        ("a\x00b\u202ec\nd", "abcd"),
        ("two words", "two words"),
        ("x" * 200, "x" * 200),
        ("x" * 201, "x" * 200),
        ("\x00" * 200 + "x", ""),
    ],
)
def test_texts(typed: str, read: str) -> None:
    assert text_of({"q": typed}, "q") == read


def test_what_is_not_there_is_nothing() -> None:
    assert (text_of({}, "q"), choice_of({}, "q", {"": 1}), slug_of({}, "q"), number_of({}, "q")) == ("", "", "", None)
    assert pattern_of({}) == ""
    assert policy_of({}) is None


@pytest.mark.parametrize(("asked", "read"), [("a", "a"), ("b", ""), ("A", ""), ("", ""), ("a ", "")])
def test_choices(asked: str, read: str) -> None:
    assert choice_of({"show": asked}, "show", {"a": "A"}) == read
    assert choice_of({"show": asked}, "show", frozenset({"a"})) == read


@pytest.mark.parametrize(
    ("asked", "fits"),
    [
        ("team-a_2", True),
        ("A", True),
        ("x" * 60, True),
        ("x" * 61, False),
        ("a b", False),
        ("a\n", False),
        ("ä", False),
    ],
)
def test_slugs(asked: str, fits: bool) -> None:
    assert slug_of({"team": asked}, "team") == (asked if fits else "")


@pytest.mark.parametrize(
    ("asked", "number"),
    [("1", 1), ("10", 10), ("9" * 18, 10**18 - 1), ("1" + "0" * 18, None), ("0", None), ("01", None), ("-1", None),
     ("1\n", None), ("٣", None), ("1_0", None), ("1.0", None)],
)  # fmt: skip
def test_numbers_are_ids_that_a_database_takes(asked: str, number: int | None) -> None:
    assert number_of({"id": asked}, "id") == number


@pytest.mark.parametrize(("asked", "read"), [("team/*", "team/*"), ("Team/*", ""), ("a'; --", ""), ("a" * 256, "")])
def test_patterns(asked: str, read: str) -> None:
    assert pattern_of({"pattern": asked}) == read


@given(st.text("ab/.-_*?", min_size=1, max_size=8), st.text("ab/.-_", max_size=8))
def test_the_database_is_asked_what_the_glob_means(pattern: str, name: str) -> None:
    assert bool(re.search(pattern_regex(pattern), name)) == fnmatchcase(name, pattern)


@pytest.mark.parametrize(
    ("params", "names", "query"),
    [
        ({"a": "1", "b": "2"}, ("a",), "?b=2"),
        ({"a": "1", "b": "2", "c": "3"}, ("a", "c"), "?b=2"),
        ({"a": "1", "page": "7"}, (), "?a=1"),
        ({"a": "1", "b": ""}, (), "?a=1"),
        ({"a": "x&y=z #"}, (), "?a=x%26y%3Dz+%23"),
        ({}, (), "?"),
    ],
)
def test_an_address_without_a_filter(params: dict[str, str], names: tuple[str, ...], query: str) -> None:
    assert without(params, *names) == query
