"""A registry that fails is left alone, one that asks for time gets it, and others are not concerned."""

from __future__ import annotations

from datetime import timedelta

import pytest

from compliance.models import RegistryState, RepositoryScan, Scan, State
from compliance.policy.retry import OwnLimit
from compliance.policy.wake_up import Work
from compliance.services.find_due_work import due_work
from compliance.services.list_repositories import list_repositories
from compliance.services.pause_registry import note_answer, note_failure, resume_registry, watched
from compliance.services.request_scan import request_scan
from compliance.services.scan_repository import scan_repository
from scanner.domain.problems import ImageProblem, Refused, ScanProblem, Unavailable
from tests.compliance.services.conftest import NOON, World, app
from tests.support.rows import registry

DOWN = Unavailable("unreachable", "no answer", remedy="Check the address.")


def state() -> RegistryState:
    return RegistryState.objects.get()


NOTED = [
    (DOWN, 1),
    (Unavailable("rate-limited", "429"), 0),
    (OwnLimit("rate-limited", "ours"), 0),
    (Refused("denied", "403"), 0),
    (ImageProblem("bad-tar", "no archive"), 0),
]


@pytest.mark.parametrize(("problem", "failures"), NOTED)
def test_what_counts_as_a_failure(db: None, problem: ScanProblem, failures: int) -> None:
    home = registry()
    RegistryState.objects.create(registry=home)

    with pytest.raises(type(problem)), watched(home.pk, lambda: NOON):
        raise problem

    assert state().failures == failures


def test_five_in_a_row_pause_and_an_answer_resumes(db: None) -> None:
    home = registry()
    for _ in range(4):
        note_failure(home.pk, DOWN, now=NOON)
    assert state().paused_until is None

    note_failure(home.pk, DOWN, now=NOON)
    paused = state()
    assert paused.paused_until is not None
    assert timedelta(seconds=30) <= paused.paused_until - NOON <= timedelta(seconds=36)
    assert (paused.pause_code, paused.pause_remedy) == ("unreachable", "Check the address.")

    note_answer(home.pk)
    assert (state().failures, state().paused_until, state().pause_code) == (0, None, "")


def test_answers_in_between_keep_it_going(db: None) -> None:
    home = registry()
    for _ in range(9):
        note_failure(home.pk, DOWN, now=NOON)
        note_answer(home.pk)

    assert state().paused_until is None


def test_a_shorter_pause_does_not_end_a_longer_one(db: None) -> None:
    home = registry()
    note_failure(home.pk, Unavailable("rate-limited", "429", retry_after=600), now=NOON)
    note_failure(home.pk, Unavailable("rate-limited", "429", retry_after=10), now=NOON)

    assert state().paused_until == NOON + timedelta(minutes=10)


def test_one_429_keeps_all_repositories_from_asking(world: World) -> None:
    for name in ("team/a", "team/b", "team/c"):
        world.layout.tag(name, "1", app("1001"))
    scan = request_scan(world.registry, trigger="command", now=NOON)
    parts = [wake_up.id for wake_up in list_repositories(scan, clock=lambda: NOON)]
    world.server.faults.too_many_requests, world.server.faults.retry_after = 99, "120"
    world.server.requests.clear()

    for pk in parts:
        scan_repository(pk, clock=lambda: NOON)

    assert len(world.server.seen(containing="/v2/")) == 1
    assert state().paused_until == NOON + timedelta(minutes=2)
    assert due_work(NOON + timedelta(minutes=1)) == []
    world.server.faults.too_many_requests = 0
    later = NOON + timedelta(minutes=2)
    for wake_up in due_work(later):
        scan_repository(wake_up.id, clock=lambda: later)
    assert Scan.objects.get().state == State.DONE


def test_somebody_may_have_it_tried_again_now(world: World) -> None:
    for name in ("team/a", "team/b"):
        world.layout.tag(name, "1", app("1001"))
    scan = request_scan(world.registry, trigger="command", now=NOON)
    list_repositories(scan, clock=lambda: NOON)
    RepositoryScan.objects.update(not_before=NOON + timedelta(hours=1))
    for _ in range(9):
        note_failure(world.registry.pk, DOWN, now=NOON)
    assert due_work(NOON) == []

    (trial,) = resume_registry(world.registry)

    assert trial.work is Work.REPOSITORY_SCAN
    scan_repository(trial.id, clock=lambda: NOON)
    assert state().failures == 0
    assert len(due_work(NOON)) == 1
