from __future__ import annotations

import pytest

from compliance.policy.assignment import Assignment, InvalidPattern, effective_policy, in_order, parse_pattern

HERE, THERE, FALLBACK = 1, 2, 99


@pytest.mark.parametrize(
    ("name", "policy"),
    [
        ("team/app", 10),
        ("team/web", 11),
        ("other/app", 20),
        ("other", 21),
        ("a", FALLBACK),
    ],
)
def test_the_most_specific_counts(name: str, policy: int) -> None:
    given = [
        Assignment(None, "*/app", 20, 0),
        Assignment(None, "oth*", 21, 1),
        Assignment(THERE, "*", 30, 0),
        Assignment(HERE, "team/*", 11, 1),
        Assignment(HERE, "*m/app", 10, 0),
    ]
    assert effective_policy(HERE, name, FALLBACK, in_order(given)) == policy


@pytest.mark.parametrize("name", ["team/app/x", "team/app"])
def test_a_star_passes_slashes(name: str) -> None:
    assert effective_policy(HERE, name, FALLBACK, [Assignment(HERE, "team/*", 1)]) == 1


@pytest.mark.parametrize("name", ["Team/app", "team", "my-team/app"])
def test_a_glob_is_the_whole_name(name: str) -> None:
    assert effective_policy(HERE, name, FALLBACK, [Assignment(HERE, "team/*", 1)]) == FALLBACK


@pytest.mark.parametrize("text", ["*", "team/*", "a-b/c.d_e", "x?"])
def test_patterns(text: str) -> None:
    assert parse_pattern(text) == text


@pytest.mark.parametrize("text", ["", " ", "Team/*", "[a]", "a,b", "a\x00", "ä", "a" * 256, "a\n"])
def test_what_no_name_fits(text: str) -> None:
    with pytest.raises(InvalidPattern):
        parse_pattern(text)
