"""An archive of ``docker save`` as a source of images (moby, image/tarexport; the same from podman, skopeo, buildkit).

::

    manifest.json       [{"Config": "<id>.json", "RepoTags": ["team/shop:1"], "Layers": ["<id>/layer.tar", …]}]
    <id>.json           the image's config; the digest of its bytes is the image's id
    <id>/layer.tar      a layer, not compressed; a link where two images share it

Such an archive has no manifests of its own, so one is made: the same archive gives the same manifest, whoever reads
it. Newer engines put an OCI layout beside it, whose files both name; ``docker load`` goes by manifest.json, and so do
we, unless the two name different images. An archive without manifest.json is read as the layout it must then be.
"""

from __future__ import annotations

import hashlib
import json
import os
import stat
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from io import RawIOBase
from pathlib import Path
from typing import Final

from scanner.domain.go_json import Document as JsonDocument
from scanner.domain.go_json import Field, JsonBounds, Reader, read_json
from scanner.domain.limits import DEFAULT_LIMITS, Limits
from scanner.domain.media_types import DOCKER_CONFIG, DOCKER_MANIFEST
from scanner.domain.printable import printable
from scanner.domain.problems import ImageProblem, LimitExceeded, Unavailable
from scanner.domain.reference import Digest, InvalidReference, RepositoryName, TagName, parse_digest
from scanner.filesystem.compression import decompressed
from scanner.sources.archive_agreement import check_agreement
from scanner.sources.archive_members import ArchiveMembers
from scanner.sources.local_files import Files, file_digest, pieces, read_file
from scanner.sources.local_images import LocalSource, Names, SharedTraffic, Tagged, file_as_blob, find_only
from scanner.sources.local_names import Named, parse_image_name, repository_of_path, tag_of_digest
from scanner.sources.local_problems import file_problem, refused, unavailable
from scanner.sources.oci_layout import LayoutSource
from scanner.sources.source import Document, Resolved

MANIFEST: Final = "manifest.json"
_LAYER: Final = "application/vnd.docker.image.rootfs.diff.tar"
_GZIP: Final = b"\x1f\x8b"
_ZSTD: Final = b"\x28\xb5\x2f\xfd"
_COMPRESSED: Final = (_GZIP, _ZSTD, b"\xfd7zXZ\0", b"BZh")
_DOCUMENT: Final = JsonDocument(MANIFEST, "bad-manifest", "listing_bytes")


def open_docker_archive(path: Path, limits: Limits = DEFAULT_LIMITS) -> LocalSource:
    """Open an archive; one that is compressed as a whole is unpacked to a temporary file first.

    :raises Refused: where it cannot be read or is no such archive.
    :raises LimitExceeded: ``archive_bytes``, ``archive_members``, ``compression_ratio`` and others.
    """
    files = ArchiveMembers(_plain_archive(path, limits), limits)
    try:
        own_name = repository_of_path(str(path))
        if files.size(MANIFEST) is None:
            return LayoutSource(files, own_name, limits)
        source = ArchiveSource(files, own_name, limits)
        if files.size("index.json") is not None:
            check_agreement(files, LayoutSource(files, own_name, limits), source.entries(), limits)
        return source
    except BaseException:
        files.close()
        raise


@dataclass(frozen=True, slots=True)
class SavedImage:
    """One entry of manifest.json."""

    config: str
    names: tuple[str, ...]
    layers: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Synthesized:
    """The manifest that was made of an entry, and where its blobs lie.

    :param config: the digest of the config, which is the image's id.
    """

    document: Document
    config: Digest
    blobs: dict[Digest, str]


class ArchiveSource:
    """One archive; a ``Source`` that several threads may use at once."""

    def __init__(self, files: Files, own_name: RepositoryName, limits: Limits) -> None:
        self._files = files
        self._limits = limits
        self._own_name = own_name
        self._traffic = SharedTraffic()
        self.traffic = self._traffic.traffic
        self._images = saved_images(files, limits)
        self._lock = threading.Lock()
        self._made: dict[int, Synthesized] = {}
        self._hashed: dict[str, Digest] = {}
        self._ids = [config_digest(files, image, limits) for image in self._images]
        self._names = Names(self._tagged())

    def close(self) -> None:
        """Close the archive."""
        self._files.close()

    def entries(self) -> list[Tagged]:
        """The images that are named, each by the digest of its config."""
        return self._names.every()

    def repositories(self) -> Iterator[RepositoryName]:
        """Names of all repositories."""
        return iter(self._names.repositories())

    def tags(self, repository: RepositoryName) -> Iterator[TagName]:
        """Tags of one repository; an image without a name has the tag ``sha256-…``."""
        return iter(self._names.tags(repository))

    def resolve(self, repository: RepositoryName, tag: TagName) -> Resolved:
        """The manifest made for a name."""
        document = self.document(repository, tag)
        return Resolved(document.digest, document.media_type, len(document.body))

    def document(self, repository: RepositoryName, reference: TagName | Digest) -> Document:
        """The manifest made for a name, or that has a digest; an image's id stands for its manifest too.

        :raises Refused: ``image-unknown``, ``blob-unknown``, ``source-ambiguous``.
        :raises LimitExceeded: ``layers``, ``config_bytes``.
        """
        self._traffic.asked()
        if ":" not in reference:
            reference = self._names.get(repository, TagName(reference)).digest
        if reference in self._ids:
            return self._synthesized(self._ids.index(Digest(reference))).document
        for position in range(len(self._images)):
            document = self._synthesized(position).document
            if document.digest == reference:
                return document
        raise refused("image-unknown", f"no image {reference}")

    def blob(self, repository: RepositoryName, digest: Digest, size: int) -> AbstractContextManager[Iterator[bytes]]:
        """Stream a config or a layer of exactly ``size`` bytes."""
        for position in range(len(self._images)):
            name = self._synthesized(position).blobs.get(digest)
            if name is not None:
                return file_as_blob(self._files, name, digest, size, self._traffic)
        raise refused("blob-unknown", f"the blob {digest} is not in the archive")

    def find(self, name: str) -> Named:
        """What follows ``docker-archive:PATH:``: a name with its tag, or an image's id.

        :raises Refused: ``image-unknown``, ``source-ambiguous``.
        """
        if not name:
            return find_only(self._names)
        try:
            wanted = parse_image_name(name)
        except InvalidReference:
            raise refused("image-unknown", f"no image {printable(name, longest=200)}") from None
        if ":" in wanted.reference:
            return wanted
        return Named(wanted.repository, self._names.get(wanted.repository, TagName(wanted.reference)).digest)

    def _tagged(self) -> Iterator[Tagged]:
        for image, config in zip(self._images, self._ids, strict=True):
            for repository, tag in _names_of(image) or [(self._own_name, tag_of_digest(config))]:
                yield Tagged(repository, tag, config)

    def _synthesized(self, position: int) -> Synthesized:
        with self._lock:
            if position not in self._made:
                self._made[position] = synthesized(self._files, self._images[position], self._limits, self._digest)
            return self._made[position]

    def _digest(self, name: str) -> Digest:
        # Images share layers: each file is hashed once, so all together cost no more than the archive's size.
        if name not in self._hashed:
            self._hashed[name] = file_digest(self._files, name)
        return self._hashed[name]


def saved_images(files: Files, limits: Limits) -> tuple[SavedImage, ...]:
    """Read manifest.json.

    :raises Refused: ``source-invalid``, ``source-ambiguous``.
    :raises LimitExceeded: ``listing_bytes``, ``json_values``, ``json_depth``, ``layers``.
    """
    body = read_file(files, MANIFEST, limits.listing_bytes, "listing_bytes") or b""
    reader = Reader(_DOCUMENT)
    try:
        whole = read_json(body, JsonBounds(limits.listing_bytes, limits.json_depth, limits.json_values), _DOCUMENT)
        images = tuple(Field(reader, "", [whole]).each(lambda item: _saved_image(item, limits)))
    except LimitExceeded:
        raise
    except ImageProblem as problem:
        raise refused("source-invalid", problem.message) from problem
    deciding = next((found for found in reader.ambiguities if found.decides), None)
    if deciding is not None:
        raise refused("source-ambiguous", f"{MANIFEST}: at {deciding.where} {deciding.detail}"[:500])
    return images


def _saved_image(item: Field, limits: Limits) -> SavedImage:
    fields = item.fields(("Config", "RepoTags", "Layers"))
    config = fields["Config"].text() if "Config" in fields else ""
    layers = (fields["Layers"].texts() or ()) if "Layers" in fields else ()
    names = (fields["RepoTags"].texts() or ()) if "RepoTags" in fields else ()
    if not config:
        raise ImageProblem("bad-manifest", f"{MANIFEST}: an image without a config")
    if len(layers) > limits.layers:
        raise LimitExceeded("layers", limits.layers, len(layers), subject=MANIFEST)
    return SavedImage(config, names, layers)


def config_digest(files: Files, image: SavedImage, limits: Limits) -> Digest:
    """The image's id: what its config's bytes hash to.

    :raises Refused: ``blob-unknown``; ``digest-mismatch`` where the file's name says otherwise.
    :raises LimitExceeded: ``config_bytes``.
    """
    if read_file(files, image.config, limits.config_bytes, "config_bytes") is None:
        raise refused("blob-unknown", f"the archive holds no config {printable(image.config, longest=200)}")
    found = file_digest(files, image.config)
    stated = image.config.removesuffix(".json").rpartition("/")[2]
    try:
        claimed = parse_digest(f"sha256:{stated}")
    except InvalidReference:
        return found
    if claimed != found:
        raise refused("digest-mismatch", f"the config {stated} hashes to {found}")
    return found


def synthesized(
    files: Files, image: SavedImage, limits: Limits, digest_of: Callable[[str], Digest] | None = None
) -> Synthesized:
    """Make the manifest of an image that has none: compact JSON in the order of the specification.

    :param digest_of: hashes a file of the archive.
    :raises Refused: ``blob-unknown``, ``digest-mismatch``.
    """
    hashed = digest_of or (lambda name: file_digest(files, name))
    config = config_digest(files, image, limits)
    blobs = {config: image.config}
    layers = []
    for name in image.layers:
        size = files.size(name)
        if size is None:
            raise refused("blob-unknown", f"the archive holds no layer {printable(name, longest=200)}")
        digest = hashed(name)
        blobs[digest] = name
        layers.append({"mediaType": _LAYER + _packing(files, name), "size": size, "digest": digest})
    top = {"mediaType": DOCKER_CONFIG, "size": files.size(image.config), "digest": config}
    whole = {"schemaVersion": 2, "mediaType": DOCKER_MANIFEST, "config": top, "layers": layers}
    body = json.dumps(whole, separators=(",", ":")).encode()
    digest = Digest(f"sha256:{hashlib.sha256(body).hexdigest()}")
    return Synthesized(Document(digest, DOCKER_MANIFEST, body), config, blobs)


def _packing(files: Files, name: str) -> str:
    with files.chunks(name) as chunks:
        head = next(chunks, b"")
    return ".gzip" if head.startswith(_GZIP) else ".zstd" if head.startswith(_ZSTD) else ""


def _names_of(image: SavedImage) -> list[tuple[RepositoryName, TagName]]:
    found = []
    for name in image.names:
        try:
            named = parse_image_name(name)
        except InvalidReference:
            continue
        if ":" not in named.reference:
            found.append((named.repository, TagName(named.reference)))
    return found


def _plain_archive(path: Path, limits: Limits) -> int:
    """Open an archive, or a temporary file with what it unpacks to."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        found = os.fstat(descriptor)
    except (OSError, ValueError) as error:
        raise file_problem(error if isinstance(error, OSError) else OSError(), str(path)) from error
    if not stat.S_ISREG(found.st_mode):
        os.close(descriptor)
        raise refused("source-invalid", f"{printable(str(path), longest=300)} is not a file")
    try:
        if not os.pread(descriptor, 6, 0).startswith(_COMPRESSED):
            return os.dup(descriptor)
        return spooled(_unpacked(pieces(descriptor, 0, found.st_size, "archive"), limits), limits.archive_bytes)
    finally:
        os.close(descriptor)


def _unpacked(chunks: Iterator[bytes], limits: Limits) -> Iterator[bytes]:
    try:
        yield from decompressed(chunks, replace(limits, layer_uncompressed_bytes=limits.archive_bytes))
    except LimitExceeded as problem:
        if problem.code != "limit-layer-uncompressed-bytes":
            raise
        raise LimitExceeded("archive_bytes", limits.archive_bytes, "more", subject="unpacked archive") from problem
    except ImageProblem as problem:
        raise refused("source-invalid", problem.message.replace("the layer", "the archive")) from problem


def spooled(chunks: Iterator[bytes], allowed: int) -> int:
    """Write a stream to a temporary file without a name; the descriptor is the caller's.

    :raises LimitExceeded: ``archive_bytes``.
    :raises Unavailable: ``no-space``.
    """
    count = 0
    try:
        descriptor, name = tempfile.mkstemp(prefix="plimsoll-")
        os.unlink(name)
    except OSError as error:
        raise _no_space(error) from error
    with os.fdopen(descriptor, "wb", buffering=0) as file:
        for chunk in chunks:
            count += len(chunk)
            if count > allowed:
                raise LimitExceeded("archive_bytes", allowed, count, subject="archive")
            _write(file, chunk)
        return os.dup(descriptor)


def _write(file: RawIOBase, chunk: bytes) -> None:
    rest = memoryview(chunk)
    try:
        while rest:
            rest = rest[file.write(rest) or 0 :]
    except OSError as error:
        raise _no_space(error) from error


def _no_space(error: OSError) -> Unavailable:
    return unavailable("no-space", f"temporary file: {error.strerror or type(error).__name__}")
