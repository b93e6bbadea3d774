from __future__ import annotations

from fnmatch import fnmatchcase

import pytest
from hypothesis import given
from hypothesis import strategies as st

from compliance.policy.assignment import InvalidPattern
from compliance.policy.ownership import (
    OwnershipRule,
    deciding_rule,
    kept_labels,
    owner_of,
    parse_rule,
)

HERE, THERE = 1, 2
SOURCE = "org.opencontainers.image.source"
RULES = [
    OwnershipRule(1, 10, "*", label="team"),
    OwnershipRule(2, 20, "web/*"),
    OwnershipRule(3, 30, "web/shop*", registry=HERE),
    OwnershipRule(4, 40, "https://git.example/*", label=SOURCE),
    OwnershipRule(5, 50, "web/shop-old"),
]


@pytest.mark.parametrize(
    ("name", "registry", "labels", "team", "rule"),
    [
        ("web/site", HERE, {}, 20, 2),
        ("web/shop", HERE, {}, 30, 3),
        ("web/shop", THERE, {}, 20, 2),
        ("web/shop-old", HERE, {}, 50, 5),
        ("tools", HERE, {}, None, None),
        ("tools", HERE, {"team": "anything"}, 10, 1),
        ("web/site", HERE, {"team": "anything"}, 20, 2),
        ("web/shop", HERE, {SOURCE: "https://git.example/x"}, 40, 4),
        ("web/shop-old", HERE, {SOURCE: "https://git.example/x"}, 50, 5),
        ("web/shop", HERE, {SOURCE: "HTTPS://git.example/x"}, 30, 3),
        ("web", HERE, {}, None, None),
        ("my/web/site", HERE, {}, None, None),
        ("tools", HERE, {"team": ""}, 10, 1),
    ],
)
def test_the_last_rule_that_fits_counts(
    name: str, registry: int, labels: dict[str, str], team: int | None, rule: int | None
) -> None:
    found = deciding_rule(name, registry, labels, RULES)
    assert (found.id if found else None) == rule
    assert owner_of(name, registry, labels, RULES) == team


def test_without_rules_nobody_owns_anything() -> None:
    assert owner_of("a", HERE, {"a": "b"}, []) is None


_names = st.text("ab/-", min_size=1, max_size=6)
_rules = st.lists(
    st.builds(
        OwnershipRule,
        id=st.integers(1, 99),
        team=st.integers(1, 5),
        pattern=st.text("ab/-*?", min_size=1, max_size=6),
        registry=st.sampled_from([None, HERE, THERE]),
        label=st.sampled_from(["", "a", "b"]),
    ),
    max_size=6,
)


@given(_names, st.sampled_from([HERE, THERE]), st.dictionaries(st.sampled_from("ab"), _names), _rules)
def test_it_is_what_asking_each_rule_in_turn_says(
    name: str, registry: int, labels: dict[str, str], rules: list[OwnershipRule]
) -> None:
    expected = None
    for rule in rules:
        text = labels.get(rule.label) if rule.label else name
        if rule.registry in (None, registry) and text is not None and fnmatchcase(text, rule.pattern):
            expected = rule.team
    assert owner_of(name, registry, labels, rules) == expected


@given(_names, st.dictionaries(st.sampled_from("ab"), _names), _rules)
def test_a_rule_that_does_not_fit_changes_nothing(
    name: str, labels: dict[str, str], rules: list[OwnershipRule]
) -> None:
    before = owner_of(name, HERE, labels, rules)
    assert owner_of(name, HERE, labels, [*rules, OwnershipRule(100, 100, "c*")]) == before
    assert owner_of(name, HERE, labels, [*rules, OwnershipRule(100, 100, "*")]) == 100


@pytest.mark.parametrize(
    ("label", "pattern"),
    [
        ("", "web/*"),
        ("", "*"),
        (SOURCE, "https://git.example/*"),
        ("vendor", "Größe & Söhne"),
        ("a b", "x y"),
        ("v", "a" * 255),
    ],
)
def test_rules_that_can_fit(label: str, pattern: str) -> None:
    assert parse_rule(label, pattern) == pattern


@pytest.mark.parametrize(
    ("label", "pattern"),
    [("", "Web/*"), ("", ""), ("", "https://x"), ("vendor", ""), ("vendor", "a" * 256), ("v", "a\nb"), ("v\0", "a")],
)
def test_rules_that_cannot_fit(label: str, pattern: str) -> None:
    with pytest.raises(InvalidPattern):
        parse_rule(label, pattern)


@pytest.mark.parametrize(
    ("key", "value", "kept"),
    [
        ("a", "b", True),
        ("k" * 200, "v" * 500, True),
        ("k" * 201, "v", False),
        ("a", "v" * 501, False),
        ("a", "", False),
        ("", "b", False),
        ("a\0", "b", False),
        ("a", "b\0", False),
        ("a", "b\x1b[31m", False),
        ("a", "\u202eb", False),
        ("a", "\ud800", False),
        ("a", "{{ 7|add:7 }}<b>", True),
    ],
)
def test_labels_that_are_kept(key: str, value: str, kept: bool) -> None:
    assert kept_labels({key: value}) == ({key: value} if kept else {})


def test_the_common_labels_are_kept_when_there_are_too_many() -> None:
    many = {f"a{at:03}": "x" for at in reversed(range(200))}
    common = [f"org.opencontainers.image.{name}" for name in ("source", "vendor", "authors", "title")]
    found = kept_labels({**many, **dict.fromkeys(reversed(common), "here")})
    assert list(found) == [*common, *(f"a{at:03}" for at in range(46))]


@given(st.dictionaries(st.text(max_size=30), st.text(max_size=30)))
def test_whatever_is_kept_can_be_stored_and_shown(labels: dict[str, str]) -> None:
    found = kept_labels(labels)
    assert all(labels[key] == value and (key + value).isprintable() for key, value in found.items())
    assert kept_labels(found) == found
