"""A layer blob as a verified stream of tar members.

Three hashes must agree before anything read from a layer counts: the blob's digest and size, which the manifest
states, and the diff_id of the unpacked bytes, which the config states. They cover *all* bytes, also those behind the
end of the archive, so the stream is always read to its end.

Blame is exact: a malformed archive is only held against the layer when the bytes proved to be the layer's. Bytes that
were damaged or swapped on the way are the source's fault (``Unavailable``), because what is recorded under
a layer's digest counts for every image of the fleet.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Self

from scanner.domain.limits import Limits
from scanner.domain.problems import ImageProblem, LimitExceeded, Unavailable
from scanner.domain.reference import Digest
from scanner.filesystem.byte_stream import ByteStream
from scanner.filesystem.compression import decompressed
from scanner.filesystem.tar import Member, TarReader


class Hashed:
    """An iterator of chunks that hashes and counts what passes."""

    def __init__(self, chunks: Iterator[bytes], algorithm: str) -> None:
        self._chunks = chunks
        self._algorithm = algorithm
        self._hash = hashlib.new(algorithm, usedforsecurity=True)
        self.count = 0

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> bytes:
        chunk = next(self._chunks)
        self._hash.update(chunk)
        self.count += len(chunk)
        return chunk

    def digest(self) -> Digest:
        """The digest of what has passed."""
        return Digest(f"{self._algorithm}:{self._hash.hexdigest()}")


class Blob(Hashed):
    """A blob's bytes, which end in an error where they are not what the descriptor says.

    :raises Unavailable: ``size-mismatch`` or ``digest-mismatch``.
    """

    def __init__(self, chunks: Iterator[bytes], digest: Digest, size: int) -> None:
        super().__init__(chunks, digest.partition(":")[0])
        self._expected = digest
        self._size = size

    def __next__(self) -> bytes:
        try:
            chunk = super().__next__()
        except StopIteration:
            self._check()
            raise
        if self.count > self._size:
            raise self._mismatch("size-mismatch", f"it has more than the {self._size} bytes the manifest states")
        return chunk

    def _check(self) -> None:
        if self.count != self._size:
            raise self._mismatch("size-mismatch", f"it has {self.count} bytes, the manifest states {self._size}")
        if self.digest() != self._expected:
            raise self._mismatch("digest-mismatch", f"its bytes hash to {self.digest()}")

    def _mismatch(self, code: str, what: str) -> Unavailable:
        return Unavailable(
            code,
            f"the blob {self._expected} is not what was asked for: {what}",
            remedy="Something between the registry's storage and this scanner changes or cuts blobs; look there.",
        )


class LayerArchive:
    """The members of one layer. Call ``finish`` after the last one, ``settle_blame`` after a problem.

    :param diff_id: what the unpacked bytes must hash to; ``None`` leaves the comparison to the caller.
    """

    def __init__(
        self, chunks: Iterator[bytes], *, digest: Digest, size: int, diff_id: Digest | None, limits: Limits
    ) -> None:
        if size > limits.layer_compressed_bytes:
            raise LimitExceeded(
                "layer_compressed_bytes", limits.layer_compressed_bytes, size, subject=f"layer {digest}"
            )
        self._blob = Blob(chunks, digest, size)
        self._diff_id = diff_id
        self._plain = Hashed(_later(self._blob, limits), (diff_id or "sha256:").partition(":")[0])
        self._stream = ByteStream(self._plain)
        self._reader = TarReader(self._stream, limits)

    def __iter__(self) -> Iterator[Member]:
        return iter(self._reader)

    @property
    def unpacked_size(self) -> int:
        """Bytes unpacked so far."""
        return self._plain.count

    def read(self) -> bytes:
        """The current member's content; look at its size first."""
        return self._reader.read()

    def read_head(self, length: int) -> bytes:
        """The first bytes of the current member's content, fewer only of a shorter one."""
        return self._reader.read_head(length)

    def finish(self) -> Digest:
        """Read what is behind the archive's end, check all hashes and return the diff_id.

        :raises ImageProblem: ``diff-id-mismatch``.
        """
        self._stream.drain()
        found = self._plain.digest()
        if self._diff_id is not None and found != self._diff_id:
            raise ImageProblem(
                "diff-id-mismatch", f"the layer unpacks to {found}, but the image's config states {self._diff_id}"
            )
        return found

    def settle_blame(self) -> None:
        """After an ``ImageProblem``: read the rest of the blob.

        :raises Unavailable: where the bytes were not the layer's, which is then the true cause.
        """
        for _ in self._blob:
            pass


def _later(chunks: Iterator[bytes], limits: Limits) -> Iterator[bytes]:
    # A generator, so that even an unsupported magic is met while iterating, where blame is settled.
    yield from decompressed(chunks, limits)
