"""Where images come from: one small protocol."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from scanner.domain.reference import Digest, RepositoryName, TagName


@dataclass(frozen=True, slots=True)
class Resolved:
    """What a tag points to now, from a HEAD: the digest is the registry's word until the bytes are hashed."""

    digest: Digest
    media_type: str
    size: int | None


@dataclass(frozen=True, slots=True)
class Document:
    """A manifest or index whose bytes were hashed to ``digest``."""

    digest: Digest
    media_type: str
    body: bytes


@dataclass(slots=True)
class Traffic:
    """What has been asked of a source since it was opened."""

    requests: int = 0
    bytes: int = 0


class Source(Protocol):
    """All methods raise ``SourceProblem``."""

    traffic: Traffic

    def repositories(self) -> Iterator[RepositoryName]:
        """Names of all repositories, streamed."""

    def tags(self, repository: RepositoryName) -> Iterator[TagName]:
        """Tags of one repository, streamed."""

    def resolve(self, repository: RepositoryName, tag: TagName) -> Resolved:
        """One HEAD (a GET only where the registry gives no digest header)."""

    def document(self, repository: RepositoryName, reference: TagName | Digest) -> Document:
        """GET a manifest or index, verified against its digest."""

    def blob(self, repository: RepositoryName, digest: Digest, size: int) -> AbstractContextManager[Iterator[bytes]]:
        """Stream a blob's bytes; the caller verifies the digest while reading."""


@runtime_checkable
class RangedSource(Protocol):
    """A source that can give parts of a blob."""

    def blob_range(self, repository: RepositoryName, digest: Digest, start: int, length: int) -> bytes | None:
        """Exactly these bytes, which nothing vouches for; ``None`` where the source gives whole blobs only."""
