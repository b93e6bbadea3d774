"""Layers are unpacked by what their bytes say, never by what their media type says.

containerd and moby look at the first bytes; so do we. Both of the formats in use are sequences: a gzip stream has
one or more *members* (eStargz has one per file), a zstd stream one or more *frames*, some of them skippable. A reader
that stops after the first is blind to the rest, and a reader that does not notice a missing end believes a cut
download. Nothing here returns more than ``PIECE`` bytes at once, whatever the input says.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Protocol

from scanner.domain.limits import Limits
from scanner.domain.problems import ImageProblem, LimitExceeded

try:
    from compression import zstd  # type: ignore[import-not-found, unused-ignore]  # in the standard library since 3.14
except ImportError:
    from backports import zstd

igzip_lib: Any = None
with suppress(ImportError):  # without it: more than twice as slow, and otherwise the same
    from isal import igzip_lib

__all__ = ["PIECE", "Meter", "ZlibPart", "decompressed", "zstd"]

PIECE = 512 * 1024
_FEED = 128 * 1024
# What a part leaves over is copied, so one that may be tiny gets little at first: a layer can have a million of them.
_SIP = 4 * 1024
_LONGEST_MAGIC = 6

_GZIP = b"\x1f\x8b\x08"
_ZSTD = b"\x28\xb5\x2f\xfd"
_ZSTD_SKIPPABLE = b"\x2a\x4d\x18"
_UNSUPPORTED = {b"BZh": "bzip2", b"\xfd7zXZ\0": "xz"}


class Part(Protocol):
    """A decompressor of one gzip member or one zstd frame."""

    @property
    def eof(self) -> bool: ...
    @property
    def needs_input(self) -> bool: ...
    @property
    def unused_data(self) -> bytes: ...
    def decompress(self, data: bytes, max_length: int) -> bytes: ...


class ZlibPart:
    """``zlib`` with the face that ``isal`` and ``zstd`` share."""

    def __init__(self) -> None:
        self._inflate = zlib.decompressobj(31)
        self.needs_input = True

    @property
    def eof(self) -> bool:
        return self._inflate.eof

    @property
    def unused_data(self) -> bytes:
        return self._inflate.unused_data

    def decompress(self, data: bytes, max_length: int) -> bytes:
        out = self._inflate.decompress(self._inflate.unconsumed_tail + data, max_length)
        # zlib may hold finished output back without holding input back, so a full answer always means "ask again".
        self.needs_input = not self._inflate.unconsumed_tail and len(out) < max_length
        return out


@dataclass(frozen=True, slots=True)
class _Format:
    problem: str
    open: Callable[[], Part]
    error: type[Exception]


def _gzip_format() -> _Format:
    if igzip_lib is None:
        return _Format("bad-gzip", ZlibPart, zlib.error)
    lib = igzip_lib
    error: type[Exception] = lib.IsalError
    return _Format("bad-gzip", lambda: lib.IgzipDecompressor(flag=lib.DECOMP_GZIP), error)


def _zstd_format(limits: Limits) -> _Format:
    options = {zstd.DecompressionParameter.window_log_max: limits.zstd_window_log}
    return _Format("bad-zstd", lambda: zstd.ZstdDecompressor(options=options), zstd.ZstdError)


class Meter:
    """Counts what goes in and comes out, and stops a bomb by name."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self.taken = 0
        self.given = 0
        self._parts = 0

    def part(self) -> None:
        """Count one gzip member or zstd frame.

        :raises LimitExceeded: for too many.
        """
        self._parts += 1
        if self._parts > self._limits.compressed_members:
            raise LimitExceeded("compressed_members", self._limits.compressed_members, self._parts, subject="layer")

    def give(self, length: int) -> None:
        """Count output bytes.

        :raises LimitExceeded: for too many, or too many for the input so far.
        """
        self.given += length
        limits = self._limits
        if self.given > limits.layer_uncompressed_bytes:
            raise LimitExceeded(
                "layer_uncompressed_bytes", limits.layer_uncompressed_bytes, self.given, subject="unpacked layer"
            )
        if self.given > limits.compression_ratio_after_bytes and self.given > limits.compression_ratio * self.taken:
            after = limits.compression_ratio_after_bytes
            found = f"{self.given} bytes from {self.taken}, over PLIMSOLL_COMPRESSION_RATIO_AFTER_BYTES ({after}),"
            raise LimitExceeded("compression_ratio", limits.compression_ratio, found, subject="unpacked layer")


def decompressed(chunks: Iterator[bytes], limits: Limits) -> Iterator[bytes]:
    """Unpack a gzip, zstd or plain stream, in pieces of at most ``PIECE`` bytes.

    :raises ImageProblem: ``bad-gzip``, ``bad-zstd``, ``truncated-layer``, ``unsupported-compression``.
    :raises LimitExceeded: for sizes, ratio and number of parts.
    """
    head = b""
    for chunk in chunks:
        head += chunk
        if len(head) >= _LONGEST_MAGIC:
            break
    meter = Meter(limits)
    pieces = _pieces(head, chunks)
    form = _recognize(head, limits)
    return _plain(pieces, meter) if form is None else _unpacked(pieces, form, meter)


def _recognize(head: bytes, limits: Limits) -> _Format | None:
    for magic, name in _UNSUPPORTED.items():
        if head.startswith(magic):
            raise ImageProblem(
                "unsupported-compression",
                f"the layer is compressed with {name}, which containerd does not unpack",
                remedy="Build the image again with gzip or zstd layers.",
            )
    if head.startswith(_GZIP):
        return _gzip_format()
    skippable = len(head) >= 4 and head[1:4] == _ZSTD_SKIPPABLE and 0x50 <= head[0] <= 0x5F
    return _zstd_format(limits) if skippable or head.startswith(_ZSTD) else None


def _pieces(head: bytes, chunks: Iterator[bytes]) -> Iterator[bytes]:
    # Decompressors copy what they do not use, so a source's huge chunk is fed in slices.
    for start in range(0, len(head), _FEED):
        yield head[start : start + _FEED]
    for chunk in chunks:
        if len(chunk) <= _FEED:
            yield chunk
            continue
        for start in range(0, len(chunk), _FEED):
            yield chunk[start : start + _FEED]


def _plain(pieces: Iterator[bytes], meter: Meter) -> Iterator[bytes]:
    for piece in pieces:
        meter.taken += len(piece)
        meter.give(len(piece))
        yield piece


def _unpacked(pieces: Iterator[bytes], form: _Format, meter: Meter) -> Iterator[bytes]:
    part: Part | None = None
    length = _SIP
    for piece in pieces:
        meter.taken += len(piece)
        at = 0
        while at < len(piece):
            if part is None:
                part, length = form.open(), _SIP
                meter.part()
            data = piece[at : at + length]
            yield from _outputs(part, data, form, meter)
            at += len(data)
            length = min(2 * length, _FEED)
            if part.eof:
                at -= len(part.unused_data)
                part = None
    if part is not None:
        raise ImageProblem("truncated-layer", f"the compressed layer ends in the middle, after {meter.given} bytes")


def _outputs(part: Part, data: bytes, form: _Format, meter: Meter) -> Iterator[bytes]:
    while True:
        try:
            out = part.decompress(data, PIECE)
        except form.error as error:
            if "not enough memory" in str(error):  # ours to give, and no fault of the layer's bytes
                raise MemoryError from error
            raise _unreadable(form, error, meter) from error
        if out:
            meter.give(len(out))
            yield out
        if part.eof or part.needs_input:
            return
        data = b""


def _unreadable(form: _Format, error: Exception, meter: Meter) -> ImageProblem:
    if "requires too much memory" in str(error):
        return ImageProblem(
            "limit-zstd-window-log",
            "the layer's zstd window is larger than zstd_window_log allows",
            remedy="If this image is meant to be like this, raise PLIMSOLL_ZSTD_WINDOW_LOG.",
        )
    return ImageProblem(form.problem, f"the layer cannot be unpacked after {meter.given} bytes: {error}")
