"""WWW-Authenticate, as registries send it and as they should not."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scanner.sources.registry.challenge import Challenge, parse_challenges


@pytest.mark.parametrize(
    ("headers", "wanted"),
    [
        (
            ['Bearer realm="https://auth.example/token",service="reg",scope="repository:a/b:pull,push"'],
            [
                Challenge(
                    "bearer",
                    {"realm": "https://auth.example/token", "service": "reg", "scope": "repository:a/b:pull,push"},
                )
            ],
        ),
        (['Basic realm="Registry Realm"'], [Challenge("basic", {"realm": "Registry Realm"})]),
        (["Basic"], [Challenge("basic", {})]),
        (
            ['Basic realm="x", Bearer realm="https://r.example"'],
            [Challenge("basic", {"realm": "x"}), Challenge("bearer", {"realm": "https://r.example"})],
        ),
        (
            ['BASIC Realm="a"', "bearer realm=b"],
            [Challenge("basic", {"realm": "a"}), Challenge("bearer", {"realm": "b"})],
        ),
        (["Bearer realm=https://r.example/t"], [Challenge("bearer", {"realm": "https://r.example/t"})]),
        (['Bearer realm="a\\"b"'], [Challenge("bearer", {"realm": 'a"b'})]),
        (['Bearer realm="first",realm="second"'], [Challenge("bearer", {"realm": "first"})]),
        ([], []),
        ([""], []),
        (['="x"'], []),
    ],
)
def test_challenges(headers: list[str], wanted: list[Challenge]) -> None:
    assert parse_challenges(headers) == wanted


@given(st.text(max_size=300))
def test_any_header_is_read_without_an_error(header: str) -> None:
    assert isinstance(parse_challenges([header]), list)


def test_a_long_header_is_read_in_a_moment() -> None:
    assert parse_challenges(["Bearer " + "a=" * 500_000])
    assert parse_challenges(['Bearer realm="' + "\\" * 500_000])
