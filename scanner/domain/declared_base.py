"""Which image another one says it was built on: a claim of whoever built it, shown and grouped by, never judged by.

OCI image spec, "Pre-Defined Annotation Keys". A builder may write it as an annotation of the manifest, or as a label.
Labels are inherited: an image whose build says nothing carries the label of the image it was built on.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from scanner.domain import docker_hub
from scanner.domain.reference import InvalidReference, Reference, parse_digest, parse_reference

LONGEST: Final = 400
_NAME: Final = "org.opencontainers.image.base.name"
_DIGEST: Final = "org.opencontainers.image.base.digest"


@dataclass(frozen=True, slots=True)
class DeclaredBase:
    """What an image says; ``digest`` is empty where it says none that could be one.

    :param name: as ``base_name`` spells it.
    """

    name: str
    digest: str = ""


def declared_base(said: Iterable[tuple[str, str]]) -> DeclaredBase | None:
    """Read annotations or labels; ``None`` where they name no image."""
    found = dict(said)
    text = found.get(_NAME, "")
    name = base_name(text)
    return DeclaredBase(name, _digest(found.get(_DIGEST) or text.partition("@")[2])) if name else None


def base_name(text: str) -> str:
    """The one spelling of ``registry/repository:tag``, without a digest; nothing where the text names no image.

    A tag that is not said is not made up: a name may stand beside a digest. The registry has to be written out, as the
    specification asks, and each way to write Docker Hub is one.
    """
    if len(text) > LONGEST:
        return ""
    name, at, digest = text.partition("@")
    try:
        reference = parse_reference(name)
        if at:
            parse_digest(digest)
    except InvalidReference:
        return ""
    registry, repository = reference.registry.lower(), reference.repository
    if docker_hub.is_docker_hub(registry):
        registry, repository = docker_hub.NAME, docker_hub.repository_there(repository)
    tag = reference.tag if ":" in name.partition("/")[2] else None
    spelt = str(Reference(registry, repository, tag))
    return spelt if len(spelt) <= LONGEST else ""


def _digest(text: str) -> str:
    try:
        return parse_digest(text)
    except InvalidReference:
        return ""
