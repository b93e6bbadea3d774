"""The label of an environment: one word, or nothing."""

from __future__ import annotations

import pytest

from compliance.policy.environment import ENVIRONMENT, InvalidEnvironment, parse_environment
from compliance.queries.filters import environment_of
from compliance.remediation.terms import canonical


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ("production", "production"),
        (" Prod-EU_2 ", "prod-eu_2"),
        ("7", "7"),
        ("", ""),
        ("  ", ""),
        ("a" * 30, "a" * 30),
    ],
)
def test_a_label_is_read(text: str, label: str) -> None:
    assert parse_environment(text) == label
    assert environment_of({"environment": label}) == label
    assert canonical("environment", text) == label


@pytest.mark.parametrize(
    "text",
    ["a b", "-a", "_a", "a" * 31, "prod/eu", "größe", "<b>", "a,b", "\u202eprod", "prod\x00", "a\nb", "'--", "ǅ"],
)
def test_what_is_none_is_refused_and_filters_nothing(text: str) -> None:
    with pytest.raises(InvalidEnvironment):
        parse_environment(text)
    assert environment_of({"environment": text}) == ""
    assert canonical("environment", text) == ""
    assert not ENVIRONMENT.fullmatch(text)
