"""One repository's part of a scan, done by whoever leases its row.

::

    list tags ── HEAD each ─┬─ digest known and judged ─────────────────────────────┐
                            └─ new: manifest, config, unindexed layers, facts ──────┴─ judge ── one transaction

A batch of tags is written before the next one is asked for, and ``cursor`` moves with it: a worker that is killed
loses at most a batch, and a scan that takes longer than one turn is continued by the next.
"""

from __future__ import annotations

import uuid
from collections.abc import Collection
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from dataclasses import replace

from django.conf import settings

from compliance.models import LeaseLost, PolicyVersion, RepositoryScan
from compliance.policy.document import read_policy
from compliance.policy.retry import MOST_ATTEMPTS
from compliance.policy.wake_up import WakeUp, Work
from compliance.services.end_repository_scan import end_repository_scan, put_off_repository_scan
from compliance.services.index_layers import LayerShelf, WantedLayer
from compliance.services.keep_lease import LeaseKeeper
from compliance.services.list_repositories import Clock, Opener
from compliance.services.open_source import open_source
from compliance.services.pause_registry import note_answer, watched
from compliance.services.read_images import Place
from compliance.services.scan_tags import scan_tags
from compliance.services.scan_turn import Turn, TurnIsOver
from compliance.services.spend_budget import note_quota, rate_limit_of
from compliance.services.take_turn import take_part
from scanner.domain.problems import ImageProblem, ScanProblem
from scanner.domain.reference import RepositoryName
from scanner.filesystem.layer_index import LayerIndex
from scanner.inspection import fetch_layer_index
from scanner.sources.source import Source


def scan_repository(repository_scan_id: int, *, clock: Clock, opener: Opener = open_source) -> list[WakeUp]:
    """Do, or go on with, one repository's part, unless somebody else does; return what is left to wake."""
    now = clock()
    token = take_part(repository_scan_id, now)
    if token is None:
        return []
    rows = RepositoryScan.objects.select_related("scan__registry", "repository__policy__current")
    row = rows.get(pk=repository_scan_id)
    try:
        return _take_turn(row, token, clock, opener)
    except LeaseLost:
        return []
    except TurnIsOver:
        note_answer(row.scan.registry_id)
        RepositoryScan.objects.give_back(row.pk, token)
        return [WakeUp(Work.HEAVY_REPOSITORY_SCAN if row.heavy else Work.REPOSITORY_SCAN, row.pk)]
    except ScanProblem as problem:
        with suppress(LeaseLost):
            return put_off_repository_scan(row, token, problem, now=clock())
    return []


def _take_turn(row: RepositoryScan, token: uuid.UUID, clock: Clock, opener: Opener) -> list[WakeUp]:
    if row.attempts > MOST_ATTEMPTS:
        return end_repository_scan(row, token, _crashed(row), now=clock())
    version = _version(row)
    with ExitStack() as stack:
        keeper = stack.enter_context(LeaseKeeper())
        keeper.hold(RepositoryScan.objects.all(), row.pk, token)
        stack.enter_context(watched(row.scan.registry_id, clock))
        source = stack.enter_context(opener(row.scan.registry))
        stack.callback(lambda: note_quota(row.scan.registry_id, rate_limit_of(source), now=clock()))
        executor = stack.enter_context(ThreadPoolExecutor(row.connections, thread_name_prefix="registry"))
        place = replace(_place(source, row, executor, keeper, clock), policy=read_policy(version.document))
        turn = Turn(row, token, version, place, keeper, clock)
        scan_tags(turn)
    return end_repository_scan(row, token, None, now=clock())


def _version(row: RepositoryScan) -> PolicyVersion:
    version = row.repository.policy.current
    if version is None:
        raise ImageProblem("no-policy", "The repository's policy has no version", remedy="Run manage.py prepare.")
    return version


def _place(
    source: Source, row: RepositoryScan, executor: ThreadPoolExecutor, keeper: LeaseKeeper, clock: Clock
) -> Place:
    name = RepositoryName(row.repository.name)

    def fetch(layer: WantedLayer, keep: Collection[bytes]) -> LayerIndex:
        # Without a diff_id: the index counts for every image, whatever this one's config says of the layer.
        return fetch_layer_index(source, name, layer.descriptor(), None, settings.LIMITS, keep)

    shelf = LayerShelf(fetch, executor, keeper, clock)
    heavy_over = None if row.heavy else settings.HEAVY_LAYER_BYTES
    return Place(source, name, executor, shelf, tuple(row.scan.registry.platforms), heavy_over)


def _crashed(row: RepositoryScan) -> ScanProblem:
    return ImageProblem(
        "crashed",
        f"Scanning this repository ended the worker {MOST_ATTEMPTS} times after tag {row.cursor or 'none'!r}",
        remedy="Look into the worker's log, then start a scan by hand.",
    )
