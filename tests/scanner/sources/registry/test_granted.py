"""What a token says it grants is read where it can be, and anything else is no reason to fail."""

from __future__ import annotations

import base64
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scanner.sources.registry.granted import Granted, granted

PULL = {"type": "repository", "name": "team/shop", "actions": ["pull"]}


def jwt(payload: bytes) -> str:
    return ".".join(base64.urlsafe_b64encode(part).rstrip(b"=").decode() for part in (b"{}", payload, b"s"))


def test_the_access_claim_is_read() -> None:
    catalog = {"type": "registry", "name": "catalog", "actions": ["*"]}
    found = granted(jwt(json.dumps({"access": [PULL, catalog]}).encode()))
    assert str(found) == "repository:team/shop:pull, registry:catalog:*"


@pytest.mark.parametrize(
    ("scopes", "asked", "missing"),
    [
        (("repository:a:pull",), ("repository:a:pull",), ()),
        (("repository:a:pull,push",), ("repository:a:pull",), ()),
        (("repository:a:*",), ("repository:a:pull",), ()),
        (("repository:a:pull", "repository:a:metadata_read"), ("repository:a:pull,metadata_read",), ()),
        ((), ("repository:a:pull",), ("repository:a:pull",)),
        (("repository:b:pull",), ("repository:a:pull",), ("repository:a:pull",)),
        (("repository:a:",), ("repository:a:pull",), ("repository:a:pull",)),
        (("repository:host:5000/a:pull",), ("repository:host:5000/a:pull",), ()),
        ((), ("aws",), ()),
    ],
)
def test_what_is_missing(scopes: tuple[str, ...], asked: tuple[str, ...], missing: tuple[str, ...]) -> None:
    assert Granted(scopes).lacks(asked) == missing


@pytest.mark.parametrize(
    "token",
    [
        "",
        "opaque",
        "a.b",
        "a.b.c.d",
        "a.!.c",
        "a.A.c",
        jwt(b"not json"),
        jwt(b"[]"),
        jwt(b"{}"),
        jwt(b'{"access": "all"}'),
        jwt(b'{"access": ' + b"[" * 30_000),
        jwt(b'{"access": [], "exp": ' + b"9" * 5_000 + b"}"),
        "a." + "A" * 100_000 + ".c",
    ],
)
def test_what_cannot_be_read_says_nothing(token: str) -> None:
    assert granted(token) is None


@pytest.mark.parametrize(
    "entry", [None, 1, [], {}, {**PULL, "type": 1}, {**PULL, "name": None}, {**PULL, "actions": "x"}]
)
def test_odd_entries_grant_nothing(entry: object) -> None:
    assert granted(jwt(json.dumps({"access": [entry]}).encode())) == Granted(())


def test_entries_are_counted() -> None:
    found = granted(jwt(json.dumps({"access": [PULL] * 500}).encode()))
    assert found is not None
    assert len(found.scopes) == 100


@given(st.text(max_size=200) | st.binary(max_size=200).map(jwt))
def test_nothing_breaks_it(token: str) -> None:
    assert granted(token) is None or isinstance(granted(token), Granted)
