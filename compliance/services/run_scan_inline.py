"""A whole scan in this process: for the command line without a worker, for tests, and for replaying history."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext

from compliance.models import Registry, Scan
from compliance.policy.wake_up import WakeUp, Work
from compliance.services.list_repositories import Clock, Opener, list_repositories
from compliance.services.open_source import open_source
from compliance.services.request_scan import request_scan
from compliance.services.scan_repository import scan_repository
from scanner.sources.source import Source


def run_scan_inline(registry: Registry, *, clock: Clock, trigger: str, opener: Opener = open_source) -> Scan:
    """Scan a registry with one set of connections; the scan is unfinished where the registry put us off."""
    scan_id = request_scan(registry, trigger=trigger, now=clock())
    with one_source(registry, opener) as shared:
        for wake_up in list_repositories(scan_id, clock=clock, opener=shared):
            work_on(wake_up, clock=clock, opener=shared)
    return Scan.objects.get(pk=scan_id)


def work_on(wake_up: WakeUp, *, clock: Clock, opener: Opener = open_source) -> list[WakeUp]:
    """Do one piece of work to the end of its turns; return what it made."""
    if wake_up.work is Work.SCAN:
        return list_repositories(wake_up.id, clock=clock, opener=opener)
    left = [wake_up]
    while left:
        left += scan_repository(left.pop().id, clock=clock, opener=opener)
    return []


@contextmanager
def one_source(registry: Registry, opener: Opener) -> Iterator[Opener]:
    """Open a registry at first use and keep it open for whoever asks after that."""
    opened: list[tuple[AbstractContextManager[Source], Source]] = []

    def shared(_registry: Registry) -> AbstractContextManager[Source]:
        if not opened:
            manager = opener(registry)
            opened.append((manager, manager.__enter__()))
        return nullcontext(opened[0][1])

    try:
        yield shared
    finally:
        for manager, _ in opened:
            manager.__exit__(None, None, None)
