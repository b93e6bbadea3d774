"""Everything behind a reference, which may be one image, an index, or an index of indexes."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import Protocol

from scanner import sandbox
from scanner.domain.facts import ImageFacts
from scanner.domain.limits import Limits
from scanner.domain.manifest import Descriptor, ImageManifest, parse_document
from scanner.domain.problems import ImageProblem, LimitExceeded, ScanProblem
from scanner.domain.reference import Digest, RepositoryName, TagName
from scanner.filesystem.layer_index import LayerIndex
from scanner.inspection.image import (
    ImageDocuments,
    NotApplicable,
    check_totals,
    fetch_layer_index,
    image_facts,
    missing_contents,
    platform_text,
    read_image,
)
from scanner.sources.source import Document, Source


class LayerIndexCache(Protocol):
    """Layer indexes that outlive one inspection. What it returns must be what was put there."""

    def get(self, digest: Digest) -> LayerIndex | None:
        """The index of a layer, or ``None``."""

    def put(self, index: LayerIndex) -> None:
        """Keep an index."""


@dataclass(frozen=True, slots=True)
class InspectedImage:
    """One image of a tag: exactly one of ``facts``, ``problem`` and ``artifact``.

    :param platform: as the index calls it, else as the config does; ``""`` where nobody says.
    :param artifact: what it is instead of an image that has a UNIX identity, in words.
    """

    platform: str
    digest: Digest
    facts: ImageFacts | None = None
    problem: ScanProblem | None = None
    artifact: str | None = None


@dataclass(frozen=True, slots=True)
class Inspection:
    """All images behind a reference; none where an index is empty.

    :param reference_digest: what the tag pointed to when it was read, once.
    """

    reference_digest: Digest
    media_type: str
    images: tuple[InspectedImage, ...]


def inspect(
    source: Source,
    repository: RepositoryName,
    reference: TagName | Digest,
    *,
    platform: str | None,
    limits: Limits,
    cache: LayerIndexCache | None = None,
) -> Inspection:
    """Read everything behind a reference.

    :param platform: ``linux/amd64`` or ``linux/arm/v7``; ``None`` for all.
    :raises ScanProblem: where the reference itself cannot be read; what goes wrong below it is the image's ``problem``.
    :raises ImageProblem: ``platform-not-found``.
    """
    sandbox.warm_up()  # in about the time of a registry's first answer
    top = source.document(repository, reference)
    walk = _Walk(source, repository, limits, platform, cache or _Forgetful())
    walk.visit(top, None, 0)
    if platform is not None and walk.left_out and not walk.images:
        raise ImageProblem(
            "platform-not-found",
            f"nothing for {platform}; there is {', '.join(sorted(walk.left_out))}",
            remedy="Ask for one of these platforms, or for all.",
        )
    return Inspection(top.digest, top.media_type, tuple(walk.images))


class _Forgetful:
    def get(self, digest: Digest) -> LayerIndex | None:
        return None

    def put(self, index: LayerIndex) -> None:
        pass


class _Walk:
    """Walks an index depth first, in its order."""

    def __init__(
        self, source: Source, repository: RepositoryName, limits: Limits, platform: str | None, cache: LayerIndexCache
    ) -> None:
        self._source = source
        self._repository = repository
        self._limits = limits
        self._platform = platform
        self._cache = cache
        # By platform too: the same image may be offered under several, and each is shown.
        self._seen: set[tuple[Digest, str]] = set()
        self._facts: dict[Digest, ImageFacts] = {}
        self.images: list[InspectedImage] = []
        self.left_out: set[str] = set()

    def visit(self, document: Document, entry: Descriptor | None, depth: int) -> None:
        """Take one manifest or index."""
        parsed = parse_document(document.body, document.media_type, self._limits)
        if isinstance(parsed, ImageManifest):
            self._take(document, entry)
            return
        if depth >= self._limits.index_depth:
            raise LimitExceeded("index_depth", self._limits.index_depth, depth + 1, subject=f"index {document.digest}")
        for child in parsed.manifests:
            key = child.digest, platform_text(child)
            if key in self._seen or not self._wanted(key[1]):
                continue
            self._seen.add(key)
            if len(self._seen) > self._limits.index_children:
                allowed = self._limits.index_children
                raise LimitExceeded("index_children", allowed, len(self._seen), subject="nested indexes together")
            self._child(child, depth + 1)

    def _child(self, child: Descriptor, depth: int) -> None:
        platform = platform_text(child)
        if child.digest in self._facts:
            self.images.append(InspectedImage(platform, child.digest, facts=self._facts[child.digest]))
            return
        try:
            self.visit(self._document(child), child, depth)
        except ScanProblem as problem:
            self.images.append(InspectedImage(platform, child.digest, problem=problem))

    def _document(self, child: Descriptor) -> Document:
        if child.size > self._limits.manifest_bytes:
            raise LimitExceeded("manifest_bytes", self._limits.manifest_bytes, child.size, subject=str(child.digest))
        document = self._source.document(self._repository, child.digest)
        if len(document.body) != child.size:
            what = f"manifest {child.digest} has {len(document.body)} bytes, the index states {child.size}"
            raise ImageProblem("size-mismatch", what)
        return document

    def _take(self, document: Document, entry: Descriptor | None) -> None:
        image = InspectedImage(platform_text(entry), document.digest)
        try:
            documents = read_image(self._source, self._repository, document, self._limits, entry)
            if isinstance(documents, NotApplicable):
                image = replace(image, platform=image.platform or documents.platform, artifact=documents.kind)
            else:
                image = replace(image, platform=image.platform or str(documents.config.platform))
                if self._wanted(image.platform):
                    image = self._read(image, documents)
        except ScanProblem as problem:
            image = replace(image, problem=problem)
        if self._wanted(image.platform):
            self.images.append(image)

    def _read(self, image: InspectedImage, documents: ImageDocuments) -> InspectedImage:
        facts = image_facts(documents, self._indexes(documents), self._limits)
        if isinstance(facts, NotApplicable):
            return replace(image, artifact=facts.kind)
        self._facts[image.digest] = facts
        return replace(image, facts=facts)

    def _wanted(self, platform: str) -> bool:
        """Whether a platform may be the one asked for; one that nobody states has to be looked at."""
        asked = self._platform
        if asked is None or not platform or platform == asked or platform.startswith(f"{asked}/"):
            return True
        self.left_out.add(platform)
        return False

    def _indexes(self, documents: ImageDocuments) -> list[LayerIndex]:
        found: dict[Digest, LayerIndex] = {}
        for layer in documents.manifest.layers:
            if layer.digest not in found:
                found[layer.digest] = self._cache.get(layer.digest) or self._fetched(layer)
                # Each layer may be within its bounds and all of them together more than a day's work.
                check_totals(found.values(), self._limits)
        indexes = [found[layer.digest] for layer in documents.manifest.layers]
        for position, paths in missing_contents(indexes, self._limits).items():
            found[indexes[position].digest] = self._fetched(documents.manifest.layers[position], paths)
        return [found[layer.digest] for layer in documents.manifest.layers]

    def _fetched(self, layer: Descriptor, keep: Collection[bytes] = ()) -> LayerIndex:
        index = fetch_layer_index(self._source, self._repository, layer, None, self._limits, keep)
        self._cache.put(index)
        return index
