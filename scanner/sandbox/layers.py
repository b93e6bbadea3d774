"""Index a layer in a child: what ``layer_index.index_layer`` does, where it can break nothing."""

from __future__ import annotations

import signal
import time
from collections.abc import Collection, Iterator
from contextlib import contextmanager

from scanner.domain.limits import Limits
from scanner.domain.problems import LimitExceeded
from scanner.domain.reference import Digest
from scanner.filesystem.archive import Blob
from scanner.filesystem.layer_index import LayerIndex
from scanner.sandbox import nursery, problems
from scanner.sandbox.child import Child, Ending
from scanner.sandbox.records import OUT_OF_MEMORY, Nonsense, Order, read_answer


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

    :param chunks: the compressed blob, whose digest and size are checked here, in the worker.
    :param size: bytes of the compressed blob, as the manifest states.
    :param diff_id: as the image's config states; ``None`` leaves the comparison to whoever has the config.
    :param keep: paths whose bytes are wanted besides the account files, for a second reading after links.
    :raises ImageProblem: where the layer is malformed, hostile, or over a limit, those of the child among them.
    :raises ChildDied: where another try may do better.
    :raises ChildFault: for an error of ours.
    :raises Unavailable: where the bytes are not those of the layer.
    """
    if size > limits.layer_compressed_bytes:
        raise LimitExceeded("layer_compressed_bytes", limits.layer_compressed_bytes, size, subject=f"layer {digest}")
    order = Order(digest, size, diff_id, limits, keep)
    began = time.monotonic()
    with _child(order) as child:
        child.say(order.to_bytes())
        # To the end, even when the child has gone: only bytes that proved to be the layer's are held against it.
        for chunk in Blob(chunks, digest, size):
            child.say(chunk)
        if size <= _SMALL_BYTES and child.has_answered():
            index = _understood(order, Ending(), child.answer)
            child.rests = time.monotonic() - began < _QUICK_SECONDS
            return index
        ending = child.end()
        nursery.default.note(ending)
        return _understood(order, ending, child.answer)


_SMALL_BYTES = 256 * 1024
_QUICK_SECONDS = 1.0
"""Forking costs more than reading a small layer, so a child reads several; one that was at it for long reads no more:
its processor time and memory are counted over its whole life."""


@contextmanager
def _child(order: Order) -> Iterator[Child]:
    try:
        children = nursery.default.child(order.limits)
        with children as child:
            yield child
    except OSError as error:
        raise problems.lost(f"layer {order.digest}", error.strerror or str(error)) from error


def _understood(order: Order, ending: Ending, said: bytearray) -> LayerIndex:
    subject, limits = f"layer {order.digest}", order.limits
    if ending.lost:
        raise problems.lost(subject, ending.lost)
    if ending.overdue:
        raise problems.out_of_time(subject, limits)
    if ending.status == OUT_OF_MEMORY:
        raise problems.out_of_memory(subject, limits)
    if ending.status == -signal.SIGXCPU:
        raise problems.out_of_processor_time(subject, limits)
    if ending.status == -signal.SIGKILL:
        raise problems.killed(subject)
    if ending.status:
        raise problems.crashed(subject, _how(ending.status))
    try:
        return read_answer(said, order)
    except Nonsense as error:
        raise problems.crashed(subject, str(error)) from error


def _how(status: int) -> str:
    if status > 0:
        return f"it left with status {status}"
    try:
        return f"ended by {signal.Signals(-status).name}"
    except ValueError:
        return f"ended by signal {-status}"
