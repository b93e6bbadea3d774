"""One repository's part of a scan, done by whoever leases its row.

::

    list tags ── HEAD each ─┬─ digest known and judged ─────────────────────────────┐
                            └─ new: manifest, config, unindexed layers, facts ──────┴─ judge ── one transaction

A batch of tags is written before the next one is asked for, and ``cursor`` moves with it: a worker that is killed
loses at most a batch, and a scan that takes longer than one turn is continued by the next.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Collection, Iterator, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field

from django.conf import settings
from django.db.models import Q

from compliance.models import ACTIVE, LeaseLost, PolicyVersion, RepositoryScan, State, Tag
from compliance.policy.retry import MOST_ATTEMPTS
from compliance.policy.wake_up import WakeUp, Work
from compliance.services.end_repository_scan import end_repository_scan, put_off_repository_scan
from compliance.services.finish_scan import refresh_totals
from compliance.services.index_layers import LayerShelf, WantedLayer
from compliance.services.keep_lease import LeaseKeeper, lease_length
from compliance.services.known_images import Known, known_images
from compliance.services.list_repositories import Clock, Opener
from compliance.services.open_source import open_source
from compliance.services.read_images import Place, read_images
from compliance.services.record_images import Batch, PolicyChanged, TagRead, record_images
from compliance.services.resolve_tags import Pointer, registry_is_down, resolve_tags
from scanner.domain.problems import ImageProblem, ScanProblem
from scanner.domain.reference import Digest, RepositoryName, TagName
from scanner.filesystem.layer_index import LayerIndex
from scanner.inspection import fetch_layer_index
from scanner.sources.source import Source

_BATCH = 100
_GROUP = 16
_TURN_SECONDS = 8 * 60.0
_TOTALS_EVERY_SECONDS = 1.0


class TurnIsOver(Exception):
    """Time to let go, with work left: well before Celery's time limit, so that nothing is cut off."""


@dataclass(slots=True)
class Turn:
    """One worker's turn at one repository scan."""

    row: RepositoryScan
    token: uuid.UUID
    version: PolicyVersion
    source: Source
    keeper: LeaseKeeper
    executor: Executor
    shelf: LayerShelf
    clock: Clock
    started: float = field(default_factory=time.monotonic)
    totals_at: float = field(default_factory=time.monotonic)
    requests: int = 0
    bytes: int = 0
    layers: int = 0

    @property
    def repository(self) -> RepositoryName:
        """The name to ask for."""
        return RepositoryName(self.row.repository.name)


def scan_repository(repository_scan_id: int, *, clock: Clock, opener: Opener = open_source) -> list[WakeUp]:
    """Do, or go on with, one repository's part, unless somebody else does; return what is left to wake."""
    now = clock()
    ready = RepositoryScan.objects.filter(Q(not_before=None) | Q(not_before__lte=now), state__in=ACTIVE)
    token = ready.take(repository_scan_id, lease_length())
    if token is None:
        return []
    row = RepositoryScan.objects.select_related("scan__registry__policy__current", "repository").get(
        pk=repository_scan_id
    )
    try:
        return _take_turn(row, token, clock, opener)
    except LeaseLost:
        return []
    except TurnIsOver:
        RepositoryScan.objects.give_back(row.pk, token)
        return [WakeUp(Work.REPOSITORY_SCAN, row.pk)]
    except ScanProblem as problem:
        with suppress(LeaseLost):
            put_off_repository_scan(row, token, problem, now=clock())
        return []


def _take_turn(row: RepositoryScan, token: uuid.UUID, clock: Clock, opener: Opener) -> list[WakeUp]:
    if row.attempts > MOST_ATTEMPTS:
        end_repository_scan(row, token, _crashed(row), now=clock())
        return []
    version = row.scan.registry.policy.current
    if version is None:
        raise ImageProblem("no-policy", "The registry's policy has no version", remedy="Run manage.py prepare.")
    if row.started_at is None:
        RepositoryScan.objects.filter(pk=row.pk).update(started_at=clock(), state=State.RUNNING)
    with ExitStack() as stack:
        keeper = stack.enter_context(LeaseKeeper())
        keeper.hold(RepositoryScan.objects.all(), row.pk, token)
        source = stack.enter_context(opener(row.scan.registry))
        executor = stack.enter_context(ThreadPoolExecutor(settings.SCAN_CONNECTIONS, thread_name_prefix="registry"))

        def fetch(layer: WantedLayer, keep: Collection[bytes]) -> LayerIndex:
            name = RepositoryName(row.repository.name)
            return fetch_layer_index(source, name, layer.descriptor(), None, settings.LIMITS, keep)

        shelf = LayerShelf(fetch, executor, keeper, clock)
        turn = Turn(row, token, version, source, keeper, executor, shelf, clock)
        turn.requests, turn.bytes = source.traffic.requests, source.traffic.bytes
        _scan(turn)
    return []


def _scan(turn: Turn) -> None:
    names = sorted(set(turn.source.tags(turn.repository)))
    RepositoryScan.objects.filter(pk=turn.row.pk).update(tags_total=len(names))
    start = sum(name <= turn.row.cursor for name in names) if turn.row.cursor else 0
    while start < len(names):
        batch = names[start : start + _BATCH]
        _scan_batch(turn, batch, start)
        start += len(batch)
    _record(turn, Batch(gone=_gone(turn, names), cursor=names[-1] if names else None, tags_done=len(names)))
    end_repository_scan(turn.row, turn.token, None, now=turn.clock())


def _scan_batch(turn: Turn, names: Sequence[TagName], done: int) -> None:
    pointers = resolve_tags(turn.source, turn.repository, names, turn.executor)
    down = registry_is_down(pointers)
    if down is not None:
        raise down
    known = known_images((pointer.resolved.digest for pointer in pointers if pointer.resolved), turn.version)
    settled = [pointer for pointer in pointers if pointer.resolved is None or known.has(pointer.resolved.digest)]
    groups = list(_groups(pointers, known))
    hits = sum(pointer.resolved is not None for pointer in settled)
    done += len(settled)
    cursor = None if groups else names[-1]
    _record(turn, Batch(tags=[_tag_read(pointer) for pointer in settled], known=hits, cursor=cursor, tags_done=done))
    for group in groups:
        done += len(group)
        _scan_group(turn, group, names[-1] if group is groups[-1] else None, done)


def _groups(pointers: Sequence[Pointer], known: Known) -> Iterator[list[Pointer]]:
    """Tags that need reading, so many digests at a time that their layer indexes fit in memory."""
    by_digest: dict[str, list[Pointer]] = {}
    for pointer in pointers:
        if pointer.resolved and not known.has(pointer.resolved.digest):
            by_digest.setdefault(pointer.resolved.digest, []).append(pointer)
    alike = list(by_digest.values())
    for start in range(0, len(alike), _GROUP):
        yield [pointer for same in alike[start : start + _GROUP] for pointer in same]


def _scan_group(turn: Turn, group: Sequence[Pointer], cursor: str | None, done: int) -> None:
    place = Place(turn.source, turn.repository, turn.executor, turn.shelf)
    found = read_images(place, (pointer.resolved.digest for pointer in group if pointer.resolved))
    limited = next((problem for problem in found.problems.values() if problem.code == "rate-limited"), None)
    tags = [_tag_read(pointer, found.problems) for pointer in group]
    readable = [tag for tag in tags if tag.problem is None or tag.problem.code != "rate-limited"]
    _record(
        turn,
        Batch(
            tags=readable,
            images=list(found.images.values()),
            indexes=list(found.indexes.values()),
            cursor=None if limited else cursor,
            tags_done=done,
        ),
    )
    if limited is not None:  # what was read is stored; the rest is asked for when the registry lets us
        raise limited


def _tag_read(pointer: Pointer, problems: dict[str, ScanProblem] | None = None) -> TagRead:
    if pointer.resolved is None:
        passing = pointer.problem is not None and not pointer.problem.permanent
        return TagRead(pointer.tag, "", pointer.problem, keep=passing)
    digest: Digest = pointer.resolved.digest
    return TagRead(pointer.tag, digest, (problems or {}).get(digest))


def _record(turn: Turn, batch: Batch) -> None:
    turn.keeper.check(RepositoryScan.objects.all(), turn.row.pk)
    traffic = turn.source.traffic
    batch.requests, turn.requests = traffic.requests - turn.requests, traffic.requests
    batch.bytes, turn.bytes = traffic.bytes - turn.bytes, traffic.bytes
    batch.layers, turn.layers = turn.shelf.indexed - turn.layers, turn.shelf.indexed
    while True:
        try:
            record_images(turn.row, turn.token, turn.version, batch, now=turn.clock())
            break
        except PolicyChanged:  # a newer version was published while we were reading
            turn.version = PolicyVersion.objects.get(current_of__registries=turn.row.scan.registry_id)
    _keep_time(turn)


def _keep_time(turn: Turn) -> None:
    now = time.monotonic()
    if now - turn.totals_at >= _TOTALS_EVERY_SECONDS:
        turn.totals_at = now
        refresh_totals(turn.row.scan_id)
    if now - turn.started >= _TURN_SECONDS:
        raise TurnIsOver


def _gone(turn: Turn, names: Sequence[TagName]) -> list[int]:
    listed = set(names)
    rows = Tag.objects.listed().filter(repository=turn.row.repository_id).values_list("pk", "name")
    return [pk for pk, name in rows.iterator() if name not in listed]


def _crashed(row: RepositoryScan) -> ScanProblem:
    return ImageProblem(
        "crashed",
        f"Scanning this repository ended the worker {MOST_ATTEMPTS} times after tag {row.cursor or 'none'!r}",
        remedy="Look into the worker's log, then start a scan by hand.",
    )
