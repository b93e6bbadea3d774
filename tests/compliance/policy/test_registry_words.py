"""The settings of a registry in words."""

from __future__ import annotations

import pytest

from compliance.policy.registry_values import RegistryValues
from compliance.policy.registry_words import limits_words, network_words, scope_sentence
from compliance.policy.scan_scope import ScanScope


@pytest.mark.parametrize(
    ("scope", "words"),
    [
        (ScanScope(), "all repositories, all tags, every platform"),
        (ScanScope(include_repositories=("a/*", "b")), "repositories a/* and b, all tags, every platform"),
        (ScanScope(exclude_repositories=("x",)), "all repositories but not x, all tags, every platform"),
        (
            ScanScope(exclude_tags=("*-rc",), newest_tags=1),
            "all repositories, the newest tag of each among tags but not *-rc, every platform",
        ),
        (
            ScanScope(newest_tags=50, pushed_within_days=1),
            "all repositories, the newest 50 tags of each, pushed within the last day, every platform",
        ),
        (
            ScanScope(include_tags=tuple("abcdef"), pushed_within_days=30),
            "all repositories, tags a, b, c, d and 2 more, pushed within the last 30 days, every platform",
        ),
        (ScanScope(platforms=("linux/amd64",)), "all repositories, all tags, linux/amd64"),
    ],
)
def test_scope(scope: ScanScope, words: str) -> None:
    assert scope_sentence(scope) == words


def values(**columns: object) -> RegistryValues:
    """Values of a registry."""
    return RegistryValues("n", "https://r.example", "kubernetes", **columns)  # type: ignore[arg-type]  # a table's row


@pytest.mark.parametrize(
    ("found", "key", "proxy", "words"),
    [
        (values(), False, False, "the system's authorities, no proxy"),
        (values(verify_tls=False), False, True, "certificate not verified, through a proxy"),
        (values(extra_ca="x", client_certificate="y"), True, False, "an authority of its own, a client certificate"),
        (values(client_certificate="y"), False, False, "the system's authorities, no proxy"),
    ],
)
def test_network(found: RegistryValues, key: bool, proxy: bool, words: str) -> None:
    assert network_words(found, client_key=key, proxy=proxy) == words


def test_limits() -> None:
    assert limits_words(values(connections=1)) == "one connection at once, as many requests as it answers"
    assert limits_words(values(requests_per_minute=1200)) == "16 connections at once, at most 1,200 requests a minute"
