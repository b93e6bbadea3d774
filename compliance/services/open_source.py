"""Open a registry with the credential of its row: the only place where one is decrypted."""

from __future__ import annotations

from django.conf import settings

from compliance.models import Registry
from compliance.models.encryption import CredentialKeyMissing, reveal
from scanner.domain.problems import Refused
from scanner.sources.registry.addresses import InvalidRegistryUrl, parse_registry_url
from scanner.sources.registry.asking import Access
from scanner.sources.registry.client import RegistrySource
from scanner.sources.registry.credentials import Credential
from scanner.sources.registry.network import PRIVATE_TOO, PUBLIC_ONLY


def open_source(registry: Registry) -> RegistrySource:
    """Make a source; the caller closes it. No connection is opened yet.

    :raises Refused: for an address that is none, and a credential whose key is lost.
    """
    try:
        url = parse_registry_url(registry.url, plain_http=True)  # whoever saved it wrote http:// out
    except InvalidRegistryUrl as error:
        raise Refused("bad-address", error.reason, remedy="Correct the registry's address.") from error
    return RegistrySource(url, access_of(registry), limits=settings.LIMITS)


def access_of(registry: Registry) -> Access:
    """How a registry, saved or not, may be reached: private addresses need the operator's and the row's consent.

    :raises Refused: for a credential whose key is lost.
    """
    try:
        password = reveal(registry.password)
    except CredentialKeyMissing as error:
        raise Refused("credential-key-missing", str(error), remedy="Or enter the credential again.") from error
    allowed = registry.allow_private and settings.ALLOW_PRIVATE_REGISTRIES
    return Access(
        credential=Credential(registry.username, password) if registry.username else None,
        network=PRIVATE_TOO if allowed else PUBLIC_ONLY,
        token_hosts=tuple(registry.token_hosts),
        verify_tls=registry.verify_tls,
    )
