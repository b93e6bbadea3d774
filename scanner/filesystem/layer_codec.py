"""How a layer's tree lies in storage: a version, then one zstd frame.

::

    "PLI" version:u8 unpacked:u64le  zstd( about:u32le JSON  columns…  listed  text  contents… )

Columns are little-endian arrays in the order of ``Columns``, ``listed`` is one of node numbers. The version changes
whenever an old reader would misread, and also when the *reading of layers* changes: then stored layers have to be
indexed again.
"""

from __future__ import annotations

import json
import sys
from array import array
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from itertools import islice
from operator import le, lt
from struct import Struct
from typing import Any

from scanner.filesystem.compression import zstd
from scanner.filesystem.layer_columns import FOLDER, HARD_LINK, ROOT, Columns

VERSION = 3
_MAGIC = b"PLI"
_HEAD = Struct("<3sBQ")
_LENGTH = Struct("<I")
_LARGEST = 1 << 30
_LEVEL = 3


class UnreadableIndex(ValueError):
    """The stored bytes are not a layer index."""


class UnknownIndexVersion(UnreadableIndex):
    """The stored bytes are a layer index of another release; the layer has to be indexed again."""


@dataclass(frozen=True, slots=True)
class Stored:
    """The parts of a layer index. ``about`` holds text and numbers, ``listed`` nodes."""

    about: Mapping[str, Any]
    columns: Columns
    text: bytes
    contents: Mapping[int, bytes]
    listed: array[int] = field(default_factory=lambda: array("I"))


def pack(stored: Stored) -> bytes:
    """Write a layer index."""
    contents = sorted(stored.contents.items())
    about = {
        **stored.about,
        "nodes": len(stored.columns.parent),
        "listed": len(stored.listed),
        "text": len(stored.text),
        "contents": [[node, len(content)] for node, content in contents],
    }
    head = json.dumps(about, separators=(",", ":")).encode()
    parts = [_LENGTH.pack(len(head)), head]
    parts += [_little_endian(getattr(stored.columns, column.name)).tobytes() for column in fields(Columns)]
    parts += [_little_endian(stored.listed).tobytes(), stored.text, *(content for _, content in contents)]
    options = {zstd.CompressionParameter.compression_level: _LEVEL, zstd.CompressionParameter.checksum_flag: 1}
    packer = zstd.ZstdCompressor(options=options)
    length = sum(map(len, parts))
    packer.set_pledged_input_size(length)
    packed = [packer.compress(part) for part in parts]
    return b"".join([_HEAD.pack(_MAGIC, VERSION, length), *packed, packer.flush()])


def unpack(data: bytes) -> Stored:
    """Read a layer index and check that it is sound.

    :raises UnreadableIndex: for damaged data.
    :raises UnknownIndexVersion: for another release's.
    """
    try:
        stored = _parts(_raw(data))
        _check(stored)
    except UnreadableIndex:
        raise
    except (LookupError, TypeError, ValueError, ArithmeticError) as error:
        raise UnreadableIndex("the layer index is malformed") from error
    return stored


def _raw(data: bytes) -> memoryview:
    if len(data) < _HEAD.size or not data.startswith(_MAGIC):
        raise UnreadableIndex("not a layer index")
    _, version, length = _HEAD.unpack_from(data)
    if version != VERSION:
        raise UnknownIndexVersion(f"layer index of version {version}, this release reads {VERSION}")
    if length > _LARGEST:
        raise UnreadableIndex("the layer index is too large")
    unpacker = zstd.ZstdDecompressor()
    try:
        raw = unpacker.decompress(memoryview(data)[_HEAD.size :], length + 1)
    except zstd.ZstdError as error:
        raise UnreadableIndex("the layer index is damaged") from error
    if len(raw) != length or not unpacker.eof or unpacker.unused_data:
        raise UnreadableIndex("the layer index is cut or continued")
    return memoryview(raw)


class _Cursor:
    def __init__(self, raw: memoryview) -> None:
        self._raw = raw
        self._at = 0

    def take(self, length: int) -> memoryview:
        start, self._at = self._at, self._at + length
        if length < 0 or self._at > len(self._raw):
            raise UnreadableIndex("the layer index is too short for what it says")
        return self._raw[start : self._at]

    def numbers(self, values: array[int], count: int) -> array[int]:
        values.frombytes(self.take(count * values.itemsize))
        return _little_endian(values)

    def end(self) -> None:
        if self._at != len(self._raw):
            raise UnreadableIndex("the layer index is longer than it says")


def _parts(raw: memoryview) -> Stored:
    cursor = _Cursor(raw)
    try:
        (length,) = _LENGTH.unpack(cursor.take(_LENGTH.size))
        about = json.loads(bytes(cursor.take(length)))
    except (ValueError, RecursionError) as error:
        raise UnreadableIndex("the layer index has no readable head") from error
    columns = Columns()
    for column in fields(Columns):
        values: array[int] = getattr(columns, column.name)
        setattr(columns, column.name, cursor.numbers(values, about["nodes"]))
    listed = cursor.numbers(array("I"), about["listed"])
    text = bytes(cursor.take(about["text"]))
    contents = {node: bytes(cursor.take(length)) for node, length in about["contents"]}
    cursor.end()
    return Stored(about, columns, text, contents, listed)


def _check(stored: Stored) -> None:
    columns, nodes = stored.columns, len(stored.columns.parent)
    parent = columns.parent
    sound = (
        nodes > 0
        and parent[ROOT] == ROOT
        and columns.kind[ROOT] == FOLDER
        and all(map(lt, islice(parent, 1, None), range(1, nodes)))
        and all(map(le, parent, islice(parent, 1, None)))
        and max(columns.kind) <= HARD_LINK
        and max(map(int.__add__, columns.name_at, columns.name_length)) <= len(stored.text)
        and max(max(columns.link_at), max(columns.capability_at), max(columns.program_at)) <= len(stored.text)
        and max(stored.listed, default=0) < nodes
        and all(0 <= node < nodes for node in stored.contents)
    )
    if not sound:
        raise UnreadableIndex("the layer index contradicts itself")


def _little_endian(values: array[int]) -> array[int]:
    if sys.byteorder == "big":
        values = values[:]
        values.byteswap()
    return values
