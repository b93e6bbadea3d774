"""What a registry's row says of how it is reached, and what of that is the operator's to say."""

from __future__ import annotations

import pytest
from pytest_django import Settings

from compliance.models import Registry
from compliance.models.registry import AuthMethod
from compliance.services.open_source import CREDENTIALS, access_of
from scanner.domain.problems import Refused
from scanner.sources.registry.credentials import Credential
from scanner.sources.registry.network import PRIVATE_TOO, PUBLIC_ONLY

SECRET = "canary-77ab"


def row(**columns: object) -> Registry:
    return Registry(**{"url": "https://registry.example", **columns})


def test_everything_of_the_row_counts() -> None:
    access = access_of(
        row(
            extra_ca="ca",
            client_certificate="certificate",
            client_key=SECRET,
            proxy=f"http://u:{SECRET}@proxy.example:3128",
            connections=3,
            token_hosts=["auth.example"],
        )
    )
    assert access.client is not None
    assert access.proxy is not None
    assert (access.extra_ca, access.client.key, access.connections) == ("ca", SECRET, 3)
    assert (str(access.proxy.origin), access.proxy.credential) == ("http://proxy.example:3128", Credential("u", SECRET))
    assert SECRET not in repr(access)


def test_an_empty_row_asks_as_nobody() -> None:
    access = access_of(row())
    assert (access.credential, access.client, access.proxy, access.extra_ca) == (None, None, None, None)
    assert access.verify_tls


@pytest.mark.parametrize("operator", [True, False])
def test_where_a_proxy_may_be_is_the_operators_to_say(settings: Settings, operator: bool) -> None:
    settings.ALLOW_PRIVATE_REGISTRIES = operator
    proxy = access_of(row(allow_private=False, proxy="http://10.0.0.1:3128")).proxy
    assert proxy is not None
    assert proxy.network == (PRIVATE_TOO if operator else PUBLIC_ONLY)


def test_a_proxy_that_cannot_be_used_is_named() -> None:
    with pytest.raises(Refused) as caught:
        access_of(row(proxy=f"socks5://u:{SECRET}@proxy.example"))
    assert (caught.value.code, bool(caught.value.remedy)) == ("proxy-invalid", True)
    assert "SOCKS" in caught.value.message
    assert SECRET not in caught.value.message


@pytest.mark.parametrize(
    ("columns", "expected"),
    [
        ({"username": "u", "password": "p"}, Credential("u", "p")),
        ({"username": "", "password": "p"}, None),
        ({"auth_method": "bearer", "password": "p"}, Credential("", "p", is_registry_token=True)),
        ({"auth_method": "bearer", "password": ""}, None),
    ],
)
def test_methods_that_need_no_exchange(columns: dict[str, str], expected: Credential | None) -> None:
    assert access_of(row(**columns)).credential == expected


def test_every_method_has_its_way() -> None:
    assert set(CREDENTIALS) == set(AuthMethod)
