"""What one hostile image is, what must come of it, and the pieces most of them are made of."""

from __future__ import annotations

import hashlib
import os
import zlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace

from scanner.filesystem.compression import zstd
from tests.support.images import OCI_CONFIG, OCI_MANIFEST, Json, Stored, blob_descriptor, compact_json, image
from tests.support.layers import OCI_LAYER, Entry, File, Folder, Layer, compress, layer, layer_from_tar, sha256

FACTOR = int(os.environ.get("PLIMSOLL_HOSTILE_FACTOR", "1"))
SECONDS = 60.0
"""What no image may take longer than."""

PASSWD = b"root:x:0:0:root:/root:/bin/sh\napp:x:1001:1001:App:/home/app:/bin/sh\n"
GROUP = b"root:x:0:\napp:x:1001:\n"
ACCOUNTS: Mapping[str, Entry] = {"etc": Folder(), "etc/passwd": File(PASSWD), "etc/group": File(GROUP)}
HOME: Mapping[str, Entry] = {"home": Folder(), "home/app": Folder(0o755, 1001, 1001)}
PROGRAM: Mapping[str, Entry] = {"app": Folder(), "app/run": File(b"\x7fELF" + bytes(60), 0o755)}
BASE = layer({**ACCOUNTS, **HOME, **PROGRAM})

PASS, FAIL, UNKNOWN, NOT_APPLICABLE = "pass", "fail", "unknown", "not_applicable"


@dataclass(frozen=True, slots=True)
class Case:
    """One image.

    :param id: ``A-01/long-s``: the attack and which of its forms.
    :param make: the image; called when its turn comes.
    :param expect: a verdict, or the code of a problem; several with ``|`` where chance decides which.
    :param limits: what ``Limits`` differs in.
    :param faults: what the registry does wrong meanwhile.
    """

    id: str
    make: Callable[[], Stored]
    expect: str
    limits: Mapping[str, float] = field(default_factory=dict)
    faults: Mapping[str, object] = field(default_factory=dict)
    seconds: float = SECONDS

    @property
    def group(self) -> str:
        """The attack alone."""
        return self.id.partition("/")[0]


def cases(group: str, found: Iterable[tuple[str, Callable[[], Stored], str]], **limits: float) -> list[Case]:
    """One case for each name, maker and expectation."""
    return [Case(f"{group}/{name}", make, expect, limits) for name, make, expect in found]


def run(*layers: Layer, user: str | None = "1001:1001") -> Stored:
    """An image that would pass, but for its layers."""
    return image(layers or [BASE], user=user, workdir="/", entrypoint=["/app/run"])


def on_base(*layers: Layer, user: str | None = "1001:1001") -> Callable[[], Stored]:
    return lambda: run(BASE, *layers, user=user)


def with_tar(archive: bytes) -> Callable[[], Stored]:
    """The base, and above it an archive as it is."""
    return lambda: run(BASE, layer_from_tar(archive))


def with_blob(blob: bytes, unpacked: bytes = b"") -> Callable[[], Stored]:
    """The base, and above it a compressed layer as it is."""
    return lambda: run(BASE, Packed(b"", blob, f"{OCI_LAYER}+gzip", sha256(unpacked)))


@dataclass(frozen=True, slots=True)
class Packed(Layer):
    """A layer whose archive is too large to be held, or is none."""

    unpacked: str = ""

    @property
    def diff_id(self) -> str:
        return self.unpacked


def packed(chunks: Iterable[bytes], level: int = 1) -> Packed:
    """A gzip layer of an archive that is never held whole."""
    packer, hashed, parts = zlib.compressobj(level, wbits=31), hashlib.sha256(), []
    for chunk in chunks:
        hashed.update(chunk)
        parts.append(packer.compress(chunk))
    return Packed(b"", b"".join([*parts, packer.flush()]), f"{OCI_LAYER}+gzip", f"sha256:{hashed.hexdigest()}")


def repeated(piece: bytes, times: int, last: bytes) -> bytes:
    """Many gzip members that are all the same, and one more."""
    return compress(piece, "gzip") * times + compress(last, "gzip")


def config_document(process: str, *, extra: str = "") -> bytes:
    """The base's config, of which the ``config`` member, and what follows it, are text as it is."""
    about = f'"architecture":"amd64","os":"linux","rootfs":{{"type":"layers","diff_ids":["{BASE.diff_id}"]}}'
    return f"{{{about},{process}{extra}}}".encode("utf-8", "surrogateescape")


def manifest_of(config: bytes, **changes: object) -> Stored:
    """A manifest around a config and the base; ``changes`` replace its members."""
    document: Json = {
        "schemaVersion": 2,
        "mediaType": OCI_MANIFEST,
        "config": blob_descriptor(OCI_CONFIG, config),
        "layers": [blob_descriptor(BASE.media_type, BASE.blob)],
        **changes,
    }
    return Stored(compact_json(document), OCI_MANIFEST, {sha256(config): config, BASE.digest: BASE.blob}, config=config)


def lying(stored: Stored, digest: str, content: bytes) -> Stored:
    """The registry gives other bytes for a blob than its digest says."""
    return replace(stored, blobs={**stored.blobs, digest: content})


def zstd_frame(content: bytes, window_log: int) -> bytes:
    """A zstd frame that wants a window of this size."""
    parameter = zstd.CompressionParameter
    packer = zstd.ZstdCompressor(options={parameter.window_log: window_log, parameter.compression_level: 1})
    return bytes(packer.compress(content) + packer.flush())
