"""Does a layer's table of contents say what its archive says?

Docker unpacks the archive; a runtime that pulls lazily goes by the table. Where they differ, two runtimes see two
images. A full reading of the layer holds both, so they are compared in the same pass: the table lies in the blob's
last bytes, which are kept while they go by. What the table says of a file's bytes is its digests, which are checked
for the files whose bytes are kept anyway: accounts and sudoers.
"""

from __future__ import annotations

import hashlib
from collections import deque
from collections.abc import Callable, Container, Iterator
from dataclasses import dataclass, field
from typing import Final, Protocol

from scanner.domain.limits import Limits
from scanner.domain.problems import LimitExceeded, ScanProblem
from scanner.filesystem import stargz, zstd_chunked
from scanner.filesystem.kept_contents import Content
from scanner.filesystem.layer_builder import LayerBuilder
from scanner.filesystem.layer_codec import Stored
from scanner.filesystem.layer_columns import FILE, ROOT, Columns
from scanner.filesystem.paths import clean, shown
from scanner.filesystem.toc import NO_TEXT, BadToc, Span, TocEntry, read_toc

_PACKED_PART: Final = 4
"""A compressed table is looked for in this fraction of ``toc_bytes`` at the blob's end."""

_LONGEST: Final = 1_000


@dataclass(frozen=True, slots=True)
class Toc:
    """A layer's table of contents.

    :param digest: what an annotation of the layer's descriptor must state.
    :param differs: where it does not say what the archive says, in words; ``""`` where it does.
    """

    digest: str
    differs: str = ""


class Tail:
    """An iterator of chunks that keeps the last bytes of what passed."""

    def __init__(self, chunks: Iterator[bytes], most: int) -> None:
        self._chunks = chunks
        self._most = most
        self._kept: deque[bytes] = deque()
        self._held = 0
        self.size = 0

    def __iter__(self) -> Iterator[bytes]:
        for chunk in self._chunks:
            self.size += len(chunk)
            self._held += len(chunk)
            self._kept.append(chunk)
            while self._held - len(self._kept[0]) >= self._most:
                self._held -= len(self._kept.popleft())
            yield chunk

    def last(self, length: int) -> bytes:
        """So many last bytes, fewer of a shorter blob."""
        parts: list[bytes] = []
        for chunk in reversed(self._kept):
            if length <= 0:
                break
            parts.append(chunk[-length:])
            length -= len(chunk)
        return b"".join(reversed(parts))

    def since(self, offset: int) -> bytes | None:
        """Everything from an offset on; ``None`` where that is not kept or there is nothing."""
        length = self.size - offset
        return self.last(length) if 0 < length <= self._held else None


@dataclass(slots=True)
class Witness:
    """The content of members, remembered where it was read whole."""

    content: Content
    contents: dict[bytes, bytes] = field(default_factory=dict)
    _last: bytes | None = None

    def read(self) -> bytes:
        """All bytes of the member at hand."""
        self._last = self.content.read()
        return self._last

    def read_head(self, length: int) -> bytes:
        """Its first bytes."""
        return self.content.read_head(length)

    def settle(self, name: bytes, limits: Limits) -> None:
        """The member of this name is done with."""
        if self._last is not None:
            self.contents[clean(name, limits)] = self._last
            self._last = None


class Tree(Protocol):
    """What of a ``LayerIndex`` is compared."""

    @property
    def columns(self) -> Columns: ...
    def children(self, node: int) -> range: ...
    def name(self, node: int) -> bytes: ...
    def path(self, node: int) -> bytes: ...
    def link(self, node: int) -> bytes: ...
    def capability(self, node: int) -> bytes | None: ...


@dataclass(frozen=True, slots=True)
class Table:
    """A table's text, and its digest as an annotation states it."""

    json: bytes
    digest: str


def find_table(tail: Tail, limits: Limits) -> Table | None:
    """The table of contents of a blob that went by; ``None`` where it has none.

    :raises BadToc: where the footer points to something else.
    :raises LimitExceeded: ``toc_bytes``.
    """
    end = tail.last(zstd_chunked.FOOTER_BYTES)
    offset = stargz.toc_offset(end)
    if offset is not None:
        found = stargz.toc_json(_since(tail, offset, limits), limits)
        return Table(found, stargz.toc_digest(found))
    position = zstd_chunked.toc_position(end)
    if position is None:
        return None
    packed = _since(tail, position.offset, limits)[: position.length]
    return Table(zstd_chunked.toc_json(packed, position, limits), zstd_chunked.toc_digest(packed))


def _since(tail: Tail, offset: int, limits: Limits) -> bytes:
    found = tail.since(offset)
    if found is None and offset < tail.size:
        allowed, needed = limits.toc_bytes, (tail.size - offset) * _PACKED_PART
        raise LimitExceeded("toc_bytes", allowed, needed, subject="table of contents of the layer")
    if found is None:
        raise BadToc("its footer points behind the end of the blob")
    return found


def kept_bytes(limits: Limits) -> int:
    """How much of a blob's end is kept."""
    return max(zstd_chunked.FOOTER_BYTES, limits.toc_bytes // _PACKED_PART)


class _NoContent:
    def read(self) -> bytes:
        return b""

    def read_head(self, length: int) -> bytes:
        return b""


@dataclass(slots=True)
class TocTree:
    """What a table says: a builder that has taken its entries, and the spans of the files that are looked into."""

    builder: LayerBuilder
    spans: dict[bytes, list[Span]] = field(default_factory=dict)


def toc_tree(table: Table, wanted: Container[bytes], limits: Limits) -> TocTree:
    """Build the tree of a table.

    :param wanted: paths whose spans are kept.
    :raises BadToc: for what no runtime could use.
    :raises LimitExceeded: for limits of layers.
    """
    tree, no_content = TocTree(LayerBuilder(limits)), _NoContent()
    try:
        for entry in read_toc(table.json.decode("utf-8", "replace")):
            if entry.member is not None:
                tree.builder.add(entry.member, no_content)
            _note_span(tree, entry, wanted, limits)
    except LimitExceeded:
        raise
    except ScanProblem as problem:
        raise BadToc(problem.message) from problem
    return tree


def _note_span(tree: TocTree, entry: TocEntry, wanted: Container[bytes], limits: Limits) -> None:
    path = clean(entry.name, limits)
    if path not in wanted:
        return
    if entry.member is None:
        tree.spans.setdefault(path, []).append(entry.span)
    else:
        tree.spans[path] = [entry.span]


def check_toc(
    archive: Tree, tail: Tail, contents: dict[bytes, bytes], grow: Callable[[Stored], Tree], limits: Limits
) -> Toc | None:
    """Compare the table of contents at a blob's end with the archive; ``None`` where there is none.

    :param contents: what the archive has at some paths.
    :param grow: makes a tree of what a builder collected.
    :raises LimitExceeded: ``toc_bytes``, and limits of layers.
    """
    digest = ""
    try:
        table = find_table(tail, limits)
        if table is None:
            return None
        digest = table.digest
        tree = toc_tree(table, contents, limits)
    except BadToc as bad:
        return Toc(digest, f"the table of contents cannot be read: {bad}"[:_LONGEST])
    differs = difference(archive, grow(tree.builder.finish())) or wrong_content(contents, tree.spans)
    return Toc(digest, differs[:_LONGEST])


def difference(archive: Tree, table: Tree) -> str:
    """The first place where two trees say different things, in words; ``""`` where there is none."""
    pairs = [(ROOT, ROOT)]
    while pairs:
        one, other = pairs.pop()
        if one != ROOT and _about(archive, one) != _about(table, other):
            return f"{shown(archive.path(one))} is another in the table of contents than in the archive"
        ours, theirs = _children(archive, one), _children(table, other)
        if odd := sorted(ours.keys() ^ theirs.keys()):
            return f"{shown(odd[0])} below {shown(archive.path(one))} is only in one of table of contents and archive"
        pairs.extend((node, theirs[name]) for name, node in ours.items())
    return ""


def _about(tree: Tree, node: int) -> tuple[object, ...]:
    columns = tree.columns
    numbers = (getattr(columns, name)[node] for name in ("kind", "flags", "mode", "uid", "gid"))
    size = columns.size[node] if columns.kind[node] == FILE else 0
    return (*numbers, size, tree.link(node), tree.capability(node))


def _children(tree: Tree, node: int) -> dict[bytes, int]:
    found = {_as_json(tree.name(child)): child for child in tree.children(node)}
    if node == ROOT:
        found.pop(stargz.TOC_NAME, None)  # the table itself, which it does not list
    return found


def _as_json(name: bytes) -> bytes:
    """JSON holds text: a packer writes U+FFFD for what is none."""
    return NO_TEXT.sub("\ufffd", name.decode("utf-8", "surrogateescape")).encode()


def wrong_content(contents: dict[bytes, bytes], spans: dict[bytes, list[Span]]) -> str:
    """The first file whose bytes in the archive are not those the table vouches for, in words; ``""`` for none."""
    for path, content in sorted(contents.items()):
        if content and not _vouches(spans.get(path, []), content):
            return f"the table of contents has other bytes for {shown(path)} than the archive"
    return ""


def _vouches(spans: list[Span], content: bytes) -> bool:
    at = 0
    for span in sorted(spans, key=lambda span: span.offset):
        part = content[span.offset : span.offset + span.size] if span.size else content[span.offset :]
        algorithm, _, expected = span.digest.partition(":")
        if span.offset != at or algorithm != "sha256" or hashlib.sha256(part).hexdigest() != expected:
            return False
        at += len(part)
    return at == len(content)
