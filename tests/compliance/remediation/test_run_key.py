"""A key is equal for images that run alike, and only for those."""

from __future__ import annotations

from itertools import combinations

from compliance.remediation.run_key import LENGTH, run_key

DIFFERENT = [
    ("app", 1001, 1001, ("/app",)),
    ("1001", 1001, 1001, ("/app",)),
    ("app", 1002, 1001, ("/app",)),
    ("app", 1001, 0, ("/app",)),
    ("app", 1001, 1001, ("/app", "")),
    ("app", 1001, 1001, ("/", "app")),
    ("app", 1001, 1001, ()),
    ("app", 1001, 1001, None),
    ("app", None, None, ("/app",)),
    ("", 0, 0, ("/app",)),
    ('app",1001', 1001, 1001, ("/app",)),
    ("\ud800", 0, 0, None),
]


def test_whatever_differs_makes_another_key() -> None:
    keys = [run_key(*each) for each in DIFFERENT]
    assert all(one != other for one, other in combinations(keys, 2))
    assert {len(key) for key in keys} == {LENGTH}


def test_the_same_makes_the_same_key() -> None:
    assert [run_key(*each) for each in DIFFERENT] == [run_key(*each) for each in DIFFERENT]
    assert run_key("app", 1, 1, ["/app"]) == run_key("app", 1, 1, ("/app",))
