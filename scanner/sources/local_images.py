"""What sources on this machine have in common: names that point to documents, and documents made of files."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Protocol

from scanner.domain.limits import Limits
from scanner.domain.manifest import parse_document
from scanner.domain.printable import printable
from scanner.domain.problems import ImageProblem
from scanner.domain.reference import Digest, RepositoryName, TagName
from scanner.sources.local_files import Files
from scanner.sources.local_names import Named, some_of
from scanner.sources.local_problems import refused
from scanner.sources.source import Document, Source, Traffic


class LocalSource(Source, Protocol):
    """A source on this machine. Close it."""

    def find(self, name: str) -> Named:
        """What a name that a person wrote stands for; the only image there is where it is empty.

        :raises SourceProblem: ``image-unknown``, ``source-ambiguous``.
        """

    def close(self) -> None:
        """Let go of files and connections."""


class SharedTraffic:
    """Counts what is asked of a source by several threads."""

    def __init__(self) -> None:
        self.traffic = Traffic()
        self._lock = threading.Lock()

    def asked(self) -> None:
        """Count one question."""
        with self._lock:
            self.traffic.requests += 1

    def counted(self, chunks: Iterator[bytes]) -> Iterator[bytes]:
        """Count the bytes that pass."""
        for chunk in chunks:
            with self._lock:
                self.traffic.bytes += len(chunk)
            yield chunk


@dataclass(frozen=True, slots=True)
class Tagged:
    """A name in a source, and the digest of the document it stands for."""

    repository: RepositoryName
    tag: TagName
    digest: Digest
    media_type: str = ""
    size: int | None = None


class Names:
    """The names of a source, in its order."""

    def __init__(self, tagged: Iterable[Tagged]) -> None:
        self._tagged: dict[tuple[str, str], list[Tagged]] = {}
        for one in tagged:
            self._tagged.setdefault((one.repository, one.tag), []).append(one)

    def repositories(self) -> list[RepositoryName]:
        """Each once."""
        return list(dict.fromkeys(RepositoryName(repository) for repository, _ in self._tagged))

    def tags(self, repository: RepositoryName) -> list[TagName]:
        """Those of one repository.

        :raises Refused: ``image-unknown`` where there is no such repository.
        """
        found = [TagName(tag) for name, tag in self._tagged if name == repository]
        if not found:
            raise refused("image-unknown", f"no repository {repository}; there is {some_of(self.repositories())}")
        return found

    def get(self, repository: RepositoryName, tag: TagName) -> Tagged:
        """What one name stands for.

        :raises Refused: ``image-unknown``; ``source-ambiguous`` where it stands for several.
        """
        found = self._tagged.get((repository, tag), [])
        if not found:
            there = some_of(f"{name}:{tag}" for name, tag in self._tagged)
            raise refused("image-unknown", f"no image {repository}:{tag}; there is {printable(there, longest=500)}")
        return only(found, f"{repository}:{tag}")

    def every(self) -> list[Tagged]:
        """All of them."""
        return [one for found in self._tagged.values() for one in found]


def only(found: Sequence[Tagged], name: str) -> Tagged:
    """The one image a name stands for.

    :raises Refused: ``source-ambiguous`` for several.
    """
    if len({one.digest for one in found}) > 1:
        raise refused("source-ambiguous", f"{name} stands for {len(found)} images: {some_of(x.digest for x in found)}")
    return found[0]


def find_only(names: Names) -> Named:
    """The image meant where none was named.

    :raises Refused: ``image-unknown`` for none; ``image-not-named`` for several.
    """
    found = names.every()
    if not found:
        raise refused("image-unknown", "it holds no image")
    if len({one.digest for one in found}) > 1:
        there = printable(some_of(f"{one.repository}:{one.tag}" for one in found), longest=500)
        raise refused("image-not-named", f"it holds several images: {there}")
    return Named(found[0].repository, found[0].digest)


def verified(body: bytes, digest: Digest, media_type: str, limits: Limits) -> Document:
    """A document whose bytes have the digest; where nobody says what kind it is, its shape does.

    :raises Refused: ``digest-mismatch``.
    """
    algorithm = digest.partition(":")[0]
    found = f"{algorithm}:{hashlib.new(algorithm, body, usedforsecurity=True).hexdigest()}"
    if found != digest:
        raise refused("digest-mismatch", f"the document {digest} hashes to {found}")
    return Document(digest, media_type or _kind_of(body, limits), body)


def _kind_of(body: bytes, limits: Limits) -> str:
    try:
        return parse_document(body, "", limits).media_type
    except ImageProblem:
        return ""  # whoever reads the document says what is wrong with it


@contextmanager
def file_as_blob(
    files: Files, name: str, digest: Digest, size: int, traffic: SharedTraffic
) -> Iterator[Iterator[bytes]]:
    """Stream a file that must have ``size`` bytes; the caller verifies the digest.

    :raises Refused: ``blob-unknown``, ``digest-mismatch``.
    """
    traffic.asked()
    there = files.size(name)
    if there is None:
        raise refused("blob-unknown", f"the blob {digest} is not there")
    if there != size:
        raise refused("digest-mismatch", f"the blob {digest} has {there} bytes where the manifest says {size}")
    with files.chunks(name) as chunks:
        yield traffic.counted(chunks)
