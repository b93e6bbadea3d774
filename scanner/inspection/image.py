"""One image in steps: manifest, config, layers, facts.

``inspect`` takes them in one go for the command line. The pipeline takes them one by one, because there a layer is
claimed, indexed and stored once for the whole fleet::

    documents = read_image(source, repository, document, limits)      # or NotApplicable
    indexes = [fetch_layer_index(…) for each layer nobody has indexed]
    for position, paths in missing_contents(indexes, limits).items(): fetch_layer_index(…, keep=paths)
    facts = image_facts(documents, indexes, limits)                   # or NotApplicable

Steps keep no state. What goes wrong is a ``ScanProblem``; none of them turns into a guess.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from scanner.domain.declared_base import declared_base
from scanner.domain.facts import GROUP, PASSWD, SHADOW, Ambiguity, ImageFacts, Layer
from scanner.domain.image_config import ImageConfig, parse_image_config
from scanner.domain.limits import Limits
from scanner.domain.manifest import (
    Descriptor,
    ImageManifest,
    IndexManifest,
    LayerKind,
    layer_kind,
    not_runnable,
    parse_document,
)
from scanner.domain.problems import ImageProblem, LimitExceeded
from scanner.domain.reference import Digest, RepositoryName
from scanner.filesystem import account_files
from scanner.filesystem.file_facts import file_facts
from scanner.filesystem.layer_index import LayerIndex
from scanner.filesystem.rootfs import RootFs
from scanner.filesystem.tree_ambiguities import tree_ambiguities
from scanner.inspection.disguise import config_bytes, refuse_disguise
from scanner.inspection.lazy import toc_ambiguities
from scanner.inspection.windows import is_for_windows, refuse_linux_inside, windows_kind, without_base
from scanner.sandbox import ChildDied, index_layer
from scanner.sources.source import Document, Source


@dataclass(frozen=True, slots=True)
class ImageDocuments:
    """A manifest and its config, both verified.

    :param entry: the index entry that led to the manifest.
    :param size: bytes of manifest, config and layers together, compressed.
    :param raw_config: the config as the registry gave it.
    """

    digest: Digest
    manifest: ImageManifest
    config: ImageConfig
    size: int
    entry: Descriptor | None = None
    ambiguities: tuple[Ambiguity, ...] = ()
    raw_config: bytes = field(default=b"", repr=False)


@dataclass(frozen=True, slots=True)
class NotApplicable:
    """Something that has no UNIX identity.

    :param kind: in words: ``attestation``, ``Helm chart``, ``Windows image, which runs as ContainerUser`` …
    """

    digest: Digest
    kind: str
    platform: str = ""


def read_image(
    source: Source, repository: RepositoryName, document: Document, limits: Limits, entry: Descriptor | None = None
) -> ImageDocuments | NotApplicable:
    """Read a manifest's config and check, before any layer is fetched, whether its layers can be read at all.

    :param entry: the index entry that led to the document.
    :raises ImageProblem: ``not-an-image`` for an index; ``disguised-image``; ``foreign-layer``, ``encrypted-layer``,
        ``unsupported-media-type``, ``diff-ids-mismatch``; what parsing raises.
    :raises LimitExceeded: ``image_compressed_bytes``, ``layer_compressed_bytes``, ``config_bytes``.
    """
    manifest = parse_document(document.body, document.media_type, limits)
    if isinstance(manifest, IndexManifest):
        raise ImageProblem("not-an-image", f"{document.digest} is an index, not an image")
    kind = not_runnable(manifest, entry)
    if kind is not None:
        refuse_disguise(source, repository, manifest, kind, limits)
        return NotApplicable(document.digest, kind, platform_text(entry))
    raw = config_bytes(source, repository, manifest.config, limits)
    config, ambiguities = parse_image_config(raw, limits)
    if is_for_windows(config):
        whole = manifest
        manifest, config = without_base(manifest, config)
        if whole.layers and not manifest.layers:
            return NotApplicable(document.digest, windows_kind(config), str(config.platform))
    _check_layers(manifest, config, limits)
    size = len(document.body) + manifest.config.size + sum(layer.size for layer in manifest.layers)
    found = (*manifest.ambiguities, *ambiguities, *_platform_differs(config, entry))
    return ImageDocuments(document.digest, manifest, config, size, entry, found, raw)


_UNREADABLE = {
    LayerKind.FOREIGN: ("foreign-layer", "is kept outside the registry, at addresses that are never fetched"),
    LayerKind.ENCRYPTED: ("encrypted-layer", "is encrypted"),
    LayerKind.OTHER: ("unsupported-media-type", "is of no type that holds files"),
}


def _check_layers(manifest: ImageManifest, config: ImageConfig, limits: Limits) -> None:
    for position, layer in enumerate(manifest.layers):
        _check_kind(layer, f"layer {position + 1}")
        if layer.size > limits.layer_compressed_bytes:
            allowed = limits.layer_compressed_bytes
            raise LimitExceeded("layer_compressed_bytes", allowed, layer.size, subject=f"layer {layer.digest}")
    total = sum(layer.size for layer in manifest.layers)
    if total > limits.image_compressed_bytes:
        raise LimitExceeded("image_compressed_bytes", limits.image_compressed_bytes, total, subject="image")
    if len(config.diff_ids) != len(manifest.layers):
        raise ImageProblem(
            "diff-ids-mismatch",
            f"the manifest has {len(manifest.layers)} layers, the config names {len(config.diff_ids)}: Docker refuses",
        )


def _check_kind(layer: Descriptor, name: str) -> None:
    kind = layer_kind(layer.media_type)
    if kind in _UNREADABLE:
        code, what = _UNREADABLE[kind]
        raise ImageProblem(code, f"{name} ({layer.media_type[:200]}) {what}")


def platform_text(entry: Descriptor | None) -> str:
    """What an index calls an image; ``""`` where nobody says."""
    return str(entry.platform) if entry is not None and entry.platform is not None else ""


def _platform_differs(config: ImageConfig, entry: Descriptor | None) -> tuple[Ambiguity, ...]:
    if entry is None or entry.platform is None:
        return ()
    said, own = entry.platform, config.platform
    if (said.os, said.architecture) == (own.os, own.architecture):
        return ()
    detail = f"the index calls this image {said}, its own config {own}; runtimes choose by the index"
    return (Ambiguity("platform-differs", "/platform", detail, decides=False),)


_ATTEMPTS = 3
"""Children that may die over one layer before it is given up."""


def fetch_layer_index(
    source: Source,
    repository: RepositoryName,
    layer: Descriptor,
    diff_id: Digest | None,
    limits: Limits,
    keep: Collection[bytes] = (),
) -> LayerIndex:
    """Stream one layer and index it.

    :param diff_id: what it must unpack to. ``None`` where the index is made for all images that share the layer: one
        lying config must not spoil it for the others, and ``image_facts`` compares anyway.
    :param keep: what ``missing_contents`` asked for.
    :raises ImageProblem: for the layer's own faults, ``foreign-layer`` among them.
    :raises Unavailable: ``digest-mismatch``, ``size-mismatch``; ``scanner-lost`` where no process could read it.
    """
    _check_kind(layer, f"layer {layer.digest}")
    for attempt in range(1, _ATTEMPTS + 1):
        try:
            with source.blob(repository, layer.digest, layer.size) as chunks:
                return index_layer(
                    chunks, digest=layer.digest, size=layer.size, diff_id=diff_id, limits=limits, keep=keep
                )
        except ChildDied:
            if attempt == _ATTEMPTS:
                raise
    raise AssertionError("unreachable")


def missing_contents(layer_indexes: Sequence[LayerIndex], limits: Limits) -> Mapping[int, frozenset[bytes]]:
    """What to keep in a second reading, by layer position: links led to account files nobody knew of before.

    :raises LimitExceeded: ``link_fetches`` where that concerns too many layers.
    """
    missing = account_files.missing_contents(RootFs(layer_indexes, limits))
    if len(missing) > limits.link_fetches:
        raise LimitExceeded("link_fetches", limits.link_fetches, len(missing), subject="layers to be read again")
    return missing


def image_facts(
    documents: ImageDocuments, layer_indexes: Sequence[LayerIndex], limits: Limits
) -> ImageFacts | NotApplicable:
    """Put together what is known; only the layers prove that an image is for Windows.

    :param layer_indexes: bottom first, one for each layer of the manifest.
    :raises ImageProblem: ``size-mismatch``, ``diff-id-mismatch``, ``bad-link``, ``disguised-image``.
    :raises LimitExceeded: ``image_entries``, ``image_uncompressed_bytes``, ``link_fetches``, ``path_steps``.
    """
    _check_indexes(documents, layer_indexes, limits)
    if is_for_windows(documents.config):
        refuse_linux_inside(layer_indexes)
        return NotApplicable(documents.digest, windows_kind(documents.config), str(documents.config.platform))
    rootfs = RootFs(layer_indexes, limits)
    passwd = account_files.account_file(rootfs, PASSWD)
    return ImageFacts(
        digest=documents.digest,
        config_digest=documents.manifest.config.digest,
        config=documents.config,
        layers=_layers(documents),
        passwd=passwd,
        group=account_files.account_file(rootfs, GROUP),
        shadow=account_files.account_file(rootfs, SHADOW),
        ambiguities=(
            *documents.ambiguities,
            *toc_ambiguities(documents.manifest.layers, layer_indexes),
            *tree_ambiguities(rootfs),
        ),
        manifest_size=documents.size,
        # With steps of their own: what account files cost must not depend on how many folders an image has.
        files=file_facts(RootFs(layer_indexes, limits), documents.config, passwd.as_read()),
        from_toc=any(index.from_toc for index in layer_indexes),
        annotated_base=declared_base(documents.manifest.annotations),
    )


def _check_indexes(documents: ImageDocuments, layer_indexes: Sequence[LayerIndex], limits: Limits) -> None:
    layers = documents.manifest.layers
    if [index.digest for index in layer_indexes] != [layer.digest for layer in layers]:
        raise ValueError("the layer indexes are not those of the manifest's layers")
    for layer, diff_id, index in zip(layers, documents.config.diff_ids, layer_indexes, strict=True):
        # An index made for another image vouches for the bytes, not for what *this* image says about them.
        if index.size != layer.size:
            what = f"layer {layer.digest} has {index.size} bytes, the manifest states {layer.size}"
            raise ImageProblem("size-mismatch", what)
        if index.diff_id != diff_id:
            what = f"layer {layer.digest} unpacks to {index.diff_id}, the config states {diff_id}"
            raise ImageProblem("diff-id-mismatch", what)
    check_totals(layer_indexes, limits)


def check_totals(layer_indexes: Iterable[LayerIndex], limits: Limits) -> None:
    """Bound what the layers of one image, or those that are known by now, hold together.

    :raises LimitExceeded: ``image_entries``, ``image_uncompressed_bytes``.
    """
    entries = unpacked = 0
    for index in layer_indexes:
        entries += index.entries
        unpacked += index.unpacked_size
    _check_total("image_entries", limits.image_entries, entries)
    _check_total("image_uncompressed_bytes", limits.image_uncompressed_bytes, unpacked)


def _check_total(name: str, allowed: int, found: int) -> None:
    if found > allowed:
        raise LimitExceeded(name, allowed, found, subject="image")


def _layers(documents: ImageDocuments) -> tuple[Layer, ...]:
    made_by = [entry.created_by for entry in documents.config.history if not entry.empty_layer]
    layers = documents.manifest.layers
    # History is optional and sometimes longer or shorter; then nothing in it can be attributed.
    known: Sequence[str | None] = made_by if len(made_by) == len(layers) else [None] * len(layers)
    return tuple(
        Layer(position, layer.digest, diff_id, layer.media_type, layer.size, created_by)
        for position, (layer, diff_id, created_by) in enumerate(
            zip(layers, documents.config.diff_ids, known, strict=True)
        )
    )
