"""Whose turn it is: many registries, some with much work, some with little, some of them down."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import datetime, timedelta

from django.db.models import Max
from django.utils import timezone
from pytest_django import Settings

from compliance.models import Registry, RegistryState, Repository, RepositoryScan, Scan, State
from compliance.policy.wake_up import Work
from compliance.services.find_due_work import MOST_WAKE_UPS, due_work
from compliance.services.pause_registry import note_answer, note_failure
from compliance.services.take_turn import next_part, others_wait, take_listing, take_part
from scanner.domain.problems import Unavailable
from tests.compliance.services.conftest import NOON
from tests.support.rows import registry

DOWN = Unavailable("unreachable", "no answer")


def queued(home: Registry, repositories: int, *, partial: bool = False) -> Scan:
    """A listed scan none of whose repositories anybody has begun."""
    trigger = Scan.Trigger.WEBHOOK if partial else Scan.Trigger.SCHEDULE
    scan = Scan.objects.create(
        registry=home, trigger=trigger, partial=partial, requested_at=NOON, listed_at=NOON, state=State.RUNNING
    )
    rows = Repository.objects.bulk_create(
        Repository(registry=home, policy=home.policy, name=f"{scan.pk}/{number}", first_seen_at=NOON)
        for number in range(repositories)
    )
    RepositoryScan.objects.bulk_create(RepositoryScan(scan=scan, repository=row) for row in rows)
    return scan


def registry_of(part: int) -> str:
    return RepositoryScan.objects.get(pk=part).scan.registry.name


def finish(part: int) -> None:
    RepositoryScan.objects.filter(pk=part).update(state=State.DONE, lease_token=None, lease_until=None)


def served(moments: int, *, pushes_first: bool = True) -> Iterator[str]:
    """What one worker does, a second for each piece."""
    for second in range(moments):
        now = NOON + timedelta(seconds=second)
        work = next_part(now, pushes_first=pushes_first)
        if work is None:
            return
        assert take_part(work.id, now)
        yield registry_of(work.id)
        finish(work.id)


def test_a_small_registry_does_not_wait_for_a_large_one(db: None) -> None:
    queued(registry("Large"), 2_000)
    queued(registry("Small"), 5)

    order = list(served(12))

    assert Counter(order[:10]) == {"Large": 5, "Small": 5}


def test_the_tick_rings_for_every_registry_first(db: None) -> None:
    queued(registry("Large"), 500)
    queued(registry("Small"), 5)

    rung = [wake_up.id for wake_up in due_work(NOON) if wake_up.work is Work.REPOSITORY_SCAN]

    assert len(rung) == MOST_WAKE_UPS
    assert Counter(registry_of(pk) for pk in rung[:10]) == {"Large": 5, "Small": 5}


def test_pushes_go_first_but_not_for_ever(db: None) -> None:
    queued(registry("Whole"), 3)
    queued(registry("Pushed"), 3, partial=True)

    assert list(served(2)) == ["Pushed", "Pushed"]
    assert next(served(1, pushes_first=False)) == "Whole"


def test_a_push_goes_before_the_rest_of_its_own_registry(db: None) -> None:
    home = registry()
    queued(home, 50)
    push = queued(home, 1, partial=True)

    work = next_part(NOON, pushes_first=False)

    assert work is not None
    assert RepositoryScan.objects.get(pk=work.id).scan == push


def test_connections_are_shared_by_all_workers(db: None, settings: Settings) -> None:
    settings.SCAN_CONNECTIONS = 8
    home = registry(connections=12)
    queued(home, 5)
    parts = list(RepositoryScan.objects.order_by("pk").values_list("pk", flat=True))

    assert [take_part(pk, NOON) is not None for pk in parts[:3]] == [True, True, False]
    assert list(RepositoryScan.objects.order_by("pk").values_list("connections", flat=True)[:3]) == [8, 3, 0]
    assert next_part(NOON) is None

    queued(home, 1, partial=True)  # which may have the one that is kept
    work = next_part(NOON)
    assert work is not None
    assert take_part(work.id, NOON) is not None
    assert RepositoryScan.objects.get(pk=work.id).connections == 1

    finish(parts[0])
    assert take_part(parts[2], NOON) is not None


def test_big_layers_of_pushes_leave_the_connection_that_is_kept_for_pushes(db: None) -> None:
    home = registry("Small", connections=3)
    heavy = queued(home, 2, partial=True).repository_scans
    heavy.update(heavy=True)
    first, second = heavy.order_by("pk").values_list("pk", flat=True)
    push = queued(home, 1, partial=True).repository_scans.get()

    assert take_part(first, NOON)

    assert take_part(second, NOON) is None
    assert next_part(NOON, heavy=True) is None
    found = next_part(NOON)
    assert found is not None
    assert found.id == push.pk
    assert take_part(push.pk, NOON)


def test_big_layers_leave_a_connection_where_there_are_two(db: None) -> None:
    heavy = queued(registry("Small", connections=2), 1).repository_scans
    heavy.update(heavy=True)
    assert take_part(heavy.get().pk, NOON)
    assert heavy.get().connections == 1


def test_a_dead_workers_connections_are_given_back(db: None) -> None:
    queued(registry(connections=1), 2)
    first, second = RepositoryScan.objects.order_by("pk").values_list("pk", flat=True)
    assert take_part(first, NOON) is not None
    assert take_part(second, NOON) is None

    RepositoryScan.objects.filter(pk=first).update(lease_until=timezone.now() - timedelta(seconds=1))

    assert take_part(second, NOON) is not None


def test_a_registry_that_is_down_is_left_alone_then_tried_once(db: None) -> None:
    home, other = registry("Down"), registry("Fine")
    queued(home, 3)
    queued(other, 1)
    for _ in range(5):
        note_failure(home.pk, DOWN, now=NOON)

    assert list(served(5)) == ["Fine"]
    later = NOON + timedelta(minutes=1)
    trial = next_part(later)
    assert trial is not None
    assert take_part(trial.id, later) is not None
    assert next_part(later) is None
    others = RepositoryScan.objects.filter(scan__registry=home).exclude(pk=trial.id).values_list("pk", flat=True)
    assert [take_part(pk, later) for pk in others] == [None, None]

    note_answer(home.pk)
    assert next_part(later) is not None


def test_a_paused_registry_is_not_listed(db: None) -> None:
    home = registry()
    scan = Scan.objects.create(registry=home, trigger=Scan.Trigger.PAGE, requested_at=NOON)
    RegistryState.objects.create(registry=home, paused_until=NOON + timedelta(minutes=1))

    assert due_work(NOON) == []
    assert take_listing(scan.pk, NOON) is None
    later = NOON + timedelta(minutes=1)
    assert [wake_up.id for wake_up in due_work(later)] == [scan.pk]
    assert take_listing(scan.pk, later) is not None


def test_a_long_piece_lets_others_in(db: None) -> None:
    whole = queued(registry("Large"), 3)
    assert not others_wait(whole, NOON)

    push = queued(registry("Other"), 1, partial=True)

    assert others_wait(whole, NOON)
    assert not others_wait(push, NOON)


BROKEN_EVERY = 10, 3
REGISTRIES, PIECES, WORKERS = 40, 4, 4


def _ended_at(broken: bool) -> dict[str, datetime]:
    """Simulate workers of which each piece takes a second, a failing one five, and say when each registry was done."""
    of, bad = BROKEN_EVERY
    for number in range(REGISTRIES):
        queued(registry(f"R{number}"), PIECES)
    now, busy_until = NOON, [NOON] * WORKERS
    begun: dict[int, tuple[int, bool]] = {}
    for step in range(4_000):
        now = NOON + timedelta(seconds=step / 2)
        for worker, until in enumerate(busy_until):
            if until > now:
                continue
            if worker in begun:
                _end(*begun.pop(worker), now)
            work = next_part(now)
            if work is None or take_part(work.id, now) is None:
                continue
            fails = broken and int(registry_of(work.id)[1:]) % of < bad
            begun[worker] = (work.id, fails)
            busy_until[worker] = now + timedelta(seconds=5 if fails else 1)
        healthy = RepositoryScan.objects.exclude(state=State.DONE)
        if not [pk for pk in healthy.values_list("scan__registry__name", flat=True) if int(pk[1:]) % of >= bad]:
            break
    rows = RepositoryScan.objects.filter(state=State.DONE).values_list("scan__registry__name")
    return {name: at for name, at in rows.annotate(at=Max("finished_at")) if int(name[1:]) % of >= bad}


def _end(part: int, fails: bool, now: datetime) -> None:
    home = RepositoryScan.objects.get(pk=part).scan.registry_id
    if fails:
        note_failure(home, DOWN, now=now)
        RepositoryScan.objects.filter(pk=part).update(
            state=State.QUEUED, not_before=now + timedelta(seconds=15), lease_token=None, lease_until=None
        )
    else:
        note_answer(home)
        finish(part)
        RepositoryScan.objects.filter(pk=part).update(finished_at=now)


def test_thirty_percent_broken_do_not_delay_the_healthy_more_than_twice(db: None) -> None:
    broken = _ended_at(True)
    Registry.objects.all().delete()
    fine = _ended_at(False)

    assert len(broken) == len(fine) == REGISTRIES * 7 // 10
    waited = {name: (broken[name] - NOON) / (fine[name] - NOON) for name in fine}
    assert max(waited.values()) <= 2, sorted(waited.values())[-3:]
