"""The newest tags, although nobody says when they were pushed."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from compliance.policy.scan_scope import ScanScope
from compliance.policy.tag_age import pushed_at, tags_to_scan, version_key

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
DAY = timedelta(days=1)


@pytest.mark.parametrize(
    "ascending",
    [
        ["1.9", "1.10"],
        ["1.9", "v1.10", "1.11"],
        ["1", "1.0", "1.0.1", "1.1", "2"],
        ["1.0-alpha", "1.0-beta", "1.0-rc1", "1.0-rc2", "1.0-rc10", "1.0", "1.0-alpine", "1.0.1"],
        ["2023-12-31", "2024-01-31", "20240131"],
        ["20240131-2", "20240131-10", "20240201-1"],
        ["9" * 128, "latest"],
        ["1.0", "latest"],
        ["v1", "v2", "main"],
    ],
)
def test_versions_as_people_count_them(ascending: list[str]) -> None:
    mixed = list(ascending)
    random.Random(7).shuffle(mixed)
    assert sorted(mixed, key=version_key) == ascending


@given(st.lists(st.from_regex(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,20}", fullmatch=True)))
def test_every_tag_has_its_place(tags: list[str]) -> None:
    assert sorted(set(tags), key=version_key) == sorted(dict.fromkeys(tags), key=version_key)


@pytest.mark.parametrize(
    ("moved", "built", "expected"),
    [
        (NOON, None, NOON),
        (NOON, NOON - 9 * DAY, NOON - 9 * DAY),
        (NOON, datetime(1970, 1, 1, tzinfo=UTC), NOON),
        (NOON, NOON + 9 * DAY, NOON),
        (NOON + DAY, NOON - 9 * DAY, NOON + DAY),
    ],
)
def test_when_a_tag_was_pushed(moved: datetime, built: datetime | None, expected: datetime) -> None:
    assert pushed_at(first_seen=NOON, moved=moved, built=built) == expected


def chosen(names: str, ages: dict[str, int] | None = None, protected: str = "", **scope: int) -> str:
    days = {name: NOON - age * DAY for name, age in (ages or {}).items()}
    return " ".join(tags_to_scan(names.split(), ScanScope(**scope), protected.split(), days, now=NOON))  # type: ignore[arg-type]  # numbers alone


def test_without_a_limit_all_count() -> None:
    assert chosen("b a c") == "a b c"


def test_of_tags_nobody_has_seen_the_highest_versions_count() -> None:
    assert chosen("1.1 1.2 1.9 1.10", newest_tags=2) == "1.10 1.9"


def test_seen_tags_count_by_their_age() -> None:
    assert chosen("1.1 1.2 1.9 1.10", {"1.1": 1, "1.2": 2, "1.9": 3, "1.10": 4}, newest_tags=2) == "1.1 1.2"


def test_the_next_scan_chooses_the_same_again() -> None:
    names = " ".join(f"1.{n}" for n in range(50))
    first = chosen(names, newest_tags=5)
    seen = {name: 50 - int(name[2:]) for name in first.split()}
    assert chosen(names, seen, newest_tags=5) == first == "1.45 1.46 1.47 1.48 1.49"


def test_a_new_release_counts_at_once() -> None:
    assert chosen("1.8 1.9 1.10", {"1.8": 400, "1.9": 300}, newest_tags=1) == "1.10"


def test_one_that_falls_into_a_gap_is_as_old_as_the_one_before() -> None:
    assert chosen("1.0 1.1 1.1.1 2.0", {"1.0": 90, "1.1": 3, "2.0": 60}, newest_tags=2) == "1.1 1.1.1"


def test_protected_tags_and_latest_always_count() -> None:
    assert chosen("1 2 3 latest prod", {"latest": 900, "prod": 900}, "pro?", newest_tags=1) == "3 latest prod"


def test_by_age() -> None:
    ages = {"1": 31, "2": 30, "3": 1, "prod": 90}
    assert chosen("1 2 3 prod never-read", ages, "prod", pushed_within_days=30) == "2 3 never-read prod"


def test_by_age_and_number() -> None:
    assert chosen("1 2 3 4", {"1": 9, "2": 2, "3": 1, "4": 8}, pushed_within_days=5, newest_tags=1) == "3"
    assert chosen("1 2 3 4", {"4": 8}, pushed_within_days=5, newest_tags=5) == "1 2 3"
