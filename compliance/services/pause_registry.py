"""Leave a registry alone that fails or that asks us to, and take it up again: a circuit breaker in its state's row.

::

    closed ── 5 failures in a row ──> open until ``paused_until`` ──> one trial ─┬─ an answer ──> closed
                                       └──── longer each time ─────── failure ───┘

Other registries are not concerned. Times are the caller's clock, which is the database's wherever several hosts work.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Q

from compliance.models import ACTIVE, Registry, RegistryState, RepositoryScan, Scan
from compliance.policy.retry import FAILURES_UNTIL_PAUSE, OwnLimit, pause_after, pause_when_limited
from compliance.policy.wake_up import WakeUp, Work
from compliance.services.record_problem import problem_columns
from scanner.domain.problems import ScanProblem, Unavailable

_COST_OF_A_FAILURE = timedelta(seconds=30)
"""What a failing registry costs is worker's time, by repeating and by waiting: its next turn comes so much later."""

_NO_PAUSE = {"paused_until": None, "pause_code": "", "pause_message": "", "pause_remedy": ""}


def lock_state(registry_id: int) -> RegistryState:
    """Lock a registry's state, which is made where there is none, until the caller's transaction ends."""
    rows = RegistryState.objects.select_for_update().filter(registry=registry_id)
    state = rows.first()
    if state is None:
        RegistryState.objects.bulk_create([RegistryState(registry_id=registry_id)], ignore_conflicts=True)
        state = rows.get()
    return state


def not_paused(path: str, now: datetime) -> Q:
    """Rows whose registry may be asked now.

    :param path: to the registry, ``registry`` or ``scan__registry``.
    """
    until = f"{path}__state__paused_until"
    return Q(**{f"{until}__isnull": True}) | Q(**{f"{until}__lte": now})


def is_on_trial(state: RegistryState) -> bool:
    """Whether one worker at a time may find out if the registry is back."""
    return state.failures >= FAILURES_UNTIL_PAUSE


@contextmanager
def watched(registry_id: int, clock: Callable[[], datetime]) -> Iterator[None]:
    """Note how the registry behaves in here; a problem of the image or of ours says nothing about it."""
    try:
        yield
    except OwnLimit:
        raise
    except Unavailable as problem:
        note_failure(registry_id, problem, now=clock())
        raise
    except ScanProblem:
        note_answer(registry_id)
        raise
    else:
        note_answer(registry_id)


def note_answer(registry_id: int) -> None:
    """The registry works: whatever was held against it is forgotten."""
    RegistryState.objects.filter(registry=registry_id, failures__gt=0).update(failures=0, **_NO_PAUSE)


def note_failure(registry_id: int, problem: Unavailable, *, now: datetime) -> None:
    """Count a failure, or obey a rate limit; either may pause the registry for all workers."""
    with transaction.atomic():
        state = lock_state(registry_id)
        wait: timedelta | None
        if problem.code == "rate-limited":
            wait = pause_when_limited(problem)
        else:
            state.failures += 1
            wait = pause_after(state.failures, secrets.randbelow(1_000) / 1_000)
            state.served_at = now + state.failures * _COST_OF_A_FAILURE
        _pause(state, problem, wait, now)
        state.save(update_fields=["failures", "served_at", *_NO_PAUSE])


def _pause(state: RegistryState, problem: Unavailable, wait: timedelta | None, now: datetime) -> None:
    if wait is None or (state.paused_until is not None and state.paused_until >= now + wait):
        return
    told = problem_columns(problem)
    state.paused_until = now + wait
    state.pause_code = told["problem_code"]
    state.pause_message = told["problem_message"]
    state.pause_remedy = told["problem_remedy"]


def resume_registry(registry: Registry) -> list[WakeUp]:
    """Try again now, as somebody asks for: one trial where it kept failing, else everything; return what to wake."""
    RegistryState.objects.filter(registry=registry).update(**_NO_PAUSE)
    scans = Scan.objects.filter(registry=registry, state__in=ACTIVE)
    parts = RepositoryScan.objects.filter(scan__in=scans, state__in=ACTIVE)
    scans.update(not_before=None)
    parts.update(not_before=None)
    listings = scans.free().filter(listed_at=None).values_list("pk", flat=True)
    first = parts.free().order_by("pk").values_list("pk", flat=True)[:1]
    return [
        *(WakeUp(Work.SCAN, pk) for pk in listings),
        *(WakeUp(Work.REPOSITORY_SCAN, pk) for pk in first),
    ]
