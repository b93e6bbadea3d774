"""A key is equal for images that run alike, and only for those."""

from __future__ import annotations

from itertools import combinations

from compliance.remediation.run_key import run_key

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


def test_the_same_makes_the_same_key() -> None:
    assert [run_key(*each) for each in DIFFERENT] == [run_key(*each) for each in DIFFERENT]
    assert run_key("app", 1, 1, ["/app"]) == run_key("app", 1, 1, ("/app",))


def test_keys_last() -> None:
    """Waivers are bound to keys that were stored: were they made otherwise one day, every waiver would end."""
    assert run_key("app", 1001, 1001, ("/app",)) == "e1125b49b43656ed6ee7b8308c9752ac"
    assert run_key("", None, None, None) == "4ece9f836cf206470de5dfcfb007135b"
    assert run_key("g\u00e9", 0, 0, ()) == "91bda3dc3e7ef5d5feb6a954eb2710d5"
