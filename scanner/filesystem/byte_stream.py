"""A stream of chunks read by length."""

from __future__ import annotations

from collections.abc import Iterator


class ByteStream:
    """Chunks in, exact lengths out. ``offset`` is the number of bytes consumed so far."""

    __slots__ = ("_buffer", "_chunks", "_position", "_start")

    def __init__(self, chunks: Iterator[bytes]) -> None:
        self._chunks = chunks
        self._buffer = b""
        self._position = 0
        self._start = 0

    @property
    def offset(self) -> int:
        return self._start + self._position

    def take(self, length: int) -> bytes:
        """The next ``length`` bytes, fewer only at the end."""
        start = self._position
        end = start + length
        if end <= len(self._buffer):
            self._position = end
            return self._buffer[start:end]
        return self._gather(length)

    def _gather(self, length: int) -> bytes:
        parts: list[bytes] = []
        missing = length
        while missing:
            part = self._buffer[self._position : self._position + missing]
            self._position += len(part)
            missing -= len(part)
            parts.append(part)
            if missing and not self._refill():
                break
        return b"".join(parts)

    def skip(self, length: int) -> bool:
        """Pass over ``length`` bytes; ``False`` where the stream ends before."""
        while True:
            here = len(self._buffer) - self._position
            if length <= here:
                self._position += length
                return True
            length -= here
            self._position += here
            if not self._refill():
                return False

    def drain(self) -> None:
        """Read to the end, so that whoever counts or hashes below sees every byte."""
        while self._refill():
            pass

    def _refill(self) -> bool:
        for chunk in self._chunks:
            if chunk:
                self._start += len(self._buffer)
                self._buffer = chunk
                self._position = 0
                return True
        self._position = len(self._buffer)
        return False
