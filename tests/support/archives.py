"""Tar bytes written by hand: the archives no writer would make."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from scanner.domain.limits import DEFAULT_LIMITS, Limits
from scanner.domain.reference import Digest
from scanner.filesystem.layer_index import LayerIndex, index_layer
from scanner.filesystem.rootfs import RootFs
from tests.support.layers import Entry, layer, sha256

END = bytes(1024)
Patch = tuple[int, bytes]


def header(
    name: bytes, kind: bytes = b"0", size: int = 0, *, link: bytes = b"", patches: Sequence[Patch] = ()
) -> bytes:
    """One USTAR header block; ``patches`` overwrite bytes before the checksum is taken."""
    block = bytearray(512)
    _write(block, (0, name), (100, b"0000644\0"), (108, b"0000000\0"), (116, b"0000000\0"), (124, b"%011o\0" % size))
    _write(block, (136, b"00000000000\0"), (156, kind), (157, link), (257, b"ustar\x0000"), *patches)
    _write(block, (148, b"        "))
    _write(block, (148, b"%06o\0 " % sum(block)))
    return bytes(block)


def _write(block: bytearray, *patches: Patch) -> None:
    for at, content in patches:
        block[at : at + len(content)] = content


def member(
    name: bytes, content: bytes = b"", kind: bytes = b"0", *, link: bytes = b"", patches: Sequence[Patch] = ()
) -> bytes:
    """A header with its padded content."""
    return header(name, kind, len(content), link=link, patches=patches) + padded(content)


def padded(content: bytes) -> bytes:
    return content + bytes(-len(content) % 512)


def record(key: bytes, value: bytes) -> bytes:
    """One PAX record, whose length counts itself."""
    rest = len(key) + len(value) + 3
    length = rest + len(str(rest))
    if rest + len(str(length)) != length:
        length = rest + len(str(length))
    return b"%d %b=%b\n" % (length, key, value)


def pax(records: Mapping[bytes, bytes], kind: bytes = b"x") -> bytes:
    """An extended (``x``) or global (``g``) header."""
    return member(b"PaxHeaders/x", b"".join(record(*item) for item in records.items()), kind)


def pieces(content: bytes, size: int = 1 << 16) -> Iterator[bytes]:
    """The content as a source would stream it."""
    return iter([content[at : at + size] for at in range(0, len(content), size)])


def indexed(
    blob: bytes, *, limits: Limits = DEFAULT_LIMITS, keep: Sequence[bytes] = (), step: int = 1 << 16
) -> LayerIndex:
    """The index of a blob that is what its digest says."""
    return index_layer(
        pieces(blob, step), digest=Digest(sha256(blob)), size=len(blob), diff_id=None, limits=limits, keep=keep
    )


def rootfs(*layers: Mapping[str, Entry] | bytes, limits: Limits = DEFAULT_LIMITS) -> RootFs:
    """The tree of some layers, bottom first; bytes are an archive as it is."""
    blobs = [item if isinstance(item, bytes) else layer(item, "plain").blob for item in layers]
    return RootFs([indexed(blob, limits=limits) for blob in blobs], limits)
