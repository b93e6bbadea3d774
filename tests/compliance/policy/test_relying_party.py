"""Which name and origin passkeys are bound to."""

from __future__ import annotations

import pytest

from compliance.policy.relying_party import RelyingParty, relying_party

FOUND = RelyingParty("plimsoll.example", "https://plimsoll.example")


@pytest.mark.parametrize(
    ("told", "asked", "found"),
    [
        ("", "https://plimsoll.example", FOUND),
        ("", "https://plimsoll.example:443", FOUND),
        ("", "https://PLIMSOLL.example", FOUND),
        ("", "https://plimsoll.example:8443", RelyingParty("plimsoll.example", "https://plimsoll.example:8443")),
        ("", "http://localhost:8000", RelyingParty("localhost", "http://localhost:8000")),
        ("", "http://localhost", RelyingParty("localhost", "http://localhost")),
        ("", "http://shop.localhost:80", RelyingParty("shop.localhost", "http://shop.localhost")),
        ("", "https://localhost:8000", RelyingParty("localhost", "https://localhost:8000")),
        # What the operator says counts, whatever a proxy makes of the request.
        ("https://plimsoll.example", "http://127.0.0.1:8000", FOUND),
        ("https://plimsoll.example/under", "http://10.0.0.1", FOUND),
        ("https://plimsoll.example", "https://other.example", FOUND),
        ("http://plimsoll.example", "https://plimsoll.example", None),
        # Where browsers know none.
        ("", "http://plimsoll.example", None),
        ("", "http://127.0.0.1:8000", None),
        ("", "https://127.0.0.1", None),
        ("", "https://[::1]:8000", None),
        ("", "http://notlocalhost", None),
        ("", "http://localhost.example", None),
        ("", "ftp://localhost", None),
        ("", "https://", None),
        ("", "https://plimsoll.example:port", None),
        ("https://[", "https://plimsoll.example", None),
        ("plimsoll.example", "https://plimsoll.example", None),
    ],
)
def test_the_site_as_browsers_know_it(told: str, asked: str, found: RelyingParty | None) -> None:
    assert relying_party(told, asked) == found
