"""Media types of the OCI and Docker image formats, and what can be done with each.

Source: OCI image-spec ``layer.md``, ``manifest.md``; distribution ``manifest-v2-2.md``; and the documents of the tools
that store other things as images.
"""

from __future__ import annotations

from enum import StrEnum

OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
OCI_INDEX = "application/vnd.oci.image.index.v1+json"
DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
DOCKER_LIST = "application/vnd.docker.distribution.manifest.list.v2+json"
OCI_ARTIFACT = "application/vnd.oci.artifact.manifest.v1+json"

MANIFEST_MEDIA_TYPES = (OCI_MANIFEST, DOCKER_MANIFEST)
INDEX_MEDIA_TYPES = (OCI_INDEX, DOCKER_LIST)
SCHEMA1_MEDIA_TYPES = (
    "application/vnd.docker.distribution.manifest.v1+json",
    "application/vnd.docker.distribution.manifest.v1+prettyjws",
)
ACCEPT = ", ".join((*MANIFEST_MEDIA_TYPES, *INDEX_MEDIA_TYPES))
"""The Accept header: without it some registries convert, or say that there is nothing."""

OCI_CONFIG = "application/vnd.oci.image.config.v1+json"
DOCKER_CONFIG = "application/vnd.docker.container.image.v1+json"
CONFIG_MEDIA_TYPES = (OCI_CONFIG, DOCKER_CONFIG)

_OCI_LAYER = "application/vnd.oci.image.layer.v1.tar"
_OCI_FOREIGN = "application/vnd.oci.image.layer.nondistributable.v1.tar"
_DOCKER_LAYER = "application/vnd.docker.image.rootfs.diff.tar"
_DOCKER_FOREIGN = "application/vnd.docker.image.rootfs.foreign.diff.tar"

_ROOTFS = frozenset(
    {
        *(f"{_OCI_LAYER}{packing}" for packing in ("", "+gzip", "+zstd")),
        *(f"{_DOCKER_LAYER}{packing}" for packing in ("", ".gzip", ".zstd")),
    }
)
_FOREIGN = frozenset(
    {
        *(f"{_OCI_FOREIGN}{packing}" for packing in ("", "+gzip", "+zstd")),
        *(f"{_DOCKER_FOREIGN}{packing}" for packing in ("", ".gzip", ".zstd")),
    }
)
_ENCRYPTED = "+encrypted"


class LayerKind(StrEnum):
    """What a layer's media type promises. Only ``ROOTFS`` can be read; the others leave the image *unknown*."""

    ROOTFS = "rootfs"
    FOREIGN = "foreign"  # kept elsewhere: its ``urls`` are never fetched (CVE-2020-15157)
    ENCRYPTED = "encrypted"
    OTHER = "other"


def layer_kind(media_type: str) -> LayerKind:
    """What a layer of this type is."""
    if media_type.endswith(_ENCRYPTED):
        return LayerKind.ENCRYPTED
    if media_type in _ROOTFS:
        return LayerKind.ROOTFS
    return LayerKind.FOREIGN if media_type in _FOREIGN else LayerKind.OTHER


ARTIFACT_KINDS = {
    "application/vnd.docker.attestation.manifest.v1+json": "attestation",
    "application/vnd.in-toto+json": "attestation",
    "application/vnd.in-toto.bundle": "attestation",
    "application/vnd.dsse.envelope.v1+json": "attestation",
    "application/vnd.dev.cosign.artifact.sig.v1+json": "signature",
    "application/vnd.dev.cosign.simplesigning.v1+json": "signature",
    "application/vnd.dev.sigstore.bundle+json": "signature",
    "application/vnd.dev.sigstore.bundle.v0.3+json": "signature",
    "application/vnd.cncf.notary.signature": "signature",
    "application/jose+json": "signature",
    "application/cose": "signature",
    "application/vnd.dev.cosign.artifact.sbom.v1+json": "SBOM",
    "application/vnd.cyclonedx": "SBOM",
    "application/vnd.cyclonedx+json": "SBOM",
    "application/vnd.cyclonedx+xml": "SBOM",
    "application/spdx+json": "SBOM",
    "text/spdx": "SBOM",
    "text/spdx+json": "SBOM",
    "text/spdx+xml": "SBOM",
    "application/vnd.syft+json": "SBOM",
    "application/vnd.cncf.helm.config.v1+json": "Helm chart",
    "application/vnd.cncf.helm.chart.content.v1.tar+gzip": "Helm chart",
    "application/vnd.cncf.helm.chart.provenance.v1.prov": "Helm chart",
    "application/vnd.buildkit.cacheconfig.v0": "build cache",
    "application/vnd.docker.plugin.v1+json": "plugin",
}
"""What a document holds, by the type of its artifact, its config or one of its layers, in plain words."""
