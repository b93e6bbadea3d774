"""Where the table of contents of a zstd:chunked layer lies: in a skippable frame that the last frame points to.

The last skippable frame holds little-endian numbers: offset, compressed and unpacked length and type of the table, in
newer ones the same of the tar-split data, and ``GNUlInUx``, which older packers (skopeo 1.9) write with a small n.
podman goes by the annotations of the layer's descriptor.

Source: containers/storage ``pkg/chunked/internal/minimal/compression.go``.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from struct import Struct
from typing import Final

from scanner.domain.limits import Limits
from scanner.domain.problems import LimitExceeded
from scanner.filesystem.compression import zstd
from scanner.filesystem.toc import BadToc

FOOTER_BYTES: Final = 72
"""Of the frame, with its head."""
ANNOTATIONS: Final = (
    "io.github.containers.zstd-chunked.manifest-checksum",
    "io.containers.zstd-chunked.manifest-checksum",  # until containers/storage 1.43
)
"""State the digest of the compressed table."""

POSITION_ANNOTATIONS: Final = (
    "io.github.containers.zstd-chunked.manifest-position",
    "io.containers.zstd-chunked.manifest-position",
)
"""State ``offset:length:unpacked:type``."""

_MAGICS = (b"GNUlInUx", b"GnUlInUx")
_FRAME = Struct("<4xI")
_TABLE = Struct("<QQQQ")
_SKIPPABLE = b"\x2a\x4d\x18"
_SIZES = (64, 40)
_ONLY_TYPE = 1


@dataclass(frozen=True, slots=True)
class Position:
    """Of the compressed table in the blob, in bytes; ``unpacked`` is how long it becomes."""

    offset: int
    length: int
    unpacked: int


def toc_position(tail: bytes) -> Position | None:
    """Where the table lies, by the end of a blob; ``None`` where the blob is not zstd:chunked.

    :param tail: at least its last ``FOOTER_BYTES``.
    """
    if not tail.endswith(_MAGICS):
        return None
    for size in _SIZES:
        frame = tail[-size - _FRAME.size :]
        if len(frame) == size + _FRAME.size and frame[1:4] == _SKIPPABLE and _FRAME.unpack_from(frame) == (size,):
            offset, length, unpacked, kind = _TABLE.unpack_from(frame, _FRAME.size)
            return Position(offset, length, unpacked) if kind == _ONLY_TYPE else None
    return None


def toc_json(packed: bytes, position: Position, limits: Limits) -> bytes:
    """Unpack the table.

    :raises BadToc: where that is none of the stated length.
    :raises LimitExceeded: ``toc_bytes``.
    """
    if position.unpacked > limits.toc_bytes:
        raise LimitExceeded("toc_bytes", limits.toc_bytes, position.unpacked, subject="table of contents of the layer")
    unpacker = zstd.ZstdDecompressor(options={zstd.DecompressionParameter.window_log_max: limits.zstd_window_log})
    try:
        found: bytes = unpacker.decompress(packed, position.unpacked + 1)
    except zstd.ZstdError as error:
        raise BadToc("it cannot be unpacked") from error
    if len(found) != position.unpacked or not unpacker.eof:
        raise BadToc("it has another length than its footer states")
    return found


def toc_digest(packed: bytes) -> str:
    """What ``ANNOTATIONS`` state: of the compressed table."""
    return "sha256:" + hashlib.sha256(packed).hexdigest()
