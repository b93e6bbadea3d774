"""An OCI image layout as a source of images: a folder, or the same inside of an archive (image-spec, image-layout.md).

::

    oci-layout          {"imageLayoutVersion": "1.0.0"}
    index.json          {"manifests": [{"digest": "sha256:…",
                                        "annotations": {"org.opencontainers.image.ref.name": "1.2"}}]}
    blobs/sha256/…
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Final

from scanner.domain.limits import DEFAULT_LIMITS, Limits
from scanner.domain.manifest import Descriptor, parse_layout_index
from scanner.domain.printable import printable
from scanner.domain.problems import ImageProblem, LimitExceeded
from scanner.domain.reference import Digest, InvalidReference, RepositoryName, TagName, parse_tag
from scanner.sources.local_files import Files, Folder, read_file
from scanner.sources.local_images import Names, SharedTraffic, Tagged, file_as_blob, find_only, only, verified
from scanner.sources.local_names import Named, parse_image_name, repository_of_path, tag_of_digest
from scanner.sources.local_problems import refused
from scanner.sources.source import Document, Resolved

_REF_NAME: Final = "org.opencontainers.image.ref.name"
_FULL_NAME: Final = "io.containerd.image.name"
_MARKER: Final = "oci-layout"
_INDEX: Final = "index.json"


def open_oci_layout(path: Path, limits: Limits = DEFAULT_LIMITS) -> LayoutSource:
    """Open a folder.

    :raises Refused: where it is no layout.
    :raises LimitExceeded: ``listing_bytes`` and others for its index.
    """
    folder = Folder(path)
    try:
        return LayoutSource(folder, repository_of_path(str(path)), limits)
    except BaseException:
        folder.close()
        raise


def blob_name(digest: Digest) -> str:
    """Where a layout keeps a blob."""
    return f"blobs/{digest.replace(':', '/')}"


class LayoutSource:
    """One layout; a ``Source`` that several threads may use at once.

    The names are read once. ``docker push`` and ``skopeo copy`` name an image whole (``team/shop:1``) or by its tag
    alone, which then belongs to a repository named like the folder.
    """

    def __init__(self, files: Files, own_name: RepositoryName, limits: Limits) -> None:
        self._files = files
        self._limits = limits
        self._traffic = SharedTraffic()
        self.traffic = self._traffic.traffic
        self._own_name = own_name
        self._entries = self._read_index()
        self._names = Names(self._tagged(entry) for entry in self._entries)

    def close(self) -> None:
        """Close the folder."""
        self._files.close()

    def repositories(self) -> Iterator[RepositoryName]:
        """Names of all repositories."""
        return iter(self._names.repositories())

    def tags(self, repository: RepositoryName) -> Iterator[TagName]:
        """Tags of one repository; an image without a name has the tag ``sha256-…``."""
        return iter(self._names.tags(repository))

    def resolve(self, repository: RepositoryName, tag: TagName) -> Resolved:
        """What the index says of a name."""
        found = self._names.get(repository, tag)
        return Resolved(found.digest, found.media_type, found.size)

    def document(self, repository: RepositoryName, reference: TagName | Digest) -> Document:
        """Read a manifest or index and hash it.

        :raises Refused: ``blob-unknown``, ``digest-mismatch``, ``image-unknown``.
        :raises LimitExceeded: ``manifest_bytes``.
        """
        self._traffic.asked()
        if ":" in reference:
            digest, media_type = Digest(reference), ""
        else:
            named = self._names.get(repository, TagName(reference))
            digest, media_type = named.digest, named.media_type
        body = read_file(self._files, blob_name(digest), self._limits.manifest_bytes, "manifest_bytes")
        if body is None:
            raise refused("blob-unknown", f"the manifest {digest} is not there")
        return verified(body, digest, media_type, self._limits)

    def blob(self, repository: RepositoryName, digest: Digest, size: int) -> AbstractContextManager[Iterator[bytes]]:
        """Stream a blob of exactly ``size`` bytes."""
        return file_as_blob(self._files, blob_name(digest), digest, size, self._traffic)

    def entries(self) -> list[Tagged]:
        """What the index names, in its order."""
        return self._names.every()

    def find(self, name: str) -> Named:
        """What follows ``oci:PATH:``, which is the annotation itself, or a repository and a tag.

        :raises Refused: ``image-unknown``, ``source-ambiguous``.
        """
        if not name:
            return find_only(self._names)
        verbatim = [self._tagged(entry) for entry in self._entries if entry.annotation(_REF_NAME) == name]
        if verbatim:
            one = only(verbatim, name)
            return Named(one.repository, one.digest)
        try:
            wanted = parse_image_name(name)
        except InvalidReference:
            raise refused("image-unknown", f"no image {printable(name, longest=200)}") from None
        if ":" in wanted.reference:
            return wanted
        return Named(wanted.repository, self._names.get(wanted.repository, TagName(wanted.reference)).digest)

    def _read_index(self) -> tuple[Descriptor, ...]:
        limits = self._limits
        for name in (_MARKER, _INDEX):
            if self._files.size(name) is None:
                raise refused("source-invalid", f"this is no OCI layout: there is no file {name}")
        body = read_file(self._files, _INDEX, limits.listing_bytes, "listing_bytes") or b""
        try:
            return parse_layout_index(body, limits)
        except LimitExceeded:
            raise
        except ImageProblem as problem:
            raise refused("source-invalid", f"{_INDEX}: {problem.message}") from problem

    def _tagged(self, entry: Descriptor) -> Tagged:
        repository, tag = self._name_of(entry)
        return Tagged(repository, tag, entry.digest, entry.media_type, entry.size)

    def _name_of(self, entry: Descriptor) -> tuple[RepositoryName, TagName]:
        for name in (entry.annotation(_FULL_NAME), entry.annotation(_REF_NAME)):
            try:
                if ":" not in name and "/" not in name:
                    return self._own_name, parse_tag(name)
                found = parse_image_name(name)
            except InvalidReference:
                continue
            if ":" not in found.reference:
                return found.repository, TagName(found.reference)
        return self._own_name, tag_of_digest(entry.digest)
