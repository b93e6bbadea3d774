from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scanner.domain.image_config import Platform
from scanner.domain.limits import DEFAULT_LIMITS, Limits
from scanner.domain.manifest import (
    ACCEPT,
    Descriptor,
    ImageManifest,
    IndexManifest,
    LayerKind,
    layer_kind,
    not_runnable,
    parse_document,
)
from scanner.domain.problems import ImageProblem, LimitExceeded

OCI = "application/vnd.oci.image.manifest.v1+json"
INDEX = "application/vnd.oci.image.index.v1+json"
DOCKER = "application/vnd.docker.distribution.manifest.v2+json"
DOCKER_LIST = "application/vnd.docker.distribution.manifest.list.v2+json"
OCI_CONFIG = "application/vnd.oci.image.config.v1+json"
TAR = "application/vnd.oci.image.layer.v1.tar+gzip"
EMPTY = "application/vnd.oci.empty.v1+json"
SIGNING = "application/vnd.dev.cosign.simplesigning.v1+json"
DIGEST = "sha256:" + "a" * 64


def descriptor(media_type: str = TAR, **fields: object) -> dict[str, Any]:
    return {"mediaType": media_type, "digest": DIGEST, "size": 3, **fields}


def image(config: str = OCI_CONFIG, layers: tuple[str, ...] = (TAR,), **fields: object) -> dict[str, Any]:
    found = [descriptor(layer) for layer in layers]
    return {"schemaVersion": 2, "config": descriptor(config), "layers": found, **fields}


def index(*children: dict[str, Any], **fields: object) -> dict[str, Any]:
    return {"schemaVersion": 2, "manifests": list(children), **fields}


def parse(document: object, media_type: str = OCI, limits: Limits = DEFAULT_LIMITS) -> ImageManifest | IndexManifest:
    return parse_document(json.dumps(document).encode(), media_type, limits)


def parse_image(document: object, media_type: str = OCI) -> ImageManifest:
    found = parse(document, media_type)
    assert isinstance(found, ImageManifest)
    return found


def test_an_image() -> None:
    found = parse_image(image(annotations={"a": "b"}, artifactType="x/y", subject=descriptor(OCI)))
    assert (found.media_type, found.config.media_type) == (OCI, OCI_CONFIG)
    assert [(layer.media_type, layer.digest, layer.size) for layer in found.layers] == [(TAR, DIGEST, 3)]
    assert (found.annotations, found.artifact_type) == ((("a", "b"),), "x/y")
    assert found.subject is not None
    assert found.ambiguities == ()


def test_an_index() -> None:
    platform = {"os": "windows", "architecture": "arm", "variant": "v7", "os.version": "10"}
    found = parse(index(descriptor(OCI, platform=platform, annotations={"a": "b"}), descriptor(INDEX)), INDEX)
    assert isinstance(found, IndexManifest)
    assert [child.platform for child in found.manifests] == [Platform("windows", "arm", "v7", "10"), None]
    assert found.manifests[0].annotation("a") == "b"
    assert found.manifests[0].annotation("c") == ""


@pytest.mark.parametrize(
    ("document", "media_type", "kind"),
    [
        (image(mediaType=OCI), f"{OCI}; charset=utf-8", OCI),
        (image(mediaType=DOCKER), DOCKER, DOCKER),
        (image(mediaType=DOCKER), "", DOCKER),
        (image(), "", OCI),
        (index(), "", INDEX),
        (index(), DOCKER_LIST, DOCKER_LIST),
        (image(manifests=None), OCI, OCI),
    ],
)
def test_the_agreed_type(document: object, media_type: str, kind: str) -> None:
    assert parse(document, media_type).media_type == kind


REFUSED: list[tuple[object, str, str]] = [
    (image(manifests=[]), OCI, "ambiguous-manifest"),
    (image(manifests=[]), INDEX, "ambiguous-manifest"),
    (index(layers=[]), INDEX, "ambiguous-manifest"),
    (index(Config=descriptor()), INDEX, "ambiguous-manifest"),
    ({**image(), "manife\u017fts": [descriptor(OCI)]}, OCI, "ambiguous-manifest"),
    (image(mediaType=OCI), DOCKER, "media-type-mismatch"),
    (image(mediaType=INDEX), OCI, "media-type-mismatch"),
    (image(mediaType=OCI), "application/json", "media-type-mismatch"),
    (image(), INDEX, "media-type-mismatch"),
    (index(), OCI, "media-type-mismatch"),
    (image(mediaType=INDEX), "", "media-type-mismatch"),
    (image(), "application/json", "unsupported-media-type"),
    (image(), "text/html", "unsupported-media-type"),
    (image(mediaType="application/x"), "", "unsupported-media-type"),
    ({**image(), "schemaVersion": 1}, OCI, "schema1-unsupported"),
    ({"schemaVersion": 1, "fsLayers": []}, "", "schema1-unsupported"),
    (image(), "application/vnd.docker.distribution.manifest.v1+prettyjws", "schema1-unsupported"),
    ({**image(), "schemaVersion": 3}, OCI, "bad-manifest"),
    ({**image(), "schemaVersion": "2"}, OCI, "bad-manifest"),
    ({**image(), "schemaVersion": 2.0}, OCI, "bad-manifest"),
    ({"config": descriptor(), "layers": []}, OCI, "bad-manifest"),
    ({"schemaVersion": 2}, OCI, "bad-manifest"),
    ({"schemaVersion": 2}, INDEX, "bad-manifest"),
    ({"schemaVersion": 2, "layers": []}, OCI, "bad-manifest"),
    (image(layers=()) | {"layers": {}}, OCI, "bad-manifest"),
    ([], OCI, "bad-manifest"),
    (image(annotations={"a": 1}), OCI, "bad-manifest"),
]


@pytest.mark.parametrize(("document", "media_type", "code"), REFUSED)
def test_what_is_refused(document: object, media_type: str, code: str) -> None:
    with pytest.raises(ImageProblem) as caught:
        parse(document, media_type)
    assert caught.value.code == code


@pytest.mark.parametrize(
    "broken",
    [
        {"digest": "md5:" + "a" * 32},
        {"digest": DIGEST.upper()},
        {"digest": DIGEST[:-1]},
        {"digest": DIGEST + "\n"},
        {"digest": "sha256:../../etc/passwd"},
        {"digest": ""},
        {"size": -1},
        {"size": None},
    ],
)
@pytest.mark.parametrize("place", ["config", "layers", "subject"])
def test_a_bad_descriptor(place: str, broken: dict[str, object]) -> None:
    bad = {**descriptor(), **broken}
    with pytest.raises(ImageProblem) as caught:
        parse(image() | {place: [bad] if place == "layers" else bad})
    assert caught.value.code == "bad-descriptor"


@pytest.mark.parametrize("size", ["3", 1.5, 10**19, True])
def test_a_size_is_a_64_bit_integer(size: object) -> None:
    with pytest.raises(ImageProblem) as caught:
        parse(image() | {"config": descriptor(OCI_CONFIG, size=size)})
    assert caught.value.code == "bad-manifest"


LIMITS = [
    (image(layers=(TAR,) * 128), OCI, DEFAULT_LIMITS, "limit-layers"),
    (image(EMPTY, layers=("a/b",) * 3), OCI, Limits(descriptors=2), "limit-descriptors"),
    (index(*[descriptor(OCI)] * 201), INDEX, DEFAULT_LIMITS, "limit-index-children"),
    (image(), OCI, Limits(manifest_bytes=20), "limit-manifest-bytes"),
    (image(x=[[[[]]]]), OCI, Limits(json_depth=3), "limit-json-depth"),
]


@pytest.mark.parametrize(("document", "media_type", "limits", "code"), LIMITS)
def test_limits(document: object, media_type: str, limits: Limits, code: str) -> None:
    with pytest.raises(LimitExceeded) as caught:
        parse(document, media_type, limits)
    assert caught.value.code == code


def test_127_layers_are_fine() -> None:
    assert len(parse_image(image(layers=(TAR,) * 127)).layers) == 127


def test_folded_keys_are_read_as_go_does_and_reported() -> None:
    other = "sha256:" + "b" * 64
    body = json.dumps(image())[:-1] + f', "Layers": [{json.dumps(descriptor(digest=other) | {"mediaType": TAR})}]}}'
    found = parse_document(body.encode(), OCI, DEFAULT_LIMITS)
    assert isinstance(found, ImageManifest)
    assert found.layers[0].digest == other
    assert ("folding-key", "/layers") in [(note.code, note.where) for note in found.ambiguities]


@pytest.mark.parametrize("key", ["manifests", "Manifests", "manife\u017fts"])
def test_an_index_that_names_its_images_twice_is_refused(key: str) -> None:
    # Go merges both lists, another reader takes one: neither may be judged as if it were the tag.
    other = json.dumps([descriptor(OCI, digest="sha256:" + "b" * 64)])
    body = json.dumps(index(descriptor(OCI)))[:-1] + f', "{key}": {other}}}'
    with pytest.raises(ImageProblem) as problem:
        parse_document(body.encode(), INDEX, DEFAULT_LIMITS)
    assert problem.value.code == "ambiguous-manifest"


# What each thing is: config, layers, artifactType.
KINDS = [
    (OCI_CONFIG, (TAR,), "", None),
    (
        "application/vnd.docker.container.image.v1+json",
        ("application/vnd.docker.image.rootfs.diff.tar.gzip",),
        "",
        None,
    ),
    (OCI_CONFIG, (), "", None),
    (OCI_CONFIG, ("application/vnd.oci.image.layer.nondistributable.v1.tar+gzip", TAR), "", None),
    (OCI_CONFIG, (f"{TAR}+encrypted",), "", None),
    (OCI_CONFIG, (SIGNING,), "", "signature"),
    (OCI_CONFIG, ("application/vnd.in-toto+json",), "", "attestation"),
    (OCI_CONFIG, ("application/vnd.dsse.envelope.v1+json",), "", "attestation"),
    (OCI_CONFIG, ("text/spdx+json",), "", "SBOM"),
    (EMPTY, ("application/vnd.in-toto+json",), "application/vnd.docker.attestation.manifest.v1+json", "attestation"),
    (
        "application/vnd.cncf.helm.config.v1+json",
        ("application/vnd.cncf.helm.chart.content.v1.tar+gzip",),
        "",
        "Helm chart",
    ),
    ("application/vnd.buildkit.cacheconfig.v0", (TAR,), "", "build cache"),
    ("application/vnd.docker.plugin.v1+json", (TAR,), "", "plugin"),
    (EMPTY, ("text/plain",), "application/x-model", "artifact"),
    ("application/vnd.unknown.config.v1+json", (TAR,), "", "artifact"),
    (EMPTY, (EMPTY,), "application/vnd.cncf.notary.signature", "signature"),
]


@pytest.mark.parametrize(("config", "layers", "artifact_type", "kind"), KINDS)
def test_what_can_run(config: str, layers: tuple[str, ...], artifact_type: str, kind: str | None) -> None:
    assert not_runnable(parse_image(image(config, layers, artifactType=artifact_type))) == kind


# A runtime ignores these, so they must not hide an image from judgement.
@pytest.mark.parametrize(
    "disguise",
    [
        {"artifactType": "application/vnd.dev.cosign.artifact.sig.v1+json"},
        {"subject": descriptor(OCI)},
        {"annotations": {"vnd.docker.reference.type": "attestation-manifest"}},
        {"layers": [descriptor(TAR), descriptor(SIGNING)]},
        {"layers": [descriptor("application/x-tar")]},
    ],
)
def test_an_image_in_disguise_is_an_image(disguise: dict[str, object]) -> None:
    assert not_runnable(parse_image(image() | disguise)) is None


@pytest.mark.parametrize(
    ("platform", "annotations", "kind"),
    [
        (Platform("unknown", "unknown"), (("vnd.docker.reference.type", "attestation-manifest"),), "attestation"),
        (Platform("unknown", "unknown"), (), "artifact"),
        (Platform("linux", "amd64"), (("vnd.docker.reference.type", "attestation-manifest"),), "attestation"),
        (None, (), "artifact"),
    ],
)
def test_what_an_index_says_names_an_artifact_and_hides_no_image(
    platform: Platform | None, annotations: tuple[tuple[str, str], ...], kind: str
) -> None:
    found = parse_image(image())
    entry = Descriptor(OCI, found.config.digest, 3, platform, annotations)
    assert not_runnable(found, entry) is None
    assert not_runnable(parse_image(image("application/vnd.example+json")), entry) == kind


@pytest.mark.parametrize(
    ("media_type", "kind"),
    [
        ("application/vnd.oci.image.layer.v1.tar", LayerKind.ROOTFS),
        ("application/vnd.oci.image.layer.v1.tar+zstd", LayerKind.ROOTFS),
        ("application/vnd.docker.image.rootfs.diff.tar.gzip", LayerKind.ROOTFS),
        ("application/vnd.docker.image.rootfs.foreign.diff.tar.gzip", LayerKind.FOREIGN),
        ("application/vnd.oci.image.layer.nondistributable.v1.tar+zstd", LayerKind.FOREIGN),
        ("application/vnd.oci.image.layer.v1.tar+gzip+encrypted", LayerKind.ENCRYPTED),
        ("application/vnd.oci.image.layer.v1.tar+xz", LayerKind.OTHER),
        ("", LayerKind.OTHER),
    ],
)
def test_layer_kinds(media_type: str, kind: LayerKind) -> None:
    assert layer_kind(media_type) is kind


def test_an_old_artifact_manifest_is_an_artifact() -> None:
    kind = "application/vnd.oci.artifact.manifest.v1+json"
    document = {"schemaVersion": 2, "mediaType": kind, "artifactType": "a/b", "blobs": [descriptor("text/plain")]}
    assert not_runnable(parse_image(document, kind)) == "artifact"


def test_urls_are_kept_for_show() -> None:
    found = parse_image(image() | {"layers": [descriptor(urls=["http://169.254.169.254/"])]})
    assert found.layers[0].urls == ("http://169.254.169.254/",)


def test_all_four_types_are_asked_for() -> None:
    assert set(ACCEPT.split(", ")) == {OCI, INDEX, DOCKER, DOCKER_LIST}


keys = st.sampled_from(["schemaVersion", "mediaType", "config", "layers", "Layers", "manifests", "digest", "size"])
leaves = st.none() | st.booleans() | st.integers(-1, 2) | st.sampled_from([OCI, INDEX, DIGEST, ""])


@given(st.recursive(leaves, lambda inner: st.lists(inner, max_size=2) | st.dictionaries(keys, inner, max_size=5)))
def test_no_document_causes_another_error(document: object) -> None:
    for media_type in (OCI, INDEX, ""):
        try:
            found: object = parse(document, media_type)
        except ImageProblem as problem:
            found = problem
        assert isinstance(found, ImageManifest | IndexManifest | ImageProblem)
