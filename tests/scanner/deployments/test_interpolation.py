from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scanner.deployments.interpolation import interpolate


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1000:1000", "1000:1000"),
        ("${TAG:-1.2}", "1.2"),
        ("${TAG-1.2}", "1.2"),
        ("a${B:-c}d", "acd"),
        ("${A:-${B:-c}}", "c"),
        ("$$HOME", "$HOME"),
        ("$${A}", "${A}"),
        ("${A:+yes}", ""),
        ("${A:-}", ""),
    ],
)
def test_a_default_is_taken(text: str, expected: str) -> None:
    found = interpolate(text)
    assert (found.text, found.unknown, found.malformed) == (expected, [], False)


@pytest.mark.parametrize(
    ("text", "unknown"),
    [("$UID", ["UID"]), ("${UID}:${GID}", ["UID", "GID"]), ("${A:?must be set}", ["A"]), ("${A:-$B}", ["B"])],
)
def test_a_variable_without_a_value_is_unknown(text: str, unknown: list[str]) -> None:
    found = interpolate(text)
    assert found.text is None
    assert found.unknown == unknown


@pytest.mark.parametrize("text", ["$", "a$", "${", "${}", "${1}", "$1", "${A!b}", "${A"])
def test_a_malformed_variable_is_noted(text: str) -> None:
    found = interpolate(text)
    assert found.text is None
    assert found.malformed or found.unknown


def test_what_was_assumed_is_kept() -> None:
    assert interpolate("${TAG:-1}").assumed == ["TAG=1"]


@pytest.mark.parametrize("text", ["${" * 100_000, "${A:-" * 100_000, "${A:-x}" * 50_000, "$" * 100_001])
def test_long_texts_take_no_time(text: str) -> None:
    assert interpolate(text).text is None or len(text) > 100_000


@given(st.text(alphabet="${}:-+?AB1 \u202e", max_size=60))
def test_any_text_is_replaced_or_not_known(text: str) -> None:
    found = interpolate(text)
    assert (found.text is None) == bool(found.unknown or found.malformed)
