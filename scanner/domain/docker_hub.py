"""Docker Hub has one name in references and another address: ``docker.io/nginx`` is asked for at
``registry-1.docker.io/library/nginx``.

Source: distribution/reference ``ParseDockerRef`` and docker's ``registry.IndexHostname``. The one place that knows.
"""

from __future__ import annotations

from typing import Final

from scanner.domain.reference import Reference, RepositoryName

NAME: Final = "docker.io"
"""What references call it."""

REGISTRY: Final = "registry-1.docker.io"
"""Where ``/v2/`` answers."""

HOSTS: Final = frozenset({NAME, REGISTRY, "index.docker.io", "hub.docker.com", "registry.hub.docker.com"})
"""Every host people write for it."""

_OFFICIAL: Final = "library"


def is_docker_hub(host: str) -> bool:
    """Whether a host somebody wrote means Docker Hub."""
    return host.lower() in HOSTS


def registry_address(host: str) -> str:
    """The host to connect to, for a host somebody wrote; others than Docker Hub's are their own address."""
    return REGISTRY if is_docker_hub(host) else host


def repository_there(repository: RepositoryName) -> RepositoryName:
    """The repository as Docker Hub's registry knows it: official images are in ``library``."""
    return repository if "/" in repository else RepositoryName(f"{_OFFICIAL}/{repository}")


def as_asked(reference: Reference) -> Reference:
    """The reference with the address and repository to ask for."""
    if not is_docker_hub(reference.registry):
        return reference
    return Reference(REGISTRY, repository_there(reference.repository), reference.tag, reference.digest)
