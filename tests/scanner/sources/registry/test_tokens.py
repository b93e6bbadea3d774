"""What a token service may answer, and for what we ask."""

from __future__ import annotations

import pytest

from scanner.domain.problems import Refused
from scanner.sources.registry.auth import acceptable_scopes
from scanner.sources.registry.tokens import read_token


@pytest.mark.parametrize(
    ("lifetime", "seconds"),
    [
        (300, 270),
        (60, 54),
        (None, 54),
        (0, 54),
        (-1, 54),
        (1, 54),
        ("300", 54),
        (1e18, 54),
        (10**18, 54),
        (True, 54),
        (86_400, 3_240),
    ],
)
def test_a_lifetime_counts_from_when_the_token_came(lifetime: object, seconds: float) -> None:
    token = read_token({"token": "t", "expires_in": lifetime, "issued_at": "1999-01-01T00:00:00Z"}, 1_000.0)
    assert token.usable_until == pytest.approx(1_000.0 + seconds)


def test_both_names_of_a_token() -> None:
    assert read_token({"access_token": "a"}, 0).value == "a"
    assert read_token({"token": "t", "access_token": "a"}, 0).value == "t"


@pytest.mark.parametrize("value", [None, "", 5, ["t"], "a b", "a\r\nX-Evil: 1", "é"])
def test_unusable_tokens(value: object) -> None:
    with pytest.raises(Refused) as caught:
        read_token({"token": value}, 0)
    assert caught.value.code == "token-invalid"


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("repository:team/shop:pull", ("repository:team/shop:pull",)),
        ("repository:host:5000/shop:pull", ("repository:host:5000/shop:pull",)),
        ("repository:a:pull repository:b:pull", ("repository:a:pull", "repository:b:pull")),
        ("repository:a:metadata_read", ("repository:a:metadata_read",)),
        ("registry:catalog:*", ("registry:catalog:*",)),
        ("aws", ("aws",)),
        ("repository:a:pull,push", ()),
        ("repository:a:*", ()),
        ("repository:a:delete", ()),
        ("registry:admin:*", ()),
        ("", ()),
        ("x" * 600, ()),
    ],
)
def test_only_reading_is_asked_for(text: str, wanted: tuple[str, ...]) -> None:
    assert acceptable_scopes(text) == wanted
