"""Messages that ask a worker to look at a row."""

from __future__ import annotations

from celery import shared_task

from compliance.models.clock import database_clock
from compliance.services.list_repositories import list_repositories
from compliance.services.serve_next import serve_next
from compliance.tasks.wake import is_stale, ring

_FIRST_BELLS = 16
"""Each worker that is rung rings for the next piece in its turn, so thousands are never waiting."""

_HEAVY_SECONDS = 60 * 60
"""The largest image that is read at all, over a slow line."""


@shared_task(name="compliance.wake_scan", ignore_result=True)
def wake_scan(*, pk: int, **_later: object) -> None:
    """List a registry's repositories and ring for the first."""
    ring(list_repositories(pk, clock=database_clock())[:_FIRST_BELLS])


@shared_task(name="compliance.wake_repository_scan", ignore_result=True)
def wake_repository_scan(*, pk: int, rung_at: str | None = None, **_later: object) -> None:
    """Scan a repository, the one whose turn it is."""
    clock = database_clock()
    if not is_stale(rung_at, clock()):
        ring(serve_next(pk, clock=clock))


@shared_task(
    name="compliance.wake_heavy_repository_scan",
    ignore_result=True,
    soft_time_limit=_HEAVY_SECONDS,
    time_limit=_HEAVY_SECONDS + 60,
)
def wake_heavy_repository_scan(*, pk: int, **_later: object) -> None:
    """Read big layers, for the part whose turn it is."""
    ring(serve_next(pk, clock=database_clock()))
