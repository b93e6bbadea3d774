"""Get the indexes of layers, so that each unique layer is read once for the whole fleet.

A row per layer digest is the claim: whoever holds its lease reads the layer; everybody else reads other layers first
and then waits for the row. A worker that dies while reading loses the lease, and the next one takes over. Threads of
the pool read from the registry; every row is read and written by the calling thread alone.
"""

from __future__ import annotations

import logging
import time
import uuid
from collections.abc import Callable, Collection, Iterable, Mapping
from concurrent.futures import FIRST_COMPLETED, Executor, Future, wait
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from django.conf import settings
from django.db import transaction

from compliance.models import Layer
from compliance.models.image import LayerRead
from compliance.policy.retry import MOST_ATTEMPTS
from compliance.services.keep_lease import LeaseKeeper, lease_length
from compliance.services.known_images import is_outgrown
from compliance.services.record_problem import allowed_by_limit, problem_columns, scanner_fault
from scanner.domain.manifest import Descriptor
from scanner.domain.problems import ImageProblem, ScanProblem, SourceProblem, Unavailable
from scanner.domain.reference import Digest
from scanner.filesystem.layer_codec import UnknownIndexVersion, UnreadableIndex
from scanner.filesystem.layer_index import LayerIndex

logger = logging.getLogger(__name__)

_POLL_SECONDS: Final = 0.2
_CLAIMS_PER_CONNECTION: Final = 2
_TOGETHER_SECONDS: Final = 0.1
_LONGEST_WAIT_SECONDS: Final = 10 * 60.0


@dataclass(frozen=True, slots=True)
class WantedLayer:
    """A layer as manifests describe it; one with another size is another layer, since one of them must be wrong."""

    digest: Digest
    size: int
    media_type: str = field(compare=False)

    def descriptor(self) -> Descriptor:
        """What to ask the registry for."""
        return Descriptor(self.media_type, self.digest, self.size)


Fetch = Callable[[WantedLayer, Collection[bytes]], LayerIndex]
Answer = LayerIndex | ScanProblem
Claim = tuple[WantedLayer, uuid.UUID]


@dataclass(slots=True)
class LayerShelf:
    """The layer indexes of the images at hand.

    :param spared: bytes of layers that need not be read.
    :param fetch: reads one layer from the registry, keeping the bytes at some paths; called in the executor.
    """

    fetch: Fetch
    executor: Executor
    keeper: LeaseKeeper
    clock: Callable[[], datetime]
    indexed: int = 0
    spared: int = 0
    _spared: set[WantedLayer] = field(default_factory=set)
    _waiting: dict[WantedLayer, None] = field(default_factory=dict)
    _reading: dict[Future[LayerIndex], Claim] = field(default_factory=dict)
    _answers: dict[WantedLayer, Answer] = field(default_factory=dict)

    def gather(self, wanted: Iterable[WantedLayer]) -> Mapping[WantedLayer, Answer]:
        """Return an index or a problem for each; of those of the call before it forgets what is not wanted again."""
        before, self._answers, self._waiting = self._answers, {}, {}
        for layer in wanted:
            if isinstance(answer := before.get(layer), LayerIndex):  # images of one repository share most layers
                self._answers[layer] = answer
            else:
                self._waiting[layer] = None
        del before  # the others are not to be in memory while more are read
        deadline = time.monotonic() + _LONGEST_WAIT_SECONDS
        try:
            self._make_rows()
            while self._waiting or self._reading:
                self._look(deadline)
                self._collect()
        finally:
            self._abandon()
        return self._answers

    def spare(self, layers: Iterable[WantedLayer]) -> None:
        """Count the bytes of layers whose tables of contents sufficed, each once."""
        fresh = set(layers) - self._spared
        self.spared += sum(layer.size for layer in fresh)
        self._spared |= fresh

    def complete(self, layer: WantedLayer, index: LayerIndex) -> None:
        """Store an index that knows the bytes of more files, for the images that come next."""
        self._answers[layer] = index
        Layer.objects.filter(digest=layer.digest).update(index=index.to_bytes())

    def _make_rows(self) -> None:
        """Claim what nobody has ever heard of in the statement that makes its row."""
        wanted = {str(layer.digest): layer for layer in self._waiting}
        if not wanted:
            return
        described = {digest: (layer.size, layer.media_type[:255]) for digest, layer in wanted.items()}
        token, taken = Layer.objects.make(described, lease_length(), most=_most_claims())
        for digest in sorted(taken):
            self._begin(wanted[digest], token)

    def _look(self, deadline: float) -> None:
        """Settle what is stored, claim what nobody holds."""
        if not self._waiting:
            return
        digests = [layer.digest for layer in self._waiting]
        ready = Layer.objects.filter(digest__in=digests).exclude(index=None, problem_code="")
        rows = {row.digest: row for row in ready}
        for layer in list(self._waiting):
            row = rows.get(layer.digest)
            answer = _stored_answer(row, layer) if row else None
            if answer is None and time.monotonic() > deadline:
                answer = _too_long(layer)
            if answer is not None:
                self._answers[layer] = answer
                del self._waiting[layer]
        self._claim()

    def _claim(self) -> None:
        """Claim what nobody holds, as much as can be begun soon, so that an idle worker finds something to do."""
        ours = {layer.digest for layer, _ in self._reading.values()}
        room = _most_claims() - len(ours)
        wanted = {layer.digest: layer for layer in self._waiting if layer.digest not in ours}
        if room <= 0 or not wanted:
            return
        with transaction.atomic():
            # An index that somebody stored since we looked must not be read again: the next look finds it.
            missing = Layer.objects.filter(index=None)
            token, taken = missing.take_many(list(wanted)[:room], lease_length())
        for digest, attempts in taken.items():
            layer = wanted[Digest(str(digest))]
            if attempts > MOST_ATTEMPTS:
                del self._waiting[layer]
                self._answers[layer] = _crashed(layer)
                _store_problem(layer, token, _crashed(layer))
            else:
                self._begin(layer, token)

    def _begin(self, layer: WantedLayer, token: uuid.UUID) -> None:
        """Read what was just claimed."""
        del self._waiting[layer]
        self.keeper.hold(Layer.objects.all(), layer.digest, token)
        self._reading[self.executor.submit(self.fetch, layer, ())] = (layer, token)

    def _collect(self) -> None:
        if not self._reading:
            if self._waiting:
                time.sleep(_POLL_SECONDS)
            return
        timeout = _POLL_SECONDS if self._waiting else None
        done = wait(self._reading, timeout, FIRST_COMPLETED).done
        if done and not self._waiting:  # nobody needs the room of what came first: let the rest come along
            done = wait(self._reading, _TOGETHER_SECONDS).done
        if done:
            self._settle({future: self._reading.pop(future) for future in done})

    def _settle(self, done: Mapping[Future[LayerIndex], Claim]) -> None:
        """Store what came in, in one statement and one commit."""
        read: dict[uuid.UUID, list[LayerRead]] = {}
        with transaction.atomic():
            for future, (layer, token) in done.items():
                self.keeper.let_go(Layer.objects.all(), layer.digest)
                answer = self._answers[layer] = _answer(future, layer, token)
                if isinstance(answer, LayerIndex):
                    read.setdefault(token, []).append(_layer_read(layer, answer))
            for token, layers in read.items():
                self.indexed += Layer.objects.store(layers, token, now=self.clock())

    def _abandon(self) -> None:
        """Give back what is still claimed when an error ends the work."""
        for future, (layer, token) in self._reading.items():
            future.cancel()
            self.keeper.let_go(Layer.objects.all(), layer.digest)
            _give_back(layer, token)
        self._reading.clear()


def _most_claims() -> int:
    return int(settings.SCAN_CONNECTIONS) * _CLAIMS_PER_CONNECTION


def _answer(future: Future[LayerIndex], layer: WantedLayer, token: uuid.UUID) -> Answer:
    """What became of a layer; a problem is written here."""
    try:
        return future.result()
    except SourceProblem as problem:  # says nothing about the layer: the next one may try
        _give_back(layer, token)
        return problem
    except ScanProblem as problem:
        _store_problem(layer, token, problem)
        return problem
    except Exception:
        logger.exception("layer %s could not be indexed", layer.digest)
        _give_back(layer, token)
        return scanner_fault(f"layer {layer.digest}")


def _layer_read(layer: WantedLayer, index: LayerIndex) -> LayerRead:
    return LayerRead(
        layer.digest, str(index.diff_id), layer.media_type[:255], index.size, index.entries, index.to_bytes()
    )


def _stored_answer(row: Layer, layer: WantedLayer) -> Answer | None:
    if row.index is not None:
        try:
            return LayerIndex.from_bytes(bytes(row.index))
        except UnreadableIndex as error:  # another release's, or damaged: whoever claims the row reads the layer again
            level = logging.INFO if isinstance(error, UnknownIndexVersion) else logging.WARNING
            logger.log(level, "layer %s is indexed again: %s", layer.digest, error)
            Layer.objects.filter(digest=layer.digest).update(index=None)
            return None
    if row.size != layer.size or is_outgrown(row.problem_code, row.problem_allowed, settings.LIMITS):
        return None
    return ImageProblem(row.problem_code, row.problem_message, remedy=row.problem_remedy)


def _store_problem(layer: WantedLayer, token: uuid.UUID, problem: ScanProblem) -> None:
    Layer.objects.filter(digest=layer.digest, lease_token=token).update(
        **problem_columns(problem),
        size=layer.size,
        problem_allowed=allowed_by_limit(problem),
        lease_token=None,
        lease_until=None,
        attempts=0,
    )


def _give_back(layer: WantedLayer, token: uuid.UUID) -> None:
    Layer.objects.filter(digest=layer.digest, lease_token=token).update(lease_token=None, lease_until=None, attempts=0)


def _crashed(layer: WantedLayer) -> ScanProblem:
    return ImageProblem(
        "crashed",
        f"layer {layer.digest}: reading it ended the worker {MOST_ATTEMPTS} times",
        remedy="Look into the worker's log; the limits named PLIMSOLL_LAYER_… bound what a layer may cost.",
    )


def _too_long(layer: WantedLayer) -> ScanProblem:
    return Unavailable(
        "layer-busy",
        f"layer {layer.digest}: another worker has been reading it for too long",
        remedy="The next scan looks again.",
    )
