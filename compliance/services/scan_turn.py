"""One worker's turn at a repository: what it writes as it goes on, and when it lets others have theirs."""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterable, Set
from dataclasses import dataclass, field

from compliance.models import PolicyVersion, RepositoryScan
from compliance.services.ask_images import ImageRead
from compliance.services.finish_scan import refresh_totals
from compliance.services.keep_lease import LeaseKeeper
from compliance.services.list_repositories import Clock
from compliance.services.read_images import Found, Place
from compliance.services.record_images import Batch, IndexRead, PolicyChanged, record_images
from compliance.services.record_progress import record_progress
from compliance.services.take_turn import others_wait, push_waits
from compliance.services.write_tags import TagRead

_TURN_SECONDS = 60.0
"""When somebody else waits, or the layers are big."""

_UNDISTURBED_SECONDS = 2.0
_LONGEST_TURN_SECONDS = 8 * 60.0
_TOTALS_EVERY_SECONDS = 1.0

_WRITTEN_TOGETHER = 64
_UNWRITTEN_SECONDS = 2.0


class TurnIsOver(Exception):
    """Time to let go, with work left: well before Celery's time limit, so that nothing is cut off."""


@dataclass(slots=True)
class Turn:
    """One worker's turn at one repository scan."""

    row: RepositoryScan
    token: uuid.UUID
    version: PolicyVersion
    place: Place
    keeper: LeaseKeeper
    clock: Clock
    started: float = field(default_factory=time.monotonic)
    totals_at: float = field(default_factory=time.monotonic)
    requests: int = field(init=False)
    bytes: int = field(init=False)
    layers: int = 0
    saved: int = 0
    total: int | None = None
    stored: bool = False

    @property
    def platforms(self) -> str:
        """``Index.platforms``."""
        return self.row.scan.registry.scope.platform_key

    @property
    def one_by_one(self) -> bool:
        """Where requests are counted: of many images that were begun together, none might be finished in a turn."""
        return self.row.heavy or self.row.scan.registry.requests_per_minute is not None

    def __post_init__(self) -> None:
        self.requests, self.bytes = self.place.source.traffic.requests, self.place.source.traffic.bytes


class Unwritten:
    """What groups of a batch were read as, until it is worth a transaction, most of whose cost is the same for few."""

    def __init__(self) -> None:
        self._forget()

    def _forget(self) -> None:
        self._since = time.monotonic()
        self._tags: list[TagRead] = []
        self._images: dict[str, ImageRead] = {}
        self._indexes: dict[str, IndexRead] = {}

    @property
    def digests(self) -> Set[str]:
        """Images that need not be read once more, though nobody finds them stored yet."""
        return self._images.keys()

    def add(self, tags: Iterable[TagRead], found: Found) -> None:
        """Keep what a group turned out to be."""
        self._tags += tags
        self._images |= found.images
        self._indexes |= found.indexes

    def is_due(self, turn: Turn) -> bool:
        """Whether to write before the next group is read: at once where a worker died of what comes next."""
        if turn.one_by_one or turn.row.attempts > 1 or len(self._images) + len(self._indexes) >= _WRITTEN_TOGETHER:
            return True
        return time.monotonic() - self._since >= _UNWRITTEN_SECONDS

    def taken(self, *, cursor: str | None, tags_done: int) -> Batch:
        """Hand over all of it."""
        batch = Batch(
            tags=self._tags,
            images=list(self._images.values()),
            indexes=list(self._indexes.values()),
            cursor=cursor,
            tags_done=tags_done,
        )
        self._forget()
        return batch


def record(turn: Turn, batch: Batch) -> None:
    """Write a batch with what it cost, and end the turn where it is time.

    :raises LeaseLost: when another worker has the row.
    :raises TurnIsOver: with work left.
    """
    turn.keeper.check(RepositoryScan.objects.all(), turn.row.pk)
    traffic(turn, batch)
    batch.platforms = turn.platforms
    if batch.is_empty:
        record_progress(turn.row.pk, turn.token, batch)
    else:
        _record_images(turn, batch)
    turn.stored |= bool(batch.images or batch.cursor)
    _keep_time(turn)


def _record_images(turn: Turn, batch: Batch) -> None:
    while True:
        try:
            record_images(turn.row, turn.token, turn.version, batch, now=turn.clock())
        except PolicyChanged:  # another version counts since we began to read
            turn.version = PolicyVersion.objects.get(current_of__repositories=turn.row.repository_id)
        else:
            return


def traffic(turn: Turn, batch: Batch) -> Batch:
    """Add what was asked of the registry since the last batch, and how many tags it listed."""
    batch.tags_total = turn.total
    asked, shelf = turn.place.source.traffic, turn.place.shelf
    batch.requests, turn.requests = asked.requests - turn.requests, asked.requests
    batch.bytes, turn.bytes = asked.bytes - turn.bytes, asked.bytes
    batch.layers, turn.layers = shelf.indexed - turn.layers, shelf.indexed
    batch.saved, turn.saved = shelf.spared - turn.saved, shelf.spared
    return batch


def _keep_time(turn: Turn) -> None:
    now = time.monotonic()
    if now - turn.totals_at >= _TOTALS_EVERY_SECONDS:
        turn.totals_at = now
        refresh_totals(turn.row.scan_id)
    if now - turn.started >= _LONGEST_TURN_SECONDS:
        raise TurnIsOver
    # Not before something is stored: a slow registry must not make every turn begin with the same questions.
    if turn.stored and _is_waited_for(turn, now - turn.started):
        raise TurnIsOver


def _is_waited_for(turn: Turn, seconds: float) -> bool:
    if seconds >= _TURN_SECONDS and (turn.row.heavy or others_wait(turn.row.scan, turn.clock())):
        return True
    return seconds >= _UNDISTURBED_SECONDS and push_waits(turn.row.scan, turn.clock())
