"""The document types a scanner asks for.

Without this Accept header some registries convert what they have to an older form, which has another digest.
"""

from __future__ import annotations

OCI_INDEX = "application/vnd.oci.image.index.v1+json"
OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
DOCKER_INDEX = "application/vnd.docker.distribution.manifest.list.v2+json"
DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"

ACCEPT_DOCUMENT = ", ".join((OCI_INDEX, DOCKER_INDEX, OCI_MANIFEST, DOCKER_MANIFEST))


def bare_media_type(header: str | None) -> str:
    """Return a Content-Type without its parameters, in lower case; empty when there is none."""
    return (header or "").partition(";")[0].strip().lower()
