"""Credentials that are not stored but fetched: from the workers' docker configuration, or from a cloud."""

from __future__ import annotations

from pathlib import Path

from django.conf import settings

from compliance.models import Registry
from scanner.domain.problems import Refused
from scanner.sources.credentials import azure, ecr, google
from scanner.sources.credentials.docker_config import login_in
from scanner.sources.credentials.exchange import Entered
from scanner.sources.credentials.problems import refused
from scanner.sources.registry.access import Access
from scanner.sources.registry.addresses import InvalidRegistryUrl, Origin, parse_registry_url
from scanner.sources.registry.credentials import Credential


def from_docker_config(registry: Registry) -> Credential:
    """What docker login left in the folder the operator named.

    :raises Refused: ``credential-forbidden`` where none is named; ``credential-missing``, ``credential-store``.
    """
    if not settings.DOCKER_CONFIG:
        raise refused("credential-forbidden", "The workers' operator names no docker configuration to be used")
    return login_in(Path(settings.DOCKER_CONFIG), _url(registry))


def from_ecr(registry: Registry, secret: str) -> Credential:
    """Exchange an access key, or the workers' own role.

    :raises SourceProblem: as ``ecr.credential`` does.
    """
    return ecr.credential(_url(registry), _entered(registry, secret))


def from_google(registry: Registry, secret: str) -> Credential:
    """Exchange a service account's key, or the workers' own identity.

    :raises SourceProblem: as ``google.credential`` does.
    """
    return google.credential(_url(registry), _entered(registry, secret))


def from_azure(registry: Registry, secret: str, access: Access) -> Credential:
    """Exchange a client secret, or the workers' own identity.

    :param access: how the registry is reached, without a credential.
    :raises SourceProblem: as ``azure.credential`` does.
    """
    return azure.credential(_url(registry), _entered(registry, secret), access, limits=settings.LIMITS)


def _entered(registry: Registry, secret: str) -> Entered:
    return Entered(registry.username, secret, may_be_ambient=settings.AMBIENT_CLOUD)


def _url(registry: Registry) -> Origin:
    try:
        return parse_registry_url(registry.url, plain_http=True)
    except InvalidRegistryUrl as error:
        raise Refused("bad-address", error.reason, remedy="Correct the registry's address.") from error
