"""What calls itself an artifact and is an image all the same.

Media types are the uploader's word. Docker 20.10 runs a manifest whose config is of any type (``application/json`` or
none under a Docker manifest, anything under an OCI one) and whose layers are of any type, an attestation's too, as soon
as the config's ``rootfs`` fits the layers and the layers are archives. Seen with a real engine. So a thing counts as an
artifact only where its bytes, too, are none that an engine unpacks.
"""

from __future__ import annotations

from scanner.domain.image_config import parse_image_config
from scanner.domain.limits import Limits
from scanner.domain.manifest import EMPTY_CONFIG, Descriptor, ImageManifest
from scanner.domain.problems import ImageProblem, LimitExceeded
from scanner.domain.reference import RepositoryName
from scanner.filesystem.archive import Blob
from scanner.filesystem.byte_stream import ByteStream
from scanner.filesystem.tar import checksum_holds
from scanner.sources.source import Source

_BLOCK = 512
# What moby's archive package unpacks: gzip, bzip2, xz, zstd (also its skippable frames).
_MAGICS = (
    b"\x1f\x8b",
    b"BZh",
    b"\xfd7zXZ\0",
    b"\x28\xb5\x2f\xfd",
    *(bytes([low]) + b"\x2a\x4d\x18" for low in range(0x50, 0x60)),
)


def refuse_disguise(
    source: Source, repository: RepositoryName, manifest: ImageManifest, kind: str, limits: Limits
) -> None:
    """Make sure that no engine could start what its media types call something else.

    :param kind: what they call it, in words.
    :raises ImageProblem: ``disguised-image`` where one could.
    :raises LimitExceeded: for a config or a layer that is too large to be looked at.
    """
    if not manifest.layers or manifest.config.digest == EMPTY_CONFIG:
        return
    if not _fits(config_bytes(source, repository, manifest.config, limits), manifest, limits):
        return
    if all(_unpacks(source, repository, layer, limits) for layer in manifest.layers):
        raise ImageProblem(
            "disguised-image",
            f"its media types call it {kind}, but config and layers are those of an image: Docker runs it",
            remedy="Find out who pushed it. If it is meant to run, push it with the media types of an image.",
        )


def config_bytes(source: Source, repository: RepositoryName, config: Descriptor, limits: Limits) -> bytes:
    """Read a config and verify it.

    :raises LimitExceeded: ``config_bytes``.
    """
    if config.size > limits.config_bytes:
        raise LimitExceeded("config_bytes", limits.config_bytes, config.size, subject="image config")
    with source.blob(repository, config.digest, config.size) as chunks:
        # ``Blob`` stops at the first byte too many, so this join is as bounded as the size just checked.
        return b"".join(Blob(chunks, config.digest, config.size))


def _fits(config: bytes, manifest: ImageManifest, limits: Limits) -> bool:
    """Whether an engine takes the config for that of an image with these layers."""
    try:
        found, _ = parse_image_config(config, limits)
    except LimitExceeded:
        raise
    except ImageProblem:
        return False
    return len(found.diff_ids) == len(manifest.layers)


def _unpacks(source: Source, repository: RepositoryName, layer: Descriptor, limits: Limits) -> bool:
    """Whether a blob begins like an archive; one that does not is read to its end, so that the bytes are verified."""
    if layer.size > limits.layer_compressed_bytes:
        allowed = limits.layer_compressed_bytes
        raise LimitExceeded("layer_compressed_bytes", allowed, layer.size, subject=f"layer {layer.digest}")
    with source.blob(repository, layer.digest, layer.size) as chunks:
        stream = ByteStream(Blob(chunks, layer.digest, layer.size))
        head = stream.take(_BLOCK)
        if _is_archive(head):
            return True
        stream.drain()
    return False


def _is_archive(head: bytes) -> bool:
    if not head or head.startswith(_MAGICS):
        return True  # a file of no bytes is an archive of no entries
    return len(head) == _BLOCK and (not any(head) or checksum_holds(head))
