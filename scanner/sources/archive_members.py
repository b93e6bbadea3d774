"""The members of a tar file on this machine, found once and then read in any order.

Archives are read as ``scanner.filesystem`` reads layers, so that nothing is hidden by a damaged header. A name that
stands twice is an error when it is asked for: which of the two counts, readers disagree about.
"""

from __future__ import annotations

import os
import posixpath
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from scanner.domain.limits import Limits
from scanner.domain.printable import printable
from scanner.domain.problems import ImageProblem, LimitExceeded
from scanner.filesystem.byte_stream import ByteStream
from scanner.filesystem.tar import Member, TarReader
from scanner.sources.local_files import PIECE, pieces
from scanner.sources.local_problems import refused

_LINKS: Final = "12"


class SeekingStream(ByteStream):
    """A byte stream over a part of a file that passes over bytes without reading them."""

    __slots__ = ("_at", "_descriptor", "_end")

    def __init__(self, descriptor: int, size: int) -> None:
        self._descriptor = descriptor
        self._at = 0
        self._end = size
        super().__init__(self._ahead())

    def skip(self, length: int) -> bool:
        """Pass over ``length`` bytes; ``False`` where the file ends before."""
        here = len(self._buffer) - self._position
        if length <= here:
            return super().skip(length)
        target = self.offset + length
        if target > self._end:
            return False
        self._buffer, self._position = b"", 0
        self._start = self._at = target
        return True

    def _ahead(self) -> Iterator[bytes]:
        # Headers are far apart: reading a megabyte for each would read the whole file.
        while piece := next(pieces(self._descriptor, self._at, min(PIECE >> 6, self._end - self._at), "archive"), b""):
            self._at += len(piece)
            yield piece


class ArchiveMembers:
    """Named members of an uncompressed tar file; takes over the descriptor."""

    def __init__(self, descriptor: int, limits: Limits) -> None:
        self._descriptor = descriptor
        self._limits = limits
        self._places: dict[str, tuple[int, int]] = {}
        self._links: dict[str, str] = {}
        self._twice: set[str] = set()
        try:
            self._find(os.fstat(descriptor).st_size)
        except ImageProblem as problem:
            self.close()
            if isinstance(problem, LimitExceeded):
                raise
            raise refused("source-invalid", f"archive: {problem.message}") from problem
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Close the file; who is reading a member has its own hold of it."""
        os.close(self._descriptor)

    def size(self, name: str) -> int | None:
        """Bytes of a member, ``None`` where there is no such file.

        :raises Refused: ``source-ambiguous``, and ``source-invalid`` for links that lead nowhere.
        """
        place = self._place(name)
        return None if place is None else place[1]

    @contextmanager
    def chunks(self, name: str) -> Iterator[Iterator[bytes]]:
        """Stream a member that is there.

        :raises Refused: as ``size`` does, and ``blob-unknown``.
        """
        place = self._place(name)
        if place is None:
            raise refused("blob-unknown", f"the archive holds no file {printable(name, longest=200)}")
        descriptor = os.dup(self._descriptor)
        try:
            yield pieces(descriptor, *place, "archive")
        finally:
            os.close(descriptor)

    def _find(self, size: int) -> None:
        stream = SeekingStream(self._descriptor, size)
        reader = TarReader(stream, self._limits)
        for count, member in enumerate(reader, 1):
            if count > self._limits.archive_members:
                raise LimitExceeded("archive_members", self._limits.archive_members, count, subject="archive")
            self._keep(member, stream.offset, is_sparse=reader.is_sparse)

    def _keep(self, member: Member, offset: int, *, is_sparse: bool) -> None:
        if member.type == "5":
            return
        name = _canonical(member.name)
        if name in self._places or name in self._links:
            self._twice.add(name)
        if is_sparse or member.type not in "012":
            raise refused("source-invalid", f"archive: {printable(name, longest=200)} is not a plain file")
        if member.type in _LINKS:
            self._links[name] = _target(name, member)
        else:
            self._places[name] = offset, member.size

    def _place(self, name: str) -> tuple[int, int] | None:
        for _ in range(self._limits.symlink_hops + 1):
            if name in self._twice:
                raise refused("source-ambiguous", f"the archive holds {printable(name, longest=200)} more than once")
            if name not in self._links:
                return self._places.get(name)
            name = self._links[name]
        raise refused("source-invalid", f"archive: {printable(name, longest=200)} is a link that does not end")


def _canonical(raw: bytes) -> str:
    name = raw.decode("utf-8", "surrogateescape")
    if name.startswith("/") or ".." in name.split("/"):
        raise refused("source-invalid", f"archive: the name {printable(name, longest=200)} leads out of the archive")
    return posixpath.normpath(name)


def _target(name: str, member: Member) -> str:
    """Where a link leads: hard links from the archive's root, symbolic ones from beside them."""
    link = member.link.decode("utf-8", "surrogateescape")
    above = posixpath.dirname(name) if member.type == "2" else ""
    target = posixpath.normpath(posixpath.join(above, link))
    if target.startswith("/") or target.split("/")[0] == "..":
        raise refused("source-forbidden", f"archive: the link {printable(name, longest=200)} leads out of the archive")
    return target
