"""Names of images, checked once and then carried as types that prove it.

Grammar: OCI distribution-spec 1.1 "Pulling manifests" and the reference grammar of CNCF distribution.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from ipaddress import IPv6Address
from typing import NewType

Digest = NewType("Digest", str)
"""``sha256:`` and 64, or ``sha512:`` and 128, lower-case hexadecimal digits."""

RepositoryName = NewType("RepositoryName", str)
"""A repository's path inside its registry, for example ``team/shop``."""

TagName = NewType("TagName", str)
"""A tag, for example ``1.4``."""

_DIGEST = re.compile(r"(?:sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128})", re.ASCII)
_COMPONENT = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
_REPOSITORY = re.compile(rf"{_COMPONENT}(?:/{_COMPONENT})*", re.ASCII)
_TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,127}", re.ASCII)
_HOST_LABEL = r"(?:[A-Za-z0-9]|[A-Za-z0-9][A-Za-z0-9-]*[A-Za-z0-9])"
_REGISTRY = re.compile(rf"(?:{_HOST_LABEL}(?:\.{_HOST_LABEL})*|\[[0-9A-Fa-f:.]+\])(?::[0-9]{{1,5}})?", re.ASCII)
_LONGEST_REPOSITORY = 255


class InvalidReference(ValueError):
    """The text is not a name of the wanted kind.

    :param kind: what was wanted: ``digest``, ``repository``, ``tag``, ``registry`` or ``reference``.
    """

    def __init__(self, kind: str, text: str) -> None:
        super().__init__(f"not a valid {kind}: {text[:300]!r}")
        self.kind = kind
        self.text = text


def parse_digest(text: str) -> Digest:
    """Check a digest; only sha256 and sha512 are accepted.

    :raises InvalidReference: for anything else.
    """
    if not _DIGEST.fullmatch(text):
        raise InvalidReference("digest", text)
    return Digest(text)


def parse_repository(text: str) -> RepositoryName:
    """Check a repository name.

    :raises InvalidReference: when it is not in the distribution grammar or over 255 characters.
    """
    if len(text) > _LONGEST_REPOSITORY or not _REPOSITORY.fullmatch(text):
        raise InvalidReference("repository", text)
    return RepositoryName(text)


def parse_tag(text: str) -> TagName:
    """Check a tag.

    :raises InvalidReference: when it is not in the distribution grammar.
    """
    if not _TAG.fullmatch(text):
        raise InvalidReference("tag", text)
    return TagName(text)


@dataclass(frozen=True, slots=True)
class Reference:
    """``registry/repository:tag@digest``; the digest, where present, decides."""

    registry: str
    repository: RepositoryName
    tag: TagName | None = None
    digest: Digest | None = None

    def __str__(self) -> str:
        tag = f":{self.tag}" if self.tag else ""
        digest = f"@{self.digest}" if self.digest else ""
        return f"{self.registry}/{self.repository}{tag}{digest}"


def parse_reference(text: str) -> Reference:
    """Read ``registry/repo:tag``, ``registry/repo@digest`` or both; no tag and no digest means ``latest``.

    The registry must be written out: no Docker Hub default, because a guess here would send a question
    (and perhaps a credential) to a host nobody named.

    :raises InvalidReference: naming the part that is wrong.
    """
    registry, slash, rest = text.partition("/")
    if not slash or not _is_registry(registry):
        raise InvalidReference("registry", registry)
    rest, at, digest = rest.partition("@")
    path, colon, tag = rest.partition(":")
    if at and not colon:
        return Reference(registry, parse_repository(path), None, parse_digest(digest))
    return Reference(
        registry,
        parse_repository(path),
        parse_tag(tag) if colon else TagName("latest"),
        parse_digest(digest) if at else None,
    )


def _is_registry(text: str) -> bool:
    if not _REGISTRY.fullmatch(text):
        return False
    address, bracket, _ = text.removeprefix("[").partition("]")
    if not bracket:
        return True
    try:
        IPv6Address(address)
    except ValueError:
        return False
    return True
