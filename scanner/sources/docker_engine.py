"""A local Docker engine as a source of images, through the docker SDK.

An image is known by its id, which is the digest of its config: that covers the layers, and the engine tells it without
writing the image out. To read one, the engine saves it to a temporary file; the last of them are kept while the
source is open. With containerd's image store the id is the digest of a manifest or an index, and that is then read.
"""

from __future__ import annotations

import json
import os
import socket
import threading
import time
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from typing import Final, Self

import docker
import requests
import urllib3
from docker.errors import APIError, DockerException, NotFound
from docker.utils import kwargs_from_env

from scanner.domain.limits import DEFAULT_LIMITS, Limits
from scanner.domain.manifest import Descriptor, IndexManifest, parse_document
from scanner.domain.media_types import DOCKER_MANIFEST
from scanner.domain.printable import printable
from scanner.domain.problems import ScanProblem
from scanner.domain.reference import Digest, InvalidReference, RepositoryName, TagName, parse_digest
from scanner.sources.archive_members import ArchiveMembers
from scanner.sources.docker_archive import MANIFEST, config_digest, saved_images, spooled, synthesized
from scanner.sources.local_files import PIECE, read_file
from scanner.sources.local_images import Names, SharedTraffic, Tagged, file_as_blob, verified
from scanner.sources.local_names import Named, as_image_name, parse_image_name, tag_of_digest
from scanner.sources.local_problems import refused, unavailable
from scanner.sources.oci_layout import blob_name
from scanner.sources.source import Document, Resolved

_LOCAL: Final = "unix://"
_DEFAULT_ADDRESS: Final = "unix:///var/run/docker.sock"
_NO_NAME: Final = "<none>:<none>"
_FAILURES: Final = (DockerException, requests.RequestException, urllib3.exceptions.HTTPError, OSError, ValueError)


@dataclass(frozen=True, slots=True)
class _Saved:
    """An image as the engine wrote it out."""

    members: ArchiveMembers
    size: int
    document: Document
    blobs: Mapping[Digest, str]


class EngineSource:
    """The engine that DOCKER_HOST names, or the one on this machine; use it in ``with``, or close it.

    Questions go one after the other: an engine that writes several images at once only takes longer for each.
    """

    def __init__(self, limits: Limits = DEFAULT_LIMITS, environment: Mapping[str, str] | None = None) -> None:
        """Connect.

        :raises Unavailable: ``engine-unreachable``.
        """
        self._limits = limits
        self._traffic = SharedTraffic()
        self.traffic = self._traffic.traffic
        self._lock = threading.RLock()
        self._kept: OrderedDict[Digest, _Saved] = OrderedDict()
        self._homes: dict[Digest, Digest] = {}
        with _named("Docker engine"):
            _try_socket(environment, limits)
            self._client = docker.DockerClient.from_env(
                timeout=round(limits.idle_seconds), environment=dict(os.environ if environment is None else environment)
            )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *unused: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connection and the temporary files."""
        with self._lock:
            for saved in self._kept.values():
                saved.members.close()
            self._kept.clear()
            self._client.close()

    def repositories(self) -> Iterator[RepositoryName]:
        """Names of all repositories."""
        return iter(self._names().repositories())

    def tags(self, repository: RepositoryName) -> Iterator[TagName]:
        """Tags of one repository; an image without a name has the tag ``sha256-…``."""
        return iter(self._names().tags(repository))

    def resolve(self, repository: RepositoryName, tag: TagName) -> Resolved:
        """The id of the image that a name stands for now.

        :raises SourceProblem: ``image-unknown`` and others.
        """
        name = f"{as_image_name(repository)}:{tag}"
        if tag.startswith("sha256-"):
            name = tag.replace("-", ":", 1)
        with self._asking(name):
            found: dict[str, object] = self._client.api.inspect_image(name)  # type: ignore[no-untyped-call]  # the stubs lack it
        descriptor = found.get("Descriptor")
        kind = descriptor.get("mediaType") if isinstance(descriptor, dict) else None
        return Resolved(_digest(found.get("Id")), kind if isinstance(kind, str) else DOCKER_MANIFEST, None)

    def document(self, repository: RepositoryName, reference: TagName | Digest) -> Document:
        """The manifest of an image, under its id.

        :raises SourceProblem: ``image-unknown``, ``engine-unreachable`` and others.
        :raises LimitExceeded: ``archive_bytes`` and others.
        """
        if ":" not in reference:
            reference = self.resolve(repository, TagName(reference)).digest
        digest = Digest(reference)
        with self._lock:
            home = self._homes.get(digest, digest)
            saved = self._saved(home)
            if digest == home:
                return saved.document
            body = read_file(saved.members, saved.blobs[digest], self._limits.manifest_bytes, "manifest_bytes")
            return verified(body or b"", digest, "", self._limits)

    @contextmanager
    def blob(self, repository: RepositoryName, digest: Digest, size: int) -> Iterator[Iterator[bytes]]:
        """Stream a config or a layer of an image whose manifest was read.

        :raises SourceProblem: ``blob-unknown`` and others.
        """
        with ExitStack() as stack:
            with self._lock:
                home = self._homes.get(digest)
                if home is None:
                    raise refused("blob-unknown", f"no image that was read here holds the blob {digest}")
                saved = self._saved(home)
                # Whoever reads holds the file itself from here on, also when it is forgotten meanwhile.
                blob = file_as_blob(saved.members, saved.blobs[digest], digest, size, self._traffic)
                chunks = stack.enter_context(blob)
            yield chunks

    def find(self, name: str) -> Named:
        """What follows ``docker-daemon:``: a name, or ``sha256:<id>``.

        :raises SourceProblem: ``image-unknown`` and others.
        """
        try:
            wanted = parse_image_name(name)
        except InvalidReference:
            raise refused("image-unknown", f"no image {printable(name, longest=200)}") from None
        if ":" in wanted.reference:
            return wanted
        found = self.resolve(wanted.repository, TagName(wanted.reference))
        return Named(wanted.repository, found.digest)

    def _names(self) -> Names:
        with self._asking("list of images"):
            images = self._client.api.images()
        return Names(one for image in images for one in _tagged(image))

    @contextmanager
    def _asking(self, subject: str) -> Iterator[None]:
        self._traffic.asked()
        with self._lock, _named(subject):
            yield

    def _saved(self, image: Digest) -> _Saved:
        """An image as it lies in a temporary file; written there first where it is no more or not yet."""
        if image in self._kept:
            self._kept.move_to_end(image)
            return self._kept[image]
        members, size = self._save(image)
        try:
            document, blobs = _read_saved(members, image, self._limits)
        except BaseException:
            members.close()
            raise
        self._make_room(size)
        self._kept[image] = _Saved(members, size, document, blobs)
        self._homes |= dict.fromkeys(blobs, image)
        return self._kept[image]

    def _save(self, image: Digest) -> tuple[ArchiveMembers, int]:
        with self._asking(str(image)):
            # Saving what is not there is an internal error of the engine; looking at it says that it is not there.
            self._client.api.inspect_image(image)  # type: ignore[no-untyped-call]  # the stubs lack it
            stream = self._client.api.get_image(image, chunk_size=PIECE)
            descriptor = spooled(self._traffic.counted(self._in_time(stream)), self._limits.archive_bytes)
            size = os.fstat(descriptor).st_size
            return ArchiveMembers(descriptor, self._limits), size

    def _in_time(self, chunks: Iterator[bytes]) -> Iterator[bytes]:
        give_up = time.monotonic() + self._limits.body_seconds
        for chunk in chunks:
            if time.monotonic() > give_up:
                raise unavailable(
                    "engine-too-slow", f"Docker engine: {self._limits.body_seconds} seconds for one image"
                )
            yield chunk

    def _make_room(self, size: int) -> None:
        while self._kept and sum(saved.size for saved in self._kept.values()) + size > self._limits.archive_bytes:
            _, oldest = self._kept.popitem(last=False)
            oldest.members.close()


def _read_saved(members: ArchiveMembers, image: Digest, limits: Limits) -> tuple[Document, Mapping[Digest, str]]:
    for saved in saved_images(members, limits) if members.size(MANIFEST) is not None else ():
        if config_digest(members, saved, limits) == image:
            made = synthesized(members, saved, limits)
            return Document(image, made.document.media_type, made.document.body), made.blobs
    body = read_file(members, blob_name(image), limits.manifest_bytes, "manifest_bytes")
    if body is None:
        raise refused("engine-error", f"the engine saved another image than {image}")
    document = verified(body, image, "", limits)
    blobs: dict[Digest, str] = {}
    return _present(document, members, blobs, limits, 0), blobs


def _present(
    document: Document, members: ArchiveMembers, blobs: dict[Digest, str], limits: Limits, depth: int
) -> Document:
    """Note where everything lies, and leave out of an index what the engine never pulled: other platforms."""
    parsed = parse_document(document.body, document.media_type, limits)
    if not isinstance(parsed, IndexManifest):
        blobs |= {part.digest: blob_name(part.digest) for part in (parsed.config, *parsed.layers)}
        return document
    there = [child for child in parsed.manifests if members.size(blob_name(child.digest)) is not None]
    for child in there if depth < limits.index_depth else ():
        body = read_file(members, blob_name(child.digest), limits.manifest_bytes, "manifest_bytes") or b""
        blobs[child.digest] = blob_name(child.digest)
        _present(verified(body, child.digest, child.media_type, limits), members, blobs, limits, depth + 1)
    if len(there) == len(parsed.manifests):
        return document
    children = [_as_json(child) for child in there]
    whole = {"schemaVersion": 2, "mediaType": parsed.media_type, "manifests": children}
    return Document(document.digest, parsed.media_type, json.dumps(whole, separators=(",", ":")).encode())


def _as_json(child: Descriptor) -> dict[str, object]:
    found: dict[str, object] = {"mediaType": child.media_type, "size": child.size, "digest": child.digest}
    if child.platform is not None:
        platform = child.platform
        found["platform"] = {"os": platform.os, "architecture": platform.architecture, "variant": platform.variant}
    return found | {"annotations": dict(child.annotations)}


def _tagged(image: Mapping[str, object]) -> Iterator[Tagged]:
    """The names of one listed image; what was pulled by digest has no tag, and what nothing names is left out."""
    digest = _digest(image.get("Id"))
    tags, digests = image.get("RepoTags"), image.get("RepoDigests")
    names = [name for name in tags if isinstance(name, str) and name != _NO_NAME] if isinstance(tags, list) else []
    for name in names:
        with suppress(InvalidReference):
            named = parse_image_name(name)
            yield Tagged(named.repository, TagName(named.reference), digest)
    for name in digests if not names and isinstance(digests, list) else ():
        with suppress(InvalidReference):
            repository = parse_image_name(str(name).partition("@")[0]).repository
            yield Tagged(repository, tag_of_digest(digest), digest)


def _try_socket(environment: Mapping[str, str] | None, limits: Limits) -> None:
    """Connect once to a socket of this machine: where nobody listens, the SDK would leave its own half open."""
    address = str(kwargs_from_env(environment=environment).get("base_url") or _DEFAULT_ADDRESS)
    if not address.startswith(_LOCAL):
        return
    with socket.socket(socket.AF_UNIX) as probe:
        probe.settimeout(limits.connect_seconds)
        try:
            probe.connect(address.removeprefix(_LOCAL))
        except OSError as error:
            said = f"{printable(address, longest=200)}: {error.strerror or type(error).__name__}"
            raise unavailable("engine-unreachable", said) from error


def _digest(value: object) -> Digest:
    try:
        return parse_digest(str(value))
    except InvalidReference:
        raise refused("engine-error", "the engine gives an image an id that is none") from None


@contextmanager
def _named(subject: str) -> Iterator[None]:
    """Turn what the SDK raises into problems with a name."""
    try:
        yield
    except ScanProblem:
        raise
    except NotFound as error:
        raise refused("image-unknown", f"the engine has no image {printable(subject, longest=300)}") from error
    except (requests.Timeout, urllib3.exceptions.TimeoutError) as error:
        raise unavailable(
            "engine-too-slow", f"{printable(subject, longest=300)}: the engine does not answer"
        ) from error
    except APIError as error:
        said = printable(str(error.explanation or error), longest=300)
        raise unavailable("engine-error", f"{printable(subject, longest=300)}: {said}") from error
    except _FAILURES as error:
        said = printable(str(error), longest=300)
        raise unavailable("engine-unreachable", f"{printable(subject, longest=300)}: {said}") from error
