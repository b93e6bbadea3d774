"""Everything we ever need of one layer, made once per layer digest for the whole fleet.

A layer may have millions of entries, so nothing here is an object per entry. A *node* is a number; what is known of it
lies in arrays, one per column (``layer_columns``), and its name in one blob of bytes. Nodes are numbered level by
level, parents before children and siblings by name: node 0 is the root, the children of a node are neighbors, and a
name is found by bisection without any table to build when an index is loaded from storage.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from scanner.domain.limits import Limits
from scanner.domain.printable import printable
from scanner.domain.problems import ImageProblem
from scanner.domain.reference import Digest
from scanner.filesystem.archive import LayerArchive
from scanner.filesystem.layer_builder import LayerBuilder
from scanner.filesystem.layer_codec import Stored, UnreadableIndex, pack, unpack
from scanner.filesystem.layer_columns import ROOT, Columns, Flag
from scanner.filesystem.packed import PackedContents
from scanner.filesystem.toc_check import Tail, Toc, Witness, check_toc, kept_bytes

_LONGEST_TEXT = 2_000


@dataclass(frozen=True, slots=True)
class LayerIndex:
    """One layer's tree. Paths are bytes, relative to the root, without a leading slash.

    :param digest: of the compressed blob, ``size`` bytes long.
    :param diff_id: of the unpacked archive, ``unpacked_size`` bytes long.
    :param entries: members of the archive, whiteouts included.
    :param text: names, and after their two-byte length link targets, capabilities and programs. Offset 0 means none.
    :param contents: bytes of account and sudoers files by node.
    :param listed: nodes that an inventory of the image may have to name, by number: whoever gathers it looks at these
        alone, and must look at what they are. See ``LayerBuilder``.
    :param toc: what came of comparing the table of contents that lazy runtimes go by; ``None`` where there is none.
    :param from_toc: nobody has read the archive; all this is the table's word. Never stored.
    :param packed: ``to_bytes()``, where somebody made it already.
    """

    digest: Digest
    diff_id: Digest
    size: int
    unpacked_size: int
    entries: int
    columns: Columns
    text: bytes
    contents: Mapping[int, bytes]
    listed: array[int] = field(default_factory=lambda: array("I"))
    toc: Toc | None = None
    from_toc: bool = False
    packed: bytes | None = field(default=None, compare=False, repr=False)

    def __len__(self) -> int:
        """Number of nodes."""
        return len(self.columns.parent)

    def name(self, node: int) -> bytes:
        """The last component of a node's path."""
        start = self.columns.name_at[node]
        return self.text[start : start + self.columns.name_length[node]]

    def path(self, node: int) -> bytes:
        """A node's path."""
        parts = []
        while node != ROOT:
            parts.append(self.name(node))
            node = self.columns.parent[node]
        return b"/".join(reversed(parts))

    def link(self, node: int) -> bytes:
        """A symlink's target, verbatim, or a hard link's cleaned path."""
        return self._sized(self.columns.link_at[node])

    def capability(self, node: int) -> bytes | None:
        """The raw ``security.capability`` attribute."""
        return self._sized(self.columns.capability_at[node]) or None

    def program(self, node: int) -> bytes | None:
        """What the kernel makes of a file's first bytes: a ``program_record``."""
        return self._sized(self.columns.program_at[node]) or None

    def programs(self) -> set[bytes]:
        """Every program record of the layer, once."""
        return {self._sized(at) for at in set(self.columns.program_at) if at}

    def _sized(self, at: int) -> bytes:
        if not at:
            return b""
        length = int.from_bytes(self.text[at : at + 2], "little")
        return self.text[at + 2 : at + 2 + length]

    def children(self, node: int) -> range:
        """The nodes directly below, by name."""
        parent = self.columns.parent
        # The root is its own parent, so it would count as its own child.
        first = 1 if node == ROOT else bisect_left(parent, node)
        return range(first, bisect_right(parent, node))

    def child(self, node: int, name: bytes) -> int | None:
        """The node of that name directly below."""
        children = self.children(node)
        at = bisect_left(children, name, key=self.name)
        return children[at] if at < len(children) and self.name(children[at]) == name else None

    def find(self, path: bytes) -> int | None:
        """The node at a cleaned path, links not followed."""
        node: int | None = ROOT
        for name in path.split(b"/") if path else ():
            node = self.child(node, name) if node is not None else None
        return node

    def nodes(self, flag: Flag) -> Iterator[int]:
        """All nodes with a flag."""
        return (node for node, flags in enumerate(self.columns.flags) if flags & flag)

    def content(self, node: int) -> bytes | None:
        """The bytes kept for a node; ``None`` where it is no account file we knew of while reading."""
        return self.contents.get(node)

    def content_path(self, node: int) -> bytes:
        """The path whose bytes a second reading must keep to learn this node's content."""
        return self.link(node) if self.columns.flags[node] & Flag.RESOLVED else self.path(node)

    def with_contents(self, contents: Mapping[int, bytes]) -> LayerIndex:
        """The same layer, knowing the bytes of more files."""
        return replace(self, contents=PackedContents({**self.contents, **contents}), packed=None)

    def to_bytes(self) -> bytes:
        """The index for storage, compressed."""
        return self.packed or pack(
            Stored(
                {
                    "digest": self.digest,
                    "diff_id": self.diff_id,
                    "size": self.size,
                    "unpacked_size": self.unpacked_size,
                    "entries": self.entries,
                    "toc": None if self.toc is None else [self.toc.digest, self.toc.differs],
                },
                self.columns,
                self.text,
                self.contents,
                self.listed,
            )
        )

    @classmethod
    def from_bytes(cls, data: bytes) -> LayerIndex:
        """What ``to_bytes`` made.

        :raises UnreadableIndex: for damaged data.
        :raises UnknownIndexVersion: for the form of another release: index the layer again.
        """
        stored = unpack(data)
        digest, diff_id = (_text(stored.about, key) for key in ("digest", "diff_id"))
        size, unpacked_size, entries = (_number(stored.about, key) for key in ("size", "unpacked_size", "entries"))
        return cls(
            digest=Digest(digest),
            diff_id=Digest(diff_id),
            size=size,
            unpacked_size=unpacked_size,
            entries=entries,
            columns=stored.columns,
            text=stored.text,
            contents=PackedContents(stored.contents),
            listed=stored.listed,
            toc=_toc(stored.about.get("toc")),
        )


def _toc(about: object) -> Toc | None:
    if about is None:
        return None
    if not isinstance(about, list) or len(about) != 2 or not all(isinstance(text, str) for text in about):
        raise UnreadableIndex("the layer index has no readable table of contents")
    digest, differs = (printable(text, longest=_LONGEST_TEXT) for text in about)
    return Toc(digest, differs)


def _text(about: Mapping[str, Any], key: str) -> str:
    found = about.get(key)
    if not isinstance(found, str):
        raise UnreadableIndex(f"the layer index has no {key}")
    return found


def _number(about: Mapping[str, Any], key: str) -> int:
    found = about.get(key)
    if not isinstance(found, int) or isinstance(found, bool) or found < 0:
        raise UnreadableIndex(f"the layer index has no {key}")
    return found


def index_layer(
    chunks: Iterator[bytes],
    *,
    digest: Digest,
    size: int,
    diff_id: Digest | None,
    limits: Limits,
    keep: Collection[bytes] = (),
) -> LayerIndex:
    """Read, verify and index one layer.

    :param chunks: the compressed blob.
    :param size: bytes of the compressed blob, as the manifest states.
    :param diff_id: as the image's config states; ``None`` leaves the comparison to whoever has the config.
    :param keep: paths whose bytes are wanted besides the account files, for a second reading after links.
    :raises ImageProblem: where the layer is malformed, hostile, or over a limit.
    :raises Unavailable: where the bytes are not those of the layer.
    """
    tail = Tail(chunks, kept_bytes(limits))
    archive = LayerArchive(iter(tail), digest=digest, size=size, diff_id=diff_id, limits=limits)
    builder, witness = LayerBuilder(limits, keep), Witness(archive)
    try:
        for member in archive:
            builder.add(member, witness)
            witness.settle(member.name, limits)
        found = archive.finish()
    except ImageProblem:
        archive.settle_blame()
        raise

    def grow(stored: Stored) -> LayerIndex:
        return LayerIndex(
            digest=digest,
            diff_id=found,
            size=size,
            unpacked_size=archive.unpacked_size,
            entries=builder.entries,
            columns=stored.columns,
            text=stored.text,
            contents=PackedContents(stored.contents),
            listed=stored.listed,
        )

    index = grow(builder.finish())
    return replace(index, toc=check_toc(index, tail, witness.contents, grow, limits))
