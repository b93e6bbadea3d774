from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scanner.deployments.yaml_scalars import Dialect, Value, go_integer, go_kind, resolve_plain

K, C = Dialect.KUBERNETES, Dialect.COMPOSE


@pytest.mark.parametrize(
    ("text", "kubernetes", "compose"),
    [
        ("0", 0, 0),
        ("00", 0, 0),
        ("-0", 0, 0),
        ("+1000", 1000, 1000),
        ("1_000", 1000, 1000),
        ("01000", 512, 512),
        ("0o17", 15, 15),
        ("0x0", 0, 0),
        ("0b11", 3, 3),
        ("-0b11", -3, -3),
        ("08", 8.0, 8.0),
        ("1e3", 1000.0, 1000.0),
        ("1000:1000", "1000:1000", "1000:1000"),
        ("0:0", "0:0", "0:0"),
        ("yes", True, "yes"),
        ("No", False, "No"),
        ("on", True, "on"),
        ("y", True, "y"),
        ("true", True, True),
        ("FALSE", False, False),
        ("tRUE", "tRUE", "tRUE"),
        ("~", None, None),
        ("", None, None),
        ("Null", None, None),
        ("2026-01-02", "2026-01-02", "2026-01-02"),
        ("1000 ", "1000 ", "1000 "),
        ("１０００", "１０００", "１０００"),
        ("app", "app", "app"),
        ("18446744073709551615", 2**64 - 1, 2**64 - 1),
        ("99999999999999999999", 1e20, 1e20),
        ("+", "+", "+"),
        (".", ".", "."),
        ("_1", "_1", "_1"),
    ],
)
def test_a_plain_scalar_is_what_go_makes_of_it(text: str, kubernetes: Value, compose: Value) -> None:
    found = resolve_plain(text, K), resolve_plain(text, C)
    assert found == (kubernetes, compose)
    assert [type(value) for value in found] == [type(kubernetes), type(compose)]


@pytest.mark.parametrize("text", [".nan", ".inf", "-.INF", "9" * 500])
def test_odd_floats_are_no_integers(text: str) -> None:
    value = resolve_plain(text, K)
    assert isinstance(value, float)
    assert not math.isfinite(value)
    assert go_integer(value) is None


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (0, 0),
        (8.0, 8),
        (1e20, None),
        (1.5, None),
        (True, None),
        ("0", None),
        (None, None),
        (2**63, None),
        (-(2**63), -(2**63)),
    ],
)
def test_what_json_decodes_into_an_integer(value: Value, expected: int | None) -> None:
    assert go_integer(value) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [("0", "string"), (True, "bool"), (None, "null"), (1.5, "number 1.5"), (1e20, "number 100000000000000000000")],
)
def test_values_are_called_what_go_calls_them(value: Value, expected: str) -> None:
    assert go_kind(value) == expected


@given(st.text(max_size=40), st.sampled_from(Dialect))
def test_every_text_has_a_value(text: str, dialect: Dialect) -> None:
    assert isinstance(resolve_plain(text, dialect), str | int | float | bool | None)


@given(st.integers(min_value=-(2**63), max_value=2**64 - 1))
def test_decimal_integers_are_read_whole(number: int) -> None:
    assert resolve_plain(str(number), K) == number
