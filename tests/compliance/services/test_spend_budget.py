"""Own limits of requests and pulls, across workers, against the database's clock."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import timedelta

import pytest
from django.db import connection
from django.db.models import F

from compliance.models import Registry, RegistryState, RepositoryScan, Scan, State, Tag
from compliance.policy.retry import OwnLimit
from compliance.services.pause_registry import lock_state
from compliance.services.request_scan import request_scan
from compliance.services.scan_repository import scan_repository
from compliance.services.spend_budget import RegistryGate, reserve
from tests.compliance.services.conftest import BASE, NOON, World, app
from tests.support.images import image, index
from tests.support.rows import registry


def _later(seconds: float) -> None:
    """As if so much time had gone by."""
    RegistryState.objects.update(budget_until=F("budget_until") - timedelta(seconds=seconds))


def _state(per_minute: int) -> Registry:
    home = registry(requests_per_minute=per_minute)
    RegistryState.objects.create(registry=home)
    return home


def _until_denied(gate: RegistryGate, method: str, path: str) -> int:
    sent = 0
    with suppress(OwnLimit):
        while True:
            gate.permit(method, path)
            sent += 1
    return sent


@pytest.mark.parametrize(("per_minute", "at_once"), [(60, 30), (600, 300), (10, 20), (1, 20)])
def test_no_more_than_a_minute_allows(db: None, per_minute: int, at_once: int) -> None:
    home = _state(per_minute)

    assert _drained(home, per_minute, at_once) == at_once
    _later(60)
    expected = min(per_minute, at_once)
    assert _drained(home, per_minute, expected) == expected


def _drained(home: Registry, per_minute: int, expected: int) -> int:
    """What is granted before nothing is, without what the time this takes has given back."""
    begun, granted = time.monotonic(), 0
    while found := reserve(home.pk, per_minute).requests:
        granted += found
    given_back = (time.monotonic() - begun) * per_minute / 60
    return expected if expected <= granted <= expected + given_back + 1 else granted


def test_the_wait_is_until_all_is_there_again(db: None) -> None:
    home = _state(60)
    while (found := reserve(home.pk, 60)).requests:
        pass

    assert found.wait == pytest.approx(30, abs=3)
    _later(found.wait)
    assert reserve(home.pk, 60).requests


def test_heads_leave_half_to_what_they_find(db: None) -> None:
    home = _state(60)
    gate = RegistryGate(home)

    assert _until_denied(gate, "HEAD", "/v2/a/manifests/1") in range(15, 18)
    assert _until_denied(gate, "GET", "/v2/a/blobs/sha256:1") in range(13, 18)


@pytest.mark.django_db(transaction=True)
def test_workers_share_one_budget() -> None:
    home = _state(120)

    def spend(_: int) -> int:
        try:
            return _until_denied(RegistryGate(home), "GET", "/v2/a/manifests/1")
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        sent = list(pool.map(spend, range(4)))

    assert 60 <= sum(sent) <= 80  # half a minute's worth, and what the clock gave meanwhile


def test_a_registry_without_limits_costs_no_query(db: None, django_assert_num_queries: object) -> None:
    gate = RegistryGate(registry())
    with django_assert_num_queries(0):  # type: ignore[operator]  # pytest-django's fixture
        for _ in range(100):
            gate.permit("GET", "/v2/a/manifests/1")


@pytest.mark.django_db(transaction=True)
def test_a_slow_budget_gets_on_turn_by_turn(world: World) -> None:
    """At 60 a minute, 30 may be sent at once; 40 new images cost more than 160 requests."""
    for number in range(40):
        world.layout.tag("team/app", f"{number:02d}", app("1001", str(number)))
    Registry.objects.update(requests_per_minute=60)
    world.registry.refresh_from_db()
    request_scan(world.registry, trigger="command", now=NOON)

    scan = world.scan()
    part = RepositoryScan.objects.get()
    assert (scan.state, part.state) == (State.RUNNING, State.QUEUED)
    assert part.not_before is not None
    first = Tag.objects.count()
    assert 0 < first < 40
    assert RegistryState.objects.get().failures == 0

    turns = 0
    while Scan.objects.get().state != State.DONE:
        turns += 1
        assert turns < 20, Tag.objects.count()
        _later(60)
        world.later(minutes=1)
        scan_repository(part.pk, clock=lambda: world.now)
    assert Tag.objects.count() == 40


HUB = {"ratelimit-limit": "100;w=21600", "docker-ratelimit-source": "192.0.2.1"}


def test_pulls_stop_before_none_are_left_and_heads_go_on(world: World) -> None:
    for number in range(3):
        world.layout.tag("team/app", str(number), app("1001", str(number)))
    world.server.faults.headers = {**HUB, "ratelimit-remaining": "10;w=21600"}

    scan = world.scan()

    asked = [method for method, path in world.requests() if "/manifests/" in path]
    assert asked == ["HEAD"] * 3
    part, state = RepositoryScan.objects.get(), RegistryState.objects.get()
    assert scan.state == State.RUNNING
    assert part.not_before == NOON + timedelta(hours=1)
    assert (state.quota_limit, state.quota_remaining, state.quota_window_seconds) == (100, 10, 21_600)
    assert (state.quota_source, state.quota_at, state.failures) == ("192.0.2.1", NOON, 0)

    world.server.faults.headers = {**HUB, "ratelimit-remaining": "90;w=21600"}
    scan_repository(part.pk, clock=lambda: NOON + timedelta(hours=1))
    assert Scan.objects.get().state == State.DONE
    assert RegistryState.objects.get().quota_remaining == 90


def test_one_pull_for_each_new_digest_and_platform(world: World) -> None:
    amd, arm = app("1001", "amd"), image([BASE], user="1001", platform="linux/arm64")
    both = index([amd, arm])
    for tag in ("1", "2", "latest"):
        world.layout.tag("team/app", tag, both)
    world.layout.tag("team/app", "amd", amd)

    world.scan()
    pulls = sorted(path for method, path in world.requests() if method == "GET" and "/manifests/" in path)
    assert pulls == sorted(f"/v2/team/app/manifests/{one.digest}" for one in (both, amd, arm))

    world.later(hours=1)
    world.scan()
    assert [method for method, path in world.requests() if "/manifests/" in path] == ["HEAD"] * 4


def test_no_state_yet(db: None) -> None:
    home = registry()

    assert lock_state(home.pk).failures == 0
