"""Named files of one source on this machine, read in bounds: below a folder, or members of an archive."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path
from typing import Protocol

from scanner.domain.printable import printable
from scanner.domain.problems import LimitExceeded
from scanner.domain.reference import Digest
from scanner.sources.local_problems import file_problem, refused

PIECE = 1 << 20
_OPEN = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC


class Files(Protocol):
    """All methods raise ``SourceProblem``; names are relative, with ``/`` between their parts."""

    def size(self, name: str) -> int | None:
        """Bytes of a regular file, ``None`` where there is no such file."""

    def chunks(self, name: str) -> AbstractContextManager[Iterator[bytes]]:
        """Stream a file that is there."""

    def close(self) -> None:
        """Let go of what was opened."""


def read_file(files: Files, name: str, allowed: int, limit: str) -> bytes | None:
    """Read a small file; ``None`` where there is none.

    :param limit: the field of ``Limits`` that ``allowed`` is.
    :raises LimitExceeded: for a larger one.
    """
    size = files.size(name)
    if size is None:
        return None
    if size > allowed:
        raise LimitExceeded(limit, allowed, size, subject=printable(name, longest=200))
    with files.chunks(name) as chunks:
        return b"".join(_at_most(chunks, size))


def _at_most(chunks: Iterator[bytes], length: int) -> Iterator[bytes]:
    """What was measured before: the file may have grown since."""
    for chunk in chunks:
        yield chunk[:length]
        length -= len(chunk)
        if length <= 0:
            return


def file_digest(files: Files, name: str, algorithm: str = "sha256") -> Digest:
    """Hash a file's bytes."""
    found = hashlib.new(algorithm, usedforsecurity=True)
    with files.chunks(name) as chunks:
        for chunk in chunks:
            found.update(chunk)
    return Digest(f"{algorithm}:{found.hexdigest()}")


def pieces(descriptor: int, start: int, length: int, subject: str) -> Iterator[bytes]:
    """Read a part of an open file, whoever else reads it at the same time.

    :raises Refused: ``source-unreadable``; a file that is shorter just ends.
    """
    end = start + length
    while start < end:
        try:
            piece = os.pread(descriptor, min(PIECE, end - start), start)
        except OSError as error:
            raise file_problem(error, subject) from error
        if not piece:
            return
        start += len(piece)
        yield piece


class Folder:
    """Files below one folder. Links may lead about inside of it, and never out.

    A link is resolved first; what it leads to is then opened part by part without following any, so that a link put
    there in between is refused too.
    """

    def __init__(self, path: Path) -> None:
        try:
            self._path = path.resolve()
            self._root = os.open(self._path, _OPEN | os.O_DIRECTORY)
        except (OSError, RuntimeError, ValueError) as error:
            raise _problem(error, str(path)) from error

    def close(self) -> None:
        """Close the folder."""
        os.close(self._root)

    def size(self, name: str) -> int | None:
        """Bytes of a regular file, ``None`` where there is no such file.

        :raises Refused: ``source-forbidden`` for a link that leads out, ``source-unreadable``, ``source-invalid``.
        """
        try:
            with self._opened(name) as descriptor:
                return os.fstat(descriptor).st_size
        except (FileNotFoundError, NotADirectoryError):
            return None
        except (OSError, RuntimeError, ValueError) as error:
            raise _problem(error, name) from error

    @contextmanager
    def chunks(self, name: str) -> Iterator[Iterator[bytes]]:
        """Stream a file that is there.

        :raises Refused: as ``size`` does, and ``source-missing``.
        """
        with ExitStack() as stack:
            try:
                descriptor = stack.enter_context(self._opened(name))
                size = os.fstat(descriptor).st_size
            except (OSError, RuntimeError, ValueError) as error:
                raise _problem(error, name) from error
            yield pieces(descriptor, 0, size, printable(name, longest=200))

    @contextmanager
    def _opened(self, name: str) -> Iterator[int]:
        real = (self._path / name).resolve()
        if not real.is_relative_to(self._path):
            raise refused("source-forbidden", f"{printable(name, longest=200)} leads out of its folder")
        descriptor = os.dup(self._root)
        try:
            for part in real.relative_to(self._path).parts:
                # Not blocking, so that a pipe that nobody writes to cannot keep us.
                below = os.open(part, _OPEN | os.O_NONBLOCK, dir_fd=descriptor)
                os.close(descriptor)
                descriptor = below
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise refused("source-invalid", f"{printable(name, longest=200)} is not a regular file")
            yield descriptor
        finally:
            os.close(descriptor)


def _problem(error: Exception, name: str) -> Exception:
    if isinstance(error, OSError):
        return file_problem(error, printable(name, longest=200))
    # Path.resolve: a loop of links, a name with a zero byte.
    return refused("source-invalid", f"{printable(name, longest=200)} is not a path that can be followed")
