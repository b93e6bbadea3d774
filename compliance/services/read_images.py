"""Read what is new: manifests and configs of some digests, then the layers nobody has indexed, then facts."""

from __future__ import annotations

import logging
import zlib
from collections.abc import Iterable, Iterator, Mapping, Set
from concurrent.futures import Executor
from dataclasses import dataclass, field, replace
from itertools import islice

from django.conf import settings
from django.db import DatabaseError

from compliance.models import Image
from compliance.policy.scan_scope import platform_in_scope
from compliance.services.ask_images import ImageRead
from compliance.services.heavy_layers import unread_big_layers, wait_for_big_layers
from compliance.services.index_layers import Answer, LayerShelf, WantedLayer
from compliance.services.read_tables import failing_facts, read_tables
from compliance.services.record_images import IndexRead
from compliance.services.record_problem import scanner_fault
from scanner.domain.facts import ImageFacts
from scanner.domain.manifest import Descriptor, IndexManifest, parse_document
from scanner.domain.policy import Policy
from scanner.domain.printable import printable
from scanner.domain.problems import LimitExceeded, ScanProblem, SourceProblem
from scanner.domain.reference import Digest, RepositoryName
from scanner.filesystem.layer_index import LayerIndex
from scanner.inspection import ImageDocuments, NotApplicable, image_facts, missing_contents, read_image
from scanner.sources.source import Source
from scanner.storage import FACTS_SCHEMA

logger = logging.getLogger(__name__)

_KEPT_OF_A_CONFIG = 256 * 1024
"""Bytes. Ordinary ones have some dozens of KiB; hundreds of others at once are not to fill memory or database."""

Node = IndexManifest | ImageDocuments | ImageRead | SourceProblem


@dataclass(frozen=True, slots=True)
class Place:
    """Where images are read from.

    :param platforms: ``ScanScope.platforms``: other images of an index are left out.
    :param heavy_over: images with bigger layers that nobody has read are left to the heavy queue; ``None``: none.
    :param policy: by which tables of contents may show that one of those fails; ``None``: nobody asks them.
    """

    source: Source
    repository: RepositoryName
    executor: Executor
    shelf: LayerShelf
    platforms: tuple[str, ...] = ()
    heavy_over: int | None = None
    policy: Policy | None = None

    def wanted(self, index: IndexManifest) -> list[Descriptor]:
        """Those images of an index that are read."""
        return [entry for entry in index.manifests if platform_in_scope(_platform(entry), self.platforms)]


@dataclass(slots=True)
class Found:
    """What some digests turned out to be; ``problems`` are those the registry did not let us read."""

    images: dict[str, ImageRead] = field(default_factory=dict)
    indexes: dict[str, IndexRead] = field(default_factory=dict)
    problems: dict[str, ScanProblem] = field(default_factory=dict)


def read_images(place: Place, digests: Iterable[Digest], unwritten: Set[str] = frozenset()) -> Found:
    """Read each digest and everything below it; one that cannot be read does not stop the others.

    :param unwritten: images that were read just now; below an index they are not read again.
    """
    wanted = list(dict.fromkeys(digests))
    nodes = _read_documents(place, wanted, unwritten)
    found = Found()
    found.images = {digest: node for digest, node in nodes.items() if isinstance(node, ImageRead)}
    found.problems = {digest: node for digest, node in nodes.items() if isinstance(node, SourceProblem)}
    _read_layers(place, nodes, found)
    for digest in wanted:
        node = nodes[digest]
        if isinstance(node, IndexManifest):
            _settle_index(place, node, digest, nodes, found)
    return found


def _read_documents(place: Place, wanted: list[Digest], unwritten: Set[str]) -> dict[str, Node]:
    """Level by level, so that the children of all indexes are read at once."""
    nodes: dict[str, Node] = {}
    level = wanted
    for depth in range(settings.LIMITS.index_depth + 1):
        read = place.executor.map(lambda digest: _read_document(place, digest), level)
        nodes |= zip(level, read, strict=True)
        indexes = [node for digest in level if isinstance(node := nodes[digest], IndexManifest)]
        if depth == settings.LIMITS.index_depth:
            deep = [digest for digest in level if isinstance(nodes[digest], IndexManifest)]
            nodes |= {digest: ImageRead(digest, problem=_too_deep(digest)) for digest in deep}
        children = {child.digest for node in indexes for child in place.wanted(node)}
        level = _unknown(children - nodes.keys() - unwritten)
    return nodes


def _read_document(place: Place, digest: Digest) -> Node:
    """Runs in the executor: no database here.

    What an index says about its entry is left out: an image is stored once for the whole fleet, and one index that
    calls it an attestation must not hide it from another that offers it to run.
    """
    try:
        document = place.source.document(place.repository, digest)
        manifest = parse_document(document.body, document.media_type, settings.LIMITS)
        if isinstance(manifest, IndexManifest):
            return manifest
        read = read_image(place.source, place.repository, document, settings.LIMITS)
    except SourceProblem as problem:
        return problem
    except ScanProblem as problem:
        return ImageRead(digest, problem=problem)
    except Exception:  # whatever it is, the other images of the repository are read
        logger.exception("image %s could not be read", digest)
        return scanner_fault(f"image {digest}")
    if isinstance(read, NotApplicable):
        return ImageRead(digest, artifact=read.kind, platform=read.platform)
    return replace(read, raw_config=zlib.compress(read.raw_config[:_KEPT_OF_A_CONFIG]))


def _unknown(digests: set[Digest]) -> list[Digest]:
    known = Image.objects.filter(digest__in=digests, problem_code="", facts_schema__gte=FACTS_SCHEMA)
    return sorted(digests - set(known.values_list("digest", flat=True)))


def _read_layers(place: Place, nodes: Mapping[str, Node], found: Found) -> None:
    documents = {digest: node for digest, node in nodes.items() if isinstance(node, ImageDocuments)}
    wanted = {digest: _wanted(node) for digest, node in documents.items()}
    waiting = _Waiting(place, wanted, documents)
    answers = place.shelf.gather(waiting.needed())
    waiting.settle(answers, found)
    for digest in waiting.images:
        del documents[digest]
    for digest, node in documents.items():
        try:
            indexes = list(_indexes(wanted[digest], answers))
            found.images[digest] = _image_read(node, _facts(place, node, wanted[digest], indexes))
        except SourceProblem as problem:
            found.problems[digest] = problem
        except ScanProblem as problem:
            platform = str(node.config.platform)
            found.images[digest] = ImageRead(node.digest, problem=problem, platform=platform, config=node.raw_config)
        except DatabaseError:
            raise
        except Exception:
            logger.exception("image %s could not be put together", digest)
            found.problems[digest] = scanner_fault(f"image {digest}")


class _Waiting:
    """Images with big layers that nobody has read; tables of contents may show that some of them fail."""

    def __init__(
        self, place: Place, wanted: Mapping[str, list[WantedLayer]], documents: Mapping[str, ImageDocuments]
    ) -> None:
        self._place, self._wanted = place, wanted
        self._unread = _unread(place, wanted)
        self.images = {
            digest: documents[digest]
            for digest, layers in wanted.items()
            if any(layer.digest in self._unread for layer in layers)
        }
        self._tables: dict[str, LayerIndex] = {}
        if self.images and place.policy is not None:
            images = self.images.values()
            self._tables = read_tables(place.source, place.repository, place.executor, images, self._unread)

    def needed(self) -> Iterator[WantedLayer]:
        """Layers to read now: of images that have to wait in any case, none."""
        for digest, layers in self._wanted.items():
            if digest not in self.images or not {layer.digest for layer in layers} & self._unread - self._tables.keys():
                yield from (layer for layer in layers if layer.digest not in self._unread)

    def settle(self, answers: Mapping[WantedLayer, Answer], found: Found) -> None:
        """Say of each image that it fails, or that it waits."""
        for digest, image in self.images.items():
            policy = self._place.policy
            facts = failing_facts(image, self._tables, answers, policy) if policy is not None else None
            if facts is None:
                found.problems[digest] = wait_for_big_layers(digest)
            else:
                found.images[digest] = _image_read(image, facts)
                self._place.shelf.spare(layer for layer in self._wanted[digest] if layer.digest in self._tables)


def _unread(place: Place, wanted: Mapping[str, list[WantedLayer]]) -> set[str]:
    """Layers that are not read here."""
    if place.heavy_over is None:
        return set()
    layers = (layer for each in wanted.values() for layer in each)
    return unread_big_layers(layers, over=place.heavy_over)


def _wanted(documents: ImageDocuments) -> list[WantedLayer]:
    return [WantedLayer(layer.digest, layer.size, layer.media_type) for layer in documents.manifest.layers]


def _image_read(documents: ImageDocuments, facts: ImageFacts | NotApplicable) -> ImageRead:
    if isinstance(facts, NotApplicable):
        return ImageRead(facts.digest, artifact=facts.kind, platform=facts.platform, config=documents.raw_config)
    return ImageRead(facts.digest, facts=facts, config=documents.raw_config)


def _facts(
    place: Place, documents: ImageDocuments, wanted: list[WantedLayer], indexes: list[LayerIndex]
) -> ImageFacts | NotApplicable:
    missing = missing_contents(indexes, settings.LIMITS)
    if place.heavy_over is not None and any(wanted[position].size > place.heavy_over for position in missing):
        raise wait_for_big_layers(documents.digest)  # a layer is read again for what a link in another one points to
    for position, paths in missing.items():
        again = place.shelf.fetch(wanted[position], paths)
        indexes[position] = indexes[position].with_contents(again.contents)
        place.shelf.complete(wanted[position], indexes[position])
    return image_facts(documents, indexes, settings.LIMITS)


def _indexes(wanted: list[WantedLayer], answers: Mapping[WantedLayer, Answer]) -> Iterator[LayerIndex]:
    for layer in wanted:
        answer = answers[layer]
        if isinstance(answer, ScanProblem):
            raise answer
        yield answer


def _settle_index(place: Place, index: IndexManifest, digest: str, nodes: Mapping[str, Node], found: Found) -> None:
    allowed = settings.LIMITS.index_children
    # One more than allowed will do: indexes that name each other often flatten to millions.
    children = list(islice(_flattened(place, index, nodes, ""), allowed + 1))
    problem = next((found.problems[child] for _, child in children if child in found.problems), None)
    if problem is not None:
        found.problems[digest] = problem
    elif len(children) > settings.LIMITS.index_children:
        too_many = LimitExceeded("index_children", allowed, "more", subject=digest)
        found.images[digest] = ImageRead(Digest(digest), problem=too_many)
    else:
        found.indexes[digest] = IndexRead(digest, index.media_type, tuple(children))


def _flattened(place: Place, index: IndexManifest, nodes: Mapping[str, Node], above: str) -> Iterator[tuple[str, str]]:
    for child in place.wanted(index):
        platform = _platform(child) or above
        node = nodes.get(child.digest)
        if isinstance(node, IndexManifest):
            yield from _flattened(place, node, nodes, platform)
        else:
            yield platform, child.digest


def _platform(entry: Descriptor | None) -> str:
    return printable(str(entry.platform), longest=100) if entry and entry.platform else ""


def _too_deep(digest: Digest) -> ScanProblem:
    allowed = settings.LIMITS.index_depth
    return LimitExceeded("index_depth", allowed, allowed + 1, subject=f"index {digest}")
