"""Globs that name tags."""

from __future__ import annotations

import time

import pytest

from compliance.policy.protected_tags import InvalidPatterns, is_protected, parse_protected_tags


@pytest.mark.parametrize(
    ("text", "expected"),
    [("", ()), (" , ,", ()), ("prod, latest,v*", ("prod", "latest", "v*")), ("a b\ta\nc", ("a", "b", "c"))],
)
def test_patterns(text: str, expected: tuple[str, ...]) -> None:
    assert parse_protected_tags(text) == expected


@pytest.mark.parametrize("text", ["[a-z]", "a/b", "pröd", "v*|prod", "x" * 129, " ".join(f"t{n}" for n in range(21))])
def test_what_names_no_tags_is_refused(text: str) -> None:
    with pytest.raises(InvalidPatterns):
        parse_protected_tags(text)


@pytest.mark.parametrize(
    ("tag", "pattern", "expected"),
    [("prod", "prod", True), ("Prod", "prod", False), ("prod-2", "prod", False), ("v1.2", "v*", True),
     ("1.2", "?.?", True), ("1x2", "1.2", False), ("", "*", True)],
)  # fmt: skip
def test_what_a_pattern_names(tag: str, pattern: str, expected: bool) -> None:
    assert is_protected(tag, ["other", pattern]) is expected


def test_hostile_patterns_take_no_time() -> None:
    patterns = parse_protected_tags(" ".join("*a" * 60 + f"b{n}" for n in range(20)))
    began = time.thread_time()
    assert not is_protected("a" * 128, patterns)
    assert time.thread_time() - began < 1
