"""What a child does: an order in, an answer out, and the next order where the worker has one."""

from __future__ import annotations

import gzip
import hashlib
import os
import traceback
from collections.abc import Iterator

from scanner.domain.limits import DEFAULT_LIMITS
from scanner.domain.problems import ImageProblem
from scanner.domain.reference import Digest
from scanner.filesystem.layer_index import LayerIndex, index_layer
from scanner.sandbox.records import FAULT, INDEX, Order, answer, problem_answer

_READ = 128 * 1024
_IN, _OUT = 0, 1


def rehearse() -> None:
    """Take an empty layer all the way: what a child would load first or compute once is there before it is forked."""
    empty = gzip.compress(bytes(1024))
    digest = Digest(f"sha256:{hashlib.sha256(empty).hexdigest()}")
    index = index_layer(iter([empty]), digest=digest, size=len(empty), diff_id=None, limits=DEFAULT_LIMITS)
    LayerIndex.from_bytes(index.to_bytes())


def read_layers() -> None:
    """Index the layers that arrive on standard input, until there are no more or one cannot be indexed.

    :raises MemoryError: where the limit leaves no room.
    """
    while (order := Order.read(_take)) is not None:
        said, goes_on = _read(order)
        _say(said)
        if not goes_on:
            return


def _read(order: Order) -> tuple[bytes, bool]:
    try:
        index = index_layer(
            _chunks(order.size),
            digest=order.digest,
            size=order.size,
            diff_id=order.diff_id,
            limits=order.limits,
            keep=order.keep,
        )
        return answer(INDEX, index.to_bytes()), True
    except MemoryError:
        raise
    except ImageProblem as problem:
        return problem_answer(problem), False
    except Exception:
        return answer(FAULT, traceback.format_exc().encode(errors="replace")), False


def _chunks(size: int) -> Iterator[bytes]:
    # By length and not to the end: who else holds the pipe's other end is not for a child to know.
    while size and (chunk := os.read(_IN, min(size, _READ))):
        yield chunk
        size -= len(chunk)


def _take(length: int) -> bytes:
    parts = []
    while length and (part := os.read(_IN, min(length, _READ))):
        parts.append(part)
        length -= len(part)
    return b"".join(parts)


def _say(said: bytes) -> None:
    view = memoryview(said)
    while view:
        view = view[os.write(_OUT, view) :]
