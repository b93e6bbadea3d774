"""Rows as work: who may write, who may not, and what happens after a crash."""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone
from pytest_django import Settings

from compliance.models import Layer, LeaseLost, PolicyVersion, RepositoryScan, Scan, ScanError, State, Tag
from compliance.policy.wake_up import Work
from compliance.services.find_due_work import due_work
from compliance.services.index_layers import LayerShelf, WantedLayer
from compliance.services.keep_lease import LeaseKeeper
from compliance.services.list_repositories import list_repositories
from compliance.services.record_images import Batch, record_images
from compliance.services.request_scan import cancel_scan, request_scan
from compliance.services.scan_repository import scan_repository
from compliance.services.write_tags import TagRead
from scanner.domain.problems import ImageProblem, ScanProblem, Unavailable
from scanner.domain.reference import Digest
from scanner.filesystem.layer_index import LayerIndex, index_layer
from tests.compliance.services.conftest import BASE, NOON, World, app

MINUTE = timedelta(minutes=1)


@pytest.fixture
def part(world: World) -> RepositoryScan:
    """A repository scan nobody has begun."""
    world.layout.tag("team/app", "1", app("1001"))
    scan_id = request_scan(world.registry, trigger="command", now=NOON)
    list_repositories(scan_id, clock=lambda: NOON)
    return RepositoryScan.objects.get()


def _until(happened: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not happened():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def _expire(rows: type[RepositoryScan] | type[Layer] | type[Scan]) -> None:
    rows.objects.update(lease_until=timezone.now() - MINUTE)


def test_one_of_two_gets_the_row(part: RepositoryScan) -> None:
    first = RepositoryScan.objects.take(part.pk, MINUTE)

    assert first is not None
    assert RepositoryScan.objects.take(part.pk, MINUTE) is None
    RepositoryScan.objects.give_back(part.pk, first)
    assert RepositoryScan.objects.take(part.pk, MINUTE) is not None


def test_an_expired_lease_is_taken_over_and_the_zombie_cannot_write(part: RepositoryScan) -> None:
    zombie = RepositoryScan.objects.take(part.pk, MINUTE)
    assert zombie is not None
    _expire(RepositoryScan)
    assert RepositoryScan.objects.take(part.pk, MINUTE) is not None
    version = PolicyVersion.objects.get(policy__name="kubernetes")
    batch = Batch(tags=[TagRead("1", "", ImageProblem("x", "y"))])

    with pytest.raises(LeaseLost):
        record_images(part, zombie, version, batch, now=NOON)
    with pytest.raises(LeaseLost):
        RepositoryScan.objects.renew(part.pk, zombie, MINUTE)

    assert not Tag.objects.exists()


def test_somebody_elses_row_is_left_alone(part: RepositoryScan, world: World) -> None:
    RepositoryScan.objects.take(part.pk, MINUTE)

    assert scan_repository(part.pk, clock=lambda: NOON) == []

    assert not Tag.objects.exists()


def test_the_next_worker_goes_on_after_the_cursor(part: RepositoryScan, world: World) -> None:
    for number in range(3):
        world.layout.tag("team/app", str(number), app("1001"))
    RepositoryScan.objects.update(cursor="1")
    world.server.requests.clear()

    scan_repository(part.pk, clock=lambda: NOON)

    heads = [seen.path for seen in world.server.requests if seen.method == "HEAD"]
    assert heads == ["/v2/team/app/manifests/2"]


def test_work_that_kills_its_worker_ends_after_three_times(part: RepositoryScan) -> None:
    for _ in range(3):
        assert RepositoryScan.objects.take(part.pk, MINUTE) is not None  # and then the worker dies
        _expire(RepositoryScan)

    scan_repository(part.pk, clock=lambda: NOON)

    part.refresh_from_db()
    assert (part.state, ScanError.objects.get().code) == (State.FAILED, "crashed")
    assert Scan.objects.get().state == State.DONE
    assert Scan.objects.get().repositories_failed == 1


def test_a_cancelled_scan_is_not_written_to(part: RepositoryScan) -> None:
    token = RepositoryScan.objects.take(part.pk, MINUTE)
    assert token is not None

    assert cancel_scan(part.scan_id, now=NOON)

    with pytest.raises(LeaseLost):
        RepositoryScan.objects.fence(part.pk, token)
    assert scan_repository(part.pk, clock=lambda: NOON) == []
    assert not cancel_scan(part.scan_id, now=NOON)


def test_the_tick_finds_what_nobody_works_on(part: RepositoryScan) -> None:
    found = [wake_up for wake_up in due_work(NOON) if wake_up.work is Work.REPOSITORY_SCAN]
    assert [wake_up.id for wake_up in found] == [part.pk]

    RepositoryScan.objects.take(part.pk, MINUTE)
    assert due_work(NOON) == []

    _expire(RepositoryScan)
    assert len(due_work(NOON)) == 1

    RepositoryScan.objects.update(not_before=NOON + MINUTE)
    assert due_work(NOON) == []
    assert len(due_work(NOON + 2 * MINUTE)) == 1


def test_the_tick_ends_a_scan_whose_worker_died_before_the_end(part: RepositoryScan) -> None:
    RepositoryScan.objects.update(state=State.DONE)

    due_work(NOON)

    assert Scan.objects.get().state == State.DONE


def test_asking_again_joins_the_scan_under_way(world: World) -> None:
    first = request_scan(world.registry, trigger="page", now=NOON)

    assert request_scan(world.registry, trigger="command", now=NOON) == first
    assert Scan.objects.count() == 1


def test_a_due_registry_is_scanned_once_per_interval(world: World) -> None:
    due_work(NOON)
    due_work(NOON)
    assert Scan.objects.count() == 1
    Scan.objects.update(state=State.DONE)

    due_work(NOON + timedelta(minutes=59))
    assert Scan.objects.count() == 1
    due_work(NOON + timedelta(minutes=61))
    assert Scan.objects.count() == 2


@pytest.mark.django_db(transaction=True)
def test_ten_requests_at_once_make_one_scan(world: World) -> None:
    def ask(_: int) -> int:
        try:
            return request_scan(world.registry, trigger="page", now=NOON)
        finally:
            connection.close()

    with ThreadPoolExecutor(10) as pool:
        ids = set(pool.map(ask, range(10)))

    assert len(ids) == 1


@pytest.mark.django_db(transaction=True)
def test_a_lease_is_renewed_while_work_goes_on(world: World, part: RepositoryScan, settings: Settings) -> None:
    settings.LEASE_SECONDS = 4
    token = RepositoryScan.objects.take(part.pk, timedelta(seconds=4))
    assert token is not None
    rows = RepositoryScan.objects.filter(pk=part.pk)
    taken_until = rows.get().lease_until

    def is_lost() -> bool:
        with suppress(LeaseLost):
            keeper.check(RepositoryScan.objects.all(), part.pk)
            return False
        return True

    with LeaseKeeper() as keeper:
        keeper.hold(RepositoryScan.objects.all(), part.pk, token)
        _until(lambda: rows.exclude(lease_until=taken_until).exists())
        assert RepositoryScan.objects.take(part.pk, MINUTE) is None
        assert not is_lost()
        rows.update(lease_token=uuid.uuid4())
        _until(is_lost)


WANTED = WantedLayer(Digest(BASE.digest), len(BASE.blob), BASE.media_type)


def _index() -> LayerIndex:
    from scanner.domain.limits import DEFAULT_LIMITS

    return index_layer(
        iter([BASE.blob]), digest=WANTED.digest, size=WANTED.size, diff_id=None, limits=DEFAULT_LIMITS, keep=()
    )


def _gather(fetch: Callable[[], LayerIndex]) -> LayerIndex | ScanProblem:
    with ThreadPoolExecutor(2) as pool, LeaseKeeper() as keeper:
        shelf = LayerShelf(lambda _layer, _keep: fetch(), pool, keeper, lambda: NOON)
        return shelf.gather([WANTED])[WANTED]


@pytest.mark.django_db(transaction=True)
def test_two_workers_read_a_layer_once() -> None:
    fetched: list[int] = []

    def fetch() -> LayerIndex:
        fetched.append(1)
        assert not threading.Event().wait(0.5)
        return _index()

    def worker(_: int) -> LayerIndex | ScanProblem:
        try:
            return _gather(fetch)
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as workers:
        answers = list(workers.map(worker, range(2)))

    assert len(fetched) == 1
    assert [isinstance(answer, LayerIndex) for answer in answers] == [True, True]


def test_the_claim_of_a_dead_worker_is_taken_over(db: None) -> None:
    Layer.objects.create(digest=WANTED.digest, size=WANTED.size, media_type=WANTED.media_type)
    Layer.objects.take(WANTED.digest, MINUTE)
    _expire(Layer)

    assert isinstance(_gather(_index), LayerIndex)
    assert Layer.objects.get().lease_token is None


def test_what_the_registry_did_wrong_is_not_held_against_the_layer(db: None) -> None:
    def fail() -> LayerIndex:
        raise Unavailable("timeout", "too slow")

    assert isinstance(_gather(fail), Unavailable)
    row = Layer.objects.get()
    assert (row.problem_code, row.lease_token, row.attempts) == ("", None, 0)
    assert isinstance(_gather(_index), LayerIndex)


def test_what_is_wrong_with_the_layer_is_remembered(db: None) -> None:
    def fail() -> LayerIndex:
        raise ImageProblem("bad-tar", "no archive", remedy="Push it again.")

    assert isinstance(_gather(fail), ImageProblem)
    again = _gather(_index)
    assert isinstance(again, ImageProblem)
    assert (again.code, again.remedy) == ("bad-tar", "Push it again.")


def test_a_layer_that_kills_three_workers_is_given_up(db: None) -> None:
    Layer.objects.create(digest=WANTED.digest, size=WANTED.size, media_type=WANTED.media_type)
    for _ in range(3):
        assert Layer.objects.take(WANTED.digest, MINUTE) is not None
        _expire(Layer)

    answer = _gather(_index)

    assert isinstance(answer, ImageProblem)
    assert answer.code == "crashed"
