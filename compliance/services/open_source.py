"""Open a registry with the credential of its row: the only place where one is decrypted."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import replace
from typing import Final

from django.conf import settings

from compliance.models import Registry
from compliance.models.encryption import CredentialKeyMissing, reveal
from compliance.models.registry import AuthMethod
from compliance.services.exchange_credentials import from_azure, from_docker_config, from_ecr, from_google
from compliance.services.open_local_source import open_local_source
from compliance.services.spend_budget import RegistryGate
from scanner.domain.problems import Refused
from scanner.sources.catalogs import PRODUCTS, Wanted, lists
from scanner.sources.registry.addresses import InvalidRegistryUrl, parse_registry_url
from scanner.sources.registry.asking import Access
from scanner.sources.registry.client import Lists, RegistrySource
from scanner.sources.registry.credentials import Credential
from scanner.sources.registry.network import PRIVATE_TOO, PUBLIC_ONLY
from scanner.sources.registry.proxies import InvalidProxy, Proxy, parse_proxy
from scanner.sources.registry.tls import ClientCertificate
from scanner.sources.source import Source

_EXCHANGED: Final = (AuthMethod.ECR, AuthMethod.GOOGLE, AuthMethod.AZURE)


def open_source(registry: Registry) -> AbstractContextManager[Source]:
    """Make a source, to be used in ``with``. No connection and no file is opened before.

    :raises Refused: for an address that is none, a credential whose key is lost, and what the operator does not allow.
    """
    if registry.is_local:
        return open_local_source(registry)
    try:
        url = parse_registry_url(registry.url, plain_http=True)  # whoever saved it wrote http:// out
    except InvalidRegistryUrl as error:
        raise Refused("bad-address", error.reason, remedy="Correct the registry's address.") from error
    access = replace(access_of(registry), gate=RegistryGate(registry))
    return RegistrySource(url, access, limits=settings.LIMITS, lists=lists_of(registry))


def lists_of(registry: Registry) -> Lists:
    """How the product of a registry, saved or not, names its repositories.

    :raises Refused: for a token whose key is lost.
    """
    token = revealed(registry.api_token)
    wanted = Wanted(
        namespaces=tuple(registry.namespaces),
        api_token=Credential(registry.username, token) if token else None,
        entered=tuple(registry.entered_repositories),
    )
    return lists(PRODUCTS[registry.product], wanted)


def access_of(registry: Registry) -> Access:
    """How a registry, saved or not, may be reached: private addresses need the operator's and the row's consent.

    :raises SourceProblem: for a credential whose key is lost, or that its method cannot get.
    """
    _keep_from_proxies(registry)
    return replace(_way_to(registry), credential=credential_of(registry))


def _keep_from_proxies(registry: Registry) -> None:
    """What the operator lends every row is not shown to a proxy that whoever edits a row may choose."""
    readable = registry.url.startswith("http://") or not registry.verify_tls or registry.extra_ca
    if registry.proxy and readable and _is_lent(registry):
        raise Refused(
            "credential-forbidden",
            "The proxy could read the workers' own credential: by plain http, or as its certificate would be believed",
            remedy="Enter a credential of this registry, or have https checked by the workers' own authorities.",
        )


def _is_lent(registry: Registry) -> bool:
    entered = registry.username or registry.password
    return registry.auth_method == AuthMethod.DOCKER_CONFIG or (registry.auth_method in _EXCHANGED and not entered)


def _way_to(registry: Registry) -> Access:
    allowed = registry.allow_private and settings.ALLOW_PRIVATE_REGISTRIES
    return Access(
        network=PRIVATE_TOO if allowed else PUBLIC_ONLY,
        token_hosts=tuple(registry.token_hosts),
        extra_ca=registry.extra_ca or None,
        verify_tls=registry.verify_tls,
        client=_client(registry),
        proxy=_proxy(registry),
        connections=registry.connections,
    )


def _client(registry: Registry) -> ClientCertificate | None:
    if not registry.client_certificate:
        return None
    return ClientCertificate(registry.client_certificate, revealed(registry.client_key))


def _proxy(registry: Registry) -> Proxy | None:
    """The operator alone says where a proxy may be: a company's proxy is private also for registries that are not."""
    entered = revealed(registry.proxy)
    try:
        return (
            parse_proxy(entered, PRIVATE_TOO if settings.ALLOW_PRIVATE_REGISTRIES else PUBLIC_ONLY) if entered else None
        )
    except InvalidProxy as error:
        raise Refused("proxy-invalid", error.reason, remedy="Correct the registry's proxy.") from error


def credential_of(registry: Registry) -> Credential | None:
    """What the registry is shown, by the method of its row; ``None`` for anonymous access.

    :raises SourceProblem: for a credential whose key is lost, or that its method cannot get.
    """
    return CREDENTIALS[AuthMethod(registry.auth_method)](registry, revealed(registry.password))


def revealed(secret: str) -> str:
    """Decrypt one column of a registry.

    :raises Refused: ``credential-key-missing``.
    """
    try:
        return reveal(secret)
    except CredentialKeyMissing as error:
        raise Refused("credential-key-missing", str(error), remedy="Or enter the credential again.") from error


def _password(registry: Registry, secret: str) -> Credential | None:
    return Credential(registry.username, secret) if registry.username else None


def _bearer(registry: Registry, secret: str) -> Credential | None:
    return Credential(registry.username, secret, is_registry_token=True) if secret else None


CREDENTIALS: Final[dict[AuthMethod, Callable[[Registry, str], Credential | None]]] = {
    AuthMethod.PASSWORD: _password,
    AuthMethod.BEARER: _bearer,
    AuthMethod.DOCKER_CONFIG: lambda registry, _: from_docker_config(registry),
    AuthMethod.ECR: from_ecr,
    AuthMethod.GOOGLE: from_google,
    AuthMethod.AZURE: lambda registry, secret: from_azure(registry, secret, _way_to(registry)),
}
"""How each method gets a credential from a row and its decrypted password."""
