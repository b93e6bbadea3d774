"""Targets that read layers: tar, compression, whole layers and their stored form."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator

from scanner.domain.image_config import ImageConfig, Platform
from scanner.domain.limits import Limits
from scanner.domain.problems import ImageProblem
from scanner.filesystem.account_files import account_file
from scanner.filesystem.byte_stream import ByteStream
from scanner.filesystem.compression import decompressed, zstd
from scanner.filesystem.file_facts import file_facts
from scanner.filesystem.layer_codec import VERSION, UnreadableIndex
from scanner.filesystem.layer_index import LayerIndex
from scanner.filesystem.program_head import HEAD_BYTES, program_record
from scanner.filesystem.rootfs import RootFs
from scanner.filesystem.tar import TarReader
from scanner.filesystem.tree_ambiguities import tree_ambiguities
from tests.oracle.generated_archives import archives
from tests.support.archives import END, indexed, pax, pieces
from tests.support.layers import (
    Compression,
    Device,
    Entry,
    File,
    Folder,
    HardLink,
    Opaque,
    Symlink,
    Whiteout,
    compress,
    tar_of,
)

LIMITS = Limits(
    layer_uncompressed_bytes=1 << 20,
    compression_ratio_after_bytes=1 << 16,
    compressed_members=50,
    layer_entries=2_000,
    tar_header_bytes=1 << 14,
    tar_special_headers=20,
    sparse_map_bytes=1 << 12,
    layer_text_bytes=1 << 18,
    account_file_bytes=1 << 14,
    path_steps=50_000,
    implied_paths=5_000,
)
_CONFIG = ImageConfig(
    "app",
    Platform("linux", "amd64"),
    env=("PATH=/bin:/usr/bin",),
    entrypoint=("run",),
    working_dir="/srv",
    volumes=("/data",),
)
_KINDS = frozenset("01234567SZ")
_RATIO = "limit-compression-ratio"
_GZIP = b"\x1f\x8b\x08"
_RESERVED = 0xE0
"""Flags of a gzip header that mean nothing: zlib refuses them, Go and igzip do not."""


def tar(data: bytes) -> None:
    """An archive is read the same however its bytes arrive."""
    archive = _repaired(data)
    whole = _members(archive, 1 << 20)
    assert whole == _members(archive, 511)


def compression(data: bytes) -> None:
    """Unpacking gives the same however the bytes arrive, what zlib gives, and never more than it may."""
    (content, problem), dripping = _unpacked(data, 1 << 20), _unpacked(data, 3)
    # How much came out of how much is looked at between pieces; a broken header may be told as one that is cut.
    assert (content, problem is None) == (dripping[0], dripping[1] is None) or _RATIO in (problem, dripping[1])
    assert len(content) <= LIMITS.layer_uncompressed_bytes
    if data.startswith(_GZIP) and problem is None and not data[3] & _RESERVED:
        first = zlib.decompressobj(wbits=31)
        assert content.startswith(first.decompress(data))
        assert first.eof


def layer(data: bytes) -> None:
    """A layer ends in an index that finds its own nodes, or in a named problem."""
    blob = compress(_repaired(data[1:]), "gzip") if data[:1] == b"g" else _repaired(data)
    try:
        index = indexed(blob, limits=LIMITS)
    except ImageProblem:
        return
    _sound(index)
    assert all(index.find(index.path(node)) == node for node in range(len(index)))
    again = LayerIndex.from_bytes(index.to_bytes())
    assert (again.columns, again.text, dict(again.contents)) == (index.columns, index.text, dict(index.contents))


def tree(data: bytes) -> None:
    """Layers above each other end in facts, or in a named problem."""
    parts = data.split(b"--layer--")[:4]
    try:
        rootfs = RootFs([indexed(_repaired(part), limits=LIMITS) for part in parts], LIMITS)
        passwd = account_file(rootfs, "/etc/passwd")
        account_file(rootfs, "/etc/group")
        found = tree_ambiguities(rootfs)
        file_facts(rootfs, _CONFIG, passwd.content)
    except ImageProblem:
        return
    assert all(one.code for one in found)
    assert len(passwd.content or b"") <= LIMITS.account_file_bytes


def index(data: bytes) -> None:
    """A stored index can be asked anything or is refused, also where its frame is in order and only its inside is not.

    That its names are in order is not asked: a child that lies can do so with an index in which they are.
    """
    for stored in (data, _stored(data)):
        try:
            found = LayerIndex.from_bytes(stored)
        except UnreadableIndex:
            continue
        if len(found) <= 2_000:
            _sound(found)
        assert LayerIndex.from_bytes(found.to_bytes()).columns == found.columns


def program(data: bytes) -> None:
    """A program's record is bounded, and the path in it stands in the program."""
    head = data[:HEAD_BYTES]
    for size in (len(head), len(head) + 10_000) if len(head) == HEAD_BYTES else (len(head),):
        record = program_record(head, size)
        kind, path = record[:1], record[1:]
        assert kind in (b"S", b"E", b"O", b"U")
        assert path in head
        assert kind == b"E" or not {0, 10} & set(path)
        assert path or kind != b"S"


def _repaired(archive: bytes) -> bytes:
    """The same with checksums that hold, which no blind change leaves behind."""
    if not archive.startswith(b"!"):
        return archive
    blocks = bytearray(archive[1:])
    for at in range(0, len(blocks) - 511, 512):
        if blocks[at + 257 : at + 262] == b"ustar":
            blocks[at + 148 : at + 156] = b"        "
            blocks[at + 148 : at + 156] = b"%06o\0 " % sum(blocks[at : at + 512])
    return bytes(blocks)


def _members(archive: bytes, step: int) -> list[tuple[object, ...]]:
    reader = TarReader(ByteStream(pieces(archive, step)), LIMITS)
    said: list[tuple[object, ...]] = []
    try:
        for one in reader:
            assert one.type in _KINDS, one.type
            assert one.size >= 0
            content = reader.read_head(100) if one.size > 1 << 16 else reader.read()
            assert len(content) == min(one.size, 1 << 20) or one.size > 1 << 16 or one.type != "0", one
            said.append((*one, content))
    except ImageProblem as problem:
        said.append((problem.code, problem.message))
    return said


def _unpacked(data: bytes, step: int) -> tuple[bytes, str | None]:
    content = bytearray()
    try:
        for piece in decompressed(pieces(data, step), LIMITS):
            content += piece
    except ImageProblem as problem:
        # How much came before depends on where the pieces end; that it ends in a problem does not.
        return b"", problem.code
    return bytes(content), None


def _sound(index: LayerIndex) -> None:
    for node in range(len(index)):
        assert len(index.path(node)) <= len(index) * len(index.text)
        told = (index.link(node), index.capability(node) or b"", index.program(node) or b"")
        assert sum(map(len, told)) <= 3 * len(index.text)
        assert all(index.columns.parent[child] == node for child in index.children(node))


def _stored(raw: bytes) -> bytes:
    packed: bytes = zstd.compress(raw)
    return struct.pack("<3sBQ", b"PLI", VERSION, len(raw)) + packed


def tar_seeds() -> Iterator[bytes]:
    """Archives in which readers disagree, with checksums to be repaired and without."""
    for number, archive in enumerate(archives(7, 40)):
        yield (b"!" if number % 2 else b"") + archive


def compression_seeds() -> Iterator[bytes]:
    """Whole, cut, several members, and nothing compressed at all."""
    content = _tree() * 3
    forms: tuple[Compression, ...] = ("gzip", "zstd", "plain")
    for form in forms:
        blob = compress(content, form)
        yield from (blob, blob * 2, blob[:-3], blob + bytes(10))
    yield compress(bytes(1 << 19), "gzip")


def layer_seeds() -> Iterator[bytes]:
    """A tree of everything, and a few archives in which readers disagree."""
    yield b"!" + _tree()
    yield b"g!" + _tree()
    yield from (b"!" + archive for archive in archives(11, 12))


def tree_seeds() -> Iterator[bytes]:
    """Two layers, the second of which takes away what the first has."""
    yield b"!" + _tree() + b"--layer--!" + _above()
    yield b"!" + _above() + b"--layer--!" + _tree()
    yield from (b"!" + _tree() + b"--layer--!" + archive for archive in archives(13, 6))


def index_seeds() -> Iterator[bytes]:
    """What is inside of a stored index."""
    stored = indexed(_tree()).to_bytes()
    yield stored
    yield zstd.decompress(stored[12:])


def program_seeds() -> Iterator[bytes]:
    """Scripts, and ELF files of both word sizes and byte orders."""
    yield from (b"#!/bin/sh\n", b"#! /usr/bin/env python\n", b"#!/x" + b"y" * 300, b"#!\n", b"MZ")
    for wide, order in ((2, 1), (1, 1), (2, 2), (1, 2)):
        yield _elf(wide, order)
    yield _elf(2, 1).ljust(HEAD_BYTES, b"\0")


def _elf(wide: int, order: int) -> bytes:
    ident = b"\x7fELF" + bytes([wide, order, 1]) + bytes(9)
    sign = ">" if order == 2 else "<"
    if wide == 2:
        head = struct.pack(sign + "HHIQQQIHHHHHH", 3, 62, 1, 0, 64, 0, 0, 64, 56, 1, 0, 0, 0)
        segment = struct.pack(sign + "IIQQQQQQ", 3, 4, 120, 0, 0, 11, 11, 1)
    else:
        head = struct.pack(sign + "HHIIIIIHHHHHH", 2, 3, 1, 0, 52, 0, 0, 52, 32, 1, 0, 0, 0)
        segment = struct.pack(sign + "IIIIIIII", 3, 84, 0, 0, 11, 11, 4, 1)
    return ident + head + segment + b"/lib/ld.so\0"


def _tree() -> bytes:
    entries: dict[str, Entry] = {
        "etc": Folder(),
        "etc/passwd": File(b"root:x:0:0:root:/root:/bin/sh\napp:x:1000:1000::/home/app:/bin/sh\n"),
        "etc/group": File(b"root:x:0:\napp:x:1000:\n"),
        "etc/sudoers": File(b"app ALL=(ALL) NOPASSWD: ALL\n"),
        "bin": Symlink("usr/bin"),
        "usr/bin/run": File(b"#!/bin/sh\n", 0o755),
        "usr/bin/su": File(_elf(2, 1), 0o4755),
        "usr/bin/ping": File(_elf(2, 1), 0o755, capability=b"\x01\0\0\x02" + bytes([0, 0x20]) + bytes(14)),
        "usr/bin/again": HardLink("usr/bin/su"),
        "data": Folder(0o1777),
        "srv": Symlink("/data"),
        "dev/null": Device(),
    }
    return tar_of(entries)


def _above() -> bytes:
    entries: dict[str, Entry] = {
        "etc/group": Whiteout(),
        "usr": Opaque(),
        "etc/passwd": Symlink("/data/passwd"),
        "data/passwd": File(b"app:x:0:0::/:/bin/sh\n"),
        "srv": Folder(0o700, 5, 5),
    }
    return pax({b"mtime": b"1.5"}) + tar_of(entries)[: -len(END)] + END
