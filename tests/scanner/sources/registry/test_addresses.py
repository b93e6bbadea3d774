"""What people type as a registry's address, and what headers say."""

from __future__ import annotations

import pytest

from scanner.sources.registry.addresses import (
    InvalidRegistryUrl,
    Origin,
    parse_registry_url,
    parse_target,
    resolve_target,
)


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("https://registry.example", "https://registry.example"),
        ("registry.example", "https://registry.example"),
        ("REGISTRY.Example:443/", "https://registry.example"),
        ("https://registry.example:5000/v2/", "https://registry.example:5000"),
        ("https://10.0.0.1:5000", "https://10.0.0.1:5000"),
        ("https://[2001:DB8:0::1]:5000", "https://[2001:db8::1]:5000"),
        ("https://xn--bcher-kva.example", "https://xn--bcher-kva.example"),
        ("my_registry:5000", "https://my_registry:5000"),
    ],
)
def test_addresses_of_registries(text: str, wanted: str) -> None:
    assert str(parse_registry_url(text)) == wanted


@pytest.mark.parametrize(
    "text",
    [
        "",
        "https://",
        "ftp://registry.example",
        "file:///etc/passwd",
        "gopher://registry.example",
        "http://registry.example",
        "https://user:secret@registry.example",
        "https://good.example@evil.example",
        "https://registry.example/team",
        "https://registry.example?x=1",
        "https://registry.example#x",
        "https://registry.example:0",
        "https://registry.example:",
        "https://registry.example:99999",
        "https://registry.example:80a",
        "https://registry.example.",
        "https://bücher.example",
        "https://registry.example\\@evil.example",
        "https://registry.example\r\nHost: evil.example",
        "https://regis try.example",
        "https://2130706433",
        "https://0x7f000001",
        "https://0177.0.0.1",
        "https://127.1",
        "https://0",
        "https://1.2.3.4.5",
        "https://[::1",
        "https://[fe80::1%25eth0]",
        "https://-registry.example",
        "https://" + "a" * 64 + ".example",
        "https://" + "a." * 130 + "example",
    ],
)
def test_what_is_no_address(text: str) -> None:
    with pytest.raises(InvalidRegistryUrl):
        parse_registry_url(text)


def test_plain_http_must_be_asked_for() -> None:
    assert str(parse_registry_url("http://registry.example:80", plain_http=True)) == "http://registry.example"
    assert str(parse_registry_url("registry.example:5000", plain_http=True)) == "http://registry.example:5000"


@pytest.mark.parametrize(
    ("location", "wanted"),
    [
        ("/v2/x?a=b", "https://registry.example:5000/v2/x?a=b"),
        ("?last=b", "https://registry.example:5000/v2/_catalog?last=b"),
        ("https://cdn.example/blob?sig=%2F", "https://cdn.example/blob?sig=%2F"),
        ("//cdn.example/blob", "https://cdn.example/blob"),
    ],
)
def test_locations_are_relative_to_what_answered(location: str, wanted: str) -> None:
    base = parse_target("https://registry.example:5000/v2/_catalog?n=5")
    assert str(resolve_target(base, location)) == wanted


def test_origins_differ_by_scheme_host_and_port() -> None:
    origin = Origin("https", "registry.example", 443)
    assert parse_target("https://registry.example/x").origin == origin
    for other in ("http://registry.example", "https://registry.example:8443", "https://registry.example.evil"):
        assert parse_target(other).origin != origin
