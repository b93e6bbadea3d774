"""Read a layer's table of contents by range, and of its archive only the account files.

What comes of it is the packer's word: enough to show a violation early, never to show that there is none. Whatever
is not as it should be leads to ``None``, and the layer is read whole: only a full reading says what is wrong with it.
"""

from __future__ import annotations

import hashlib
import re
from bisect import bisect_right
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Final

from scanner.domain.limits import Limits
from scanner.domain.manifest import Descriptor
from scanner.domain.problems import ImageProblem, ScanProblem
from scanner.domain.reference import Digest, RepositoryName
from scanner.filesystem import stargz, zstd_chunked
from scanner.filesystem.byte_stream import ByteStream
from scanner.filesystem.compression import decompressed
from scanner.filesystem.layer_builder import LayerBuilder
from scanner.filesystem.layer_index import LayerIndex
from scanner.filesystem.packed import PackedContents
from scanner.filesystem.toc import BadToc, Span, TocEntry, read_toc
from scanner.filesystem.toc_check import Table, Toc
from scanner.filesystem.zstd_chunked import Position
from scanner.sources.source import RangedSource, Source

_POSITION = re.compile(r"([0-9]{1,18}):([0-9]{1,18}):([0-9]{1,18}):1", re.ASCII)
_TABLE_BYTES: Final = 16 * 1024 * 1024
"""Unpacked. This table is read in the worker itself, which has no memory limit of its own: larger ones are not."""

_PACKED_BYTES: Final = 4 * 1024 * 1024
_FILE_BYTES: Final = 256 * 1024
_FILES: Final = 32
_ELF: Final = b"\x7fELF"
"""The head of a program that tells nothing else: what it needs stays unknown."""

Range = Callable[[int, int], bytes | None]


class _GivenUpError(Exception):
    """Nothing worth to go on with; a full reading names it."""


def read_by_table(
    source: Source, repository: RepositoryName, layer: Descriptor, diff_id: Digest, limits: Limits
) -> LayerIndex | None:
    """The index of a layer by its table of contents; ``None`` where it has none that an annotation vouches for.

    :param diff_id: as the image's config states, which nobody compares.
    :raises SourceProblem: where the registry cannot be asked.
    """
    if not isinstance(source, RangedSource):
        return None

    def part(start: int, length: int) -> bytes | None:
        if start < 0 or length <= 0 or start + length > layer.size:
            raise _GivenUpError
        return source.blob_range(repository, layer.digest, start, length)

    bounds = replace(limits, toc_bytes=min(limits.toc_bytes, _TABLE_BYTES))
    try:
        table = _table(layer, part, bounds)
        return None if table is None else _index(layer, diff_id, table, part, bounds)
    except (_GivenUpError, BadToc, ImageProblem):
        return None


def _table(layer: Descriptor, part: Range, limits: Limits) -> Table | None:
    for position_at, digest_at in zip(zstd_chunked.POSITION_ANNOTATIONS, zstd_chunked.ANNOTATIONS, strict=True):
        position, named = _POSITION.fullmatch(layer.annotation(position_at)), layer.annotation(digest_at)
        if position is not None and named:
            return _chunked_table(Position(*map(int, position.groups())), named, part, limits)
    named = layer.annotation(stargz.ANNOTATION)
    return _stargz_table(layer.size, named, part, limits) if named else None


def _chunked_table(position: Position, named: str, part: Range, limits: Limits) -> Table | None:
    packed = _part(part, position.offset, position.length)
    if zstd_chunked.toc_digest(packed) != named:
        return None
    return Table(zstd_chunked.toc_json(packed, position, limits), named)


def _stargz_table(size: int, named: str, part: Range, limits: Limits) -> Table | None:
    offset = stargz.toc_offset(_part(part, max(0, size - stargz.FOOTER_BYTES), min(size, stargz.FOOTER_BYTES)))
    if offset is None:
        return None
    found = stargz.toc_json(_part(part, offset, size - offset), limits)
    return Table(found, named) if stargz.toc_digest(found) == named else None


def _part(part: Range, start: int, length: int) -> bytes:
    if length > _PACKED_BYTES:
        raise _GivenUpError
    found = part(start, length)
    if found is None:
        raise _GivenUpError
    return found


def _index(layer: Descriptor, diff_id: Digest, table: Table, part: Range, limits: Limits) -> LayerIndex:
    text = table.json.decode("utf-8", "replace")
    # A compressed part ends where the next one begins, at the latest.
    parts = sorted({entry.span.at for entry in read_toc(text)} | {layer.size})
    builder = LayerBuilder(limits)
    files = _Files(part, parts, limits)
    unpacked = 0
    entry: TocEntry | None = None
    for following in (*read_toc(text), None):
        if entry is not None and entry.member is not None:
            files.show(entry, whole=following is None or following.member is not None)
            builder.add(entry.member, files)
            unpacked += entry.member.size
        entry = following
    stored = builder.finish()
    return LayerIndex(
        digest=layer.digest,
        diff_id=diff_id,
        size=layer.size,
        unpacked_size=unpacked,
        entries=builder.entries,
        columns=stored.columns,
        text=stored.text,
        contents=PackedContents(stored.contents),
        listed=stored.listed,
        toc=Toc(table.digest),
        from_toc=True,
    )


@dataclass(slots=True)
class _Files:
    """Fetches the bytes of the few files that are wanted, and believes them only if they have the table's digest."""

    part: Range
    parts: list[int]
    limits: Limits
    left: int = _FILES
    _size: int = 0
    _span: Span = field(default_factory=lambda: Span(0, 0, ""))
    _whole: bool = True

    def show(self, entry: TocEntry, *, whole: bool) -> None:
        """Make this the file at hand.

        :param whole: no further chunk of it follows.
        """
        self._size, self._span, self._whole = (entry.member.size if entry.member else 0), entry.span, whole

    def read_head(self, length: int) -> bytes:
        """Nothing: there may be thousands of programs."""
        return _ELF[:length]

    def read(self) -> bytes:
        """All bytes of the file at hand."""
        if not self._size:
            return b""
        self.left -= 1
        if self.left < 0 or not self._whole or self._size > _FILE_BYTES or self._span.offset:
            raise _GivenUpError
        start = self._span.at
        end = self.parts[bisect_right(self.parts, start)] if start < self.parts[-1] else start
        if end - start > _PACKED_BYTES or self._span.inner > _FILE_BYTES:
            raise _GivenUpError
        content = self._unpacked(_part(self.part, start, end - start))
        if "sha256:" + hashlib.sha256(content).hexdigest() != self._span.digest:
            raise _GivenUpError
        return content

    def _unpacked(self, packed: bytes) -> bytes:
        """A part may be followed by bytes of the next one's header, which belong to nobody."""
        stream = ByteStream(decompressed(iter([packed]), self.limits))
        try:
            stream.take(self._span.inner)
            return stream.take(self._size)
        except ScanProblem as problem:
            raise _GivenUpError from problem
