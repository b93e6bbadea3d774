"""Manifests and indexes, refused where two readers could take them for different things.

::

    {"schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json",
     "config": {"mediaType": "…", "digest": "sha256:…", "size": 7023},
     "layers": [{"mediaType": "…", "digest": "sha256:…", "size": 32654}]}

A document that is an image to one reader and an index to another (CVE-2021-41190) has no honest answer, so it gets
none. Neither the Content-Type nor the body decides alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from scanner.domain import media_types as types
from scanner.domain.ambiguity import Ambiguity
from scanner.domain.go_json import Document, Field, JsonBounds, Reader, read_json
from scanner.domain.image_config import Platform
from scanner.domain.limits import Limits
from scanner.domain.media_types import ACCEPT as ACCEPT
from scanner.domain.media_types import INDEX_MEDIA_TYPES as INDEX_MEDIA_TYPES
from scanner.domain.media_types import MANIFEST_MEDIA_TYPES as MANIFEST_MEDIA_TYPES
from scanner.domain.media_types import LayerKind as LayerKind
from scanner.domain.media_types import layer_kind as layer_kind
from scanner.domain.problems import ImageProblem, LimitExceeded
from scanner.domain.reference import Digest, InvalidReference, parse_digest


@dataclass(frozen=True, slots=True)
class Descriptor:
    """What points to a blob or a manifest: read at most ``size`` bytes, believe them only if they have the digest.

    :param urls: where a foreign layer lies. Shown, never fetched.
    """

    media_type: str
    digest: Digest
    size: int
    platform: Platform | None = None
    annotations: tuple[tuple[str, str], ...] = ()
    artifact_type: str = ""
    urls: tuple[str, ...] = ()

    def annotation(self, name: str) -> str:
        """The value of an annotation, ``""`` where there is none."""
        return dict(self.annotations).get(name, "")


@dataclass(frozen=True, slots=True)
class ImageManifest:
    """One platform's image, or something that is stored like one: see ``not_runnable``."""

    media_type: str
    config: Descriptor
    layers: tuple[Descriptor, ...]
    subject: Descriptor | None = None
    artifact_type: str = ""
    annotations: tuple[tuple[str, str], ...] = ()
    ambiguities: tuple[Ambiguity, ...] = ()


@dataclass(frozen=True, slots=True)
class IndexManifest:
    """What points to the images of several platforms; may be empty, may hold indexes."""

    media_type: str
    manifests: tuple[Descriptor, ...]
    subject: Descriptor | None = None
    artifact_type: str = ""
    annotations: tuple[tuple[str, str], ...] = ()
    ambiguities: tuple[Ambiguity, ...] = ()


_DOCUMENT = Document("manifest", "bad-manifest", "manifest_bytes")
_TOP = (
    *("schemaVersion", "mediaType", "artifactType", "config", "layers", "manifests", "subject", "annotations"),
    *("fsLayers", "blobs"),
)
_DESCRIPTOR = ("mediaType", "digest", "size", "platform", "annotations", "artifactType", "urls")
_PLATFORM = ("os", "architecture", "variant", "os.version")
EMPTY_CONFIG = Digest("sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a")
"""Of the two bytes ``{}``, which artifacts without a config point to."""

_NO_CONFIG = Descriptor("application/vnd.oci.empty.v1+json", EMPTY_CONFIG, 2)


def parse_document(body: bytes, media_type: str, limits: Limits) -> ImageManifest | IndexManifest:
    """Read a manifest or an index; which of the two, the document and its Content-Type must agree on.

    :param media_type: the Content-Type, or a descriptor's media type; ``""`` where nobody said.
    :raises ImageProblem: ``bad-manifest``, ``bad-descriptor``, ``ambiguous-manifest``, ``media-type-mismatch``,
        ``schema1-unsupported``, ``unsupported-media-type``.
    :raises LimitExceeded: over ``manifest_bytes``, ``json_depth``, ``layers``, ``index_children``, ``descriptors``.
    """
    reader = Reader(_DOCUMENT)
    bounds = JsonBounds(limits.manifest_bytes, limits.json_depth, limits.json_values)
    fields = reader.fields(read_json(body, bounds, _DOCUMENT), "", _TOP)
    declared = media_type.partition(";")[0].strip(" \t")
    _refuse_schema1(fields, declared)
    _refuse_ambiguous(fields)
    kind = _agreed_type(fields, declared)
    if kind in INDEX_MEDIA_TYPES:
        return _index(fields, kind, reader, limits)
    return _image(fields, kind, reader, limits)


_LAYOUT = Document("index of the layout", "bad-manifest", "listing_bytes")


def parse_layout_index(body: bytes, limits: Limits) -> tuple[Descriptor, ...]:
    """Read ``index.json`` of an OCI layout, which names all images there are and so may be longer than an index.

    :raises ImageProblem: ``bad-manifest``, ``bad-descriptor``; ``ambiguous-manifest`` where readers disagree.
    :raises LimitExceeded: over ``listing_bytes``, ``json_depth``, ``json_values`` or ``tags``.
    """
    reader = Reader(_LAYOUT)
    bounds = JsonBounds(limits.listing_bytes, limits.json_depth, limits.json_values)
    fields = reader.fields(read_json(body, bounds, _LAYOUT), "", _TOP)
    _refuse_ambiguous(fields)
    if "manifests" not in fields:
        raise ImageProblem("bad-manifest", "index of the layout: it has no manifests")
    entries = fields["manifests"].each(_descriptor)
    if len(entries) > limits.tags:
        raise LimitExceeded("tags", limits.tags, len(entries), subject="index of the layout")
    deciding = next((found for found in reader.ambiguities if found.decides), None)
    if deciding is not None:
        raise ImageProblem("ambiguous-manifest", f"at {deciding.where} {deciding.detail}"[:500])
    return tuple(entries)


def _refuse_schema1(fields: Mapping[str, Field], declared: str) -> None:
    version = fields["schemaVersion"].integer() if "schemaVersion" in fields else None
    if version == 1 or _given(fields, "fsLayers") or declared in types.SCHEMA1_MEDIA_TYPES:
        raise ImageProblem(
            "schema1-unsupported",
            "manifest: it is of schema 1, which no current runtime reads",
            remedy="Push the image again with a current Docker, or convert it with skopeo copy --format oci.",
        )
    if version != 2:
        raise ImageProblem("bad-manifest", f"manifest: schemaVersion is {version}, not 2")


def _refuse_ambiguous(fields: Mapping[str, Field]) -> None:
    image = [name for name in ("config", "layers", "blobs") if _given(fields, name)]
    if image and _given(fields, "manifests"):
        raise ImageProblem(
            "ambiguous-manifest",
            f"manifest: it holds both {' and '.join(image)} and manifests, so it is an image to one reader and an"
            " index to another (CVE-2021-41190)",
        )


def _agreed_type(fields: Mapping[str, Field], declared: str) -> str:
    written = fields["mediaType"].text() if "mediaType" in fields else ""
    if written and declared and written != declared:
        raise ImageProblem(
            "media-type-mismatch", f"manifest: it says that it is {written[:200]!r}, but it came as {declared[:200]!r}"
        )
    kind = written or declared or _guessed(fields)
    if kind not in (*MANIFEST_MEDIA_TYPES, *INDEX_MEDIA_TYPES, types.OCI_ARTIFACT):
        raise ImageProblem("unsupported-media-type", f"manifest: {kind[:200]!r} is no kind of image or index")
    other = ("config", "layers", "blobs") if kind in INDEX_MEDIA_TYPES else ("manifests",)
    if any(_given(fields, name) for name in other):
        raise ImageProblem("media-type-mismatch", f"manifest: it came as {kind!r} but has the shape of the other kind")
    return kind


def _guessed(fields: Mapping[str, Field]) -> str:
    return types.OCI_INDEX if _given(fields, "manifests") else types.OCI_MANIFEST


def _given(fields: Mapping[str, Field], name: str) -> bool:
    return name in fields and fields[name].given


def _index(fields: Mapping[str, Field], kind: str, reader: Reader, limits: Limits) -> IndexManifest:
    if "manifests" not in fields:
        raise ImageProblem("bad-manifest", "manifest: an index without manifests")
    children = fields["manifests"].each(_descriptor)
    if len(children) > limits.index_children:
        raise LimitExceeded("index_children", limits.index_children, len(children), subject="manifest")
    deciding = next((found for found in reader.ambiguities if found.decides), None)
    if deciding is not None:
        # There is no image that NR114 could be held against: which images there are is what readers disagree about.
        raise ImageProblem("ambiguous-manifest", f"manifest: at {deciding.where} {deciding.detail}"[:500])
    return IndexManifest(
        media_type=kind,
        manifests=tuple(children),
        subject=_subject(fields),
        artifact_type=_text(fields, "artifactType"),
        annotations=_annotations(fields),
        ambiguities=reader.ambiguities,
    )


def _image(fields: Mapping[str, Field], kind: str, reader: Reader, limits: Limits) -> ImageManifest:
    name = "blobs" if kind == types.OCI_ARTIFACT else "layers"
    layers = fields[name].each(_descriptor) if name in fields else []
    if kind != types.OCI_ARTIFACT and not _given(fields, "config"):
        raise ImageProblem("bad-manifest", "manifest: an image without config")
    config = _NO_CONFIG if kind == types.OCI_ARTIFACT else _descriptor(fields["config"])
    bound = "layers" if config.media_type in types.CONFIG_MEDIA_TYPES else "descriptors"
    allowed = limits.layers if bound == "layers" else limits.descriptors
    if len(layers) > allowed:
        raise LimitExceeded(bound, allowed, len(layers), subject="manifest")
    return ImageManifest(
        media_type=kind,
        config=config,
        layers=tuple(layers),
        subject=_subject(fields),
        artifact_type=_text(fields, "artifactType"),
        annotations=_annotations(fields),
        ambiguities=reader.ambiguities,
    )


def _subject(fields: Mapping[str, Field]) -> Descriptor | None:
    return _descriptor(fields["subject"]) if _given(fields, "subject") else None


def _descriptor(item: Field) -> Descriptor:
    fields = item.fields(_DESCRIPTOR)
    size = fields["size"].integer() if "size" in fields else None
    if size is None or size < 0:
        raise ImageProblem("bad-descriptor", f"manifest: {item.where} has the size {size}")
    try:
        digest = parse_digest(_text(fields, "digest"))
    except InvalidReference as problem:
        raise ImageProblem("bad-descriptor", f"manifest: {item.where} is {problem}") from None
    return Descriptor(
        media_type=_text(fields, "mediaType"),
        digest=digest,
        size=size,
        platform=_platform(fields),
        annotations=_annotations(fields),
        artifact_type=_text(fields, "artifactType"),
        urls=(fields["urls"].texts() or ()) if "urls" in fields else (),
    )


def _platform(fields: Mapping[str, Field]) -> Platform | None:
    if not _given(fields, "platform"):
        return None
    platform = fields["platform"].fields(_PLATFORM)
    return Platform(
        os=_text(platform, "os"),
        architecture=_text(platform, "architecture"),
        variant=_text(platform, "variant"),
        os_version=_text(platform, "os.version"),
    )


def _annotations(fields: Mapping[str, Field]) -> tuple[tuple[str, str], ...]:
    return tuple(fields["annotations"].text_mapping().items()) if "annotations" in fields else ()


def _text(fields: Mapping[str, Field], name: str) -> str:
    return fields[name].text() if name in fields else ""


_REFERENCE_TYPE = "vnd.docker.reference.type"


def not_runnable(manifest: ImageManifest, descriptor: Descriptor | None = None) -> str | None:
    """What a manifest holds instead of an image, in plain words; ``None`` where a runtime could start it.

    What is inside decides. ``artifactType``, ``subject`` and annotations only help to name it: runtimes ignore them, so
    trusting them would let an image that runs as root pass for a signature. For the same reason a layer of a type
    nobody knows below an ordinary config counts as an image, with a layer that cannot be read.

    :param descriptor: the index entry that led here; it, too, only helps to name. An image that one index offers as
        ``unknown/unknown`` can be pulled by its digest, and another index may offer it to run.
    """
    named = _named_kind(manifest, descriptor)
    if manifest.config.media_type not in types.CONFIG_MEDIA_TYPES:
        return named or "artifact"
    kinds = [types.ARTIFACT_KINDS.get(layer.media_type) for layer in manifest.layers]
    # One layer of data beside layers of files: a runtime may skip it and start the rest.
    return next(iter(kinds), None) if kinds and all(kinds) else None


def _named_kind(manifest: ImageManifest, descriptor: Descriptor | None) -> str | None:
    if descriptor is not None and descriptor.annotation(_REFERENCE_TYPE) == "attestation-manifest":
        return "attestation"
    said = (
        manifest.artifact_type,
        descriptor.artifact_type if descriptor else "",
        manifest.config.media_type,
        *(layer.media_type for layer in manifest.layers),
    )
    return next((types.ARTIFACT_KINDS[kind] for kind in said if kind in types.ARTIFACT_KINDS), None)
