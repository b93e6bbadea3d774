"""Contents that are not looked at yet, held compressed.

Ten megabytes of one short line are ten kilobytes on the wire. An image may have that in three files of 127 layers,
which are in memory together while it is read.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Mapping

_SMALL = 64 * 1024


class PackedContents(Mapping[int, bytes]):
    """Bytes by node; large ones are unpacked at each look."""

    __slots__ = ("_large", "_small")

    def __init__(self, contents: Mapping[int, bytes]) -> None:
        self._small = {node: content for node, content in contents.items() if len(content) <= _SMALL}
        self._large = {node: zlib.compress(content, 1) for node, content in contents.items() if len(content) > _SMALL}

    def __getitem__(self, node: int) -> bytes:
        return self._small[node] if node in self._small else zlib.decompress(self._large[node])

    def __contains__(self, node: object) -> bool:
        return node in self._small or node in self._large

    def __iter__(self) -> Iterator[int]:
        yield from self._small
        yield from self._large

    def __len__(self) -> int:
        return len(self._small) + len(self._large)
