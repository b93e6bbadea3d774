"""A real worker and beat against real servers: what is killed or flushed in the middle of a scan loses nothing."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest
import redis
from django.conf import settings
from django.utils import timezone

from compliance.models import ACTIVE, Layer, Registry, Repository, RepositoryScan, Scan, State, Tag, TagChange
from compliance.policy.schedule import Schedule
from compliance.services.publish_policies import publish_policies
from compliance.services.request_scan import request_scan
from compliance.services.save_registry import RegistryValues, save_registry
from compliance.tasks.wake import wake
from tests.support.demo_registry import DemoRegistry
from tests.support.images import File, image, layer
from tests.support.oci_layout import OciLayout
from tests.support.workers import kill, worker

REPOSITORIES, TAGS = 5, 12
USERS = ("", "app", "1001", "10001:10001")
BASE = layer({"etc/passwd": File(b"app:x:1001:1001::/:/bin/sh\n")})

pytestmark = [pytest.mark.worker, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def registry(demo_registry: DemoRegistry, demo_layout: OciLayout) -> Registry:
    """A fleet behind a slow registry, so that a scan has a middle."""
    redis.Redis.from_url(settings.REDIS_URL).flushdb()
    with demo_layout.together():
        for number in range(REPOSITORIES):
            for tag in range(TAGS):
                mark = layer({"srv/mark": File(f"{number}.{tag}".encode())})
                demo_layout.tag(f"team/app{number}", f"1.{tag}", image([BASE, mark], user=USERS[tag % 4]))
    demo_registry.faults.seconds_before_head = 0.25
    publish_policies(timezone.now())
    values = RegistryValues(
        "slow", demo_registry.url, "kubernetes", allow_private=True, schedule=Schedule(interval_minutes=0)
    )
    return save_registry(values, now=timezone.now())


def _until(happened: Callable[[], object], seconds: float = 200.0) -> None:
    deadline = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < deadline, list(RepositoryScan.objects.values("state", "attempts", "tags_done"))
        time.sleep(0.1)


def _in_the_middle() -> bool:
    return 0 < Tag.objects.count() < REPOSITORIES * TAGS


def _ended() -> bool:
    return not Scan.objects.filter(state__in=ACTIVE).exists()


def _begin(registry: Registry) -> None:
    wake(request_scan(registry, trigger=Scan.Trigger.PAGE, now=timezone.now()))


def _check_the_result() -> None:
    """What an undisturbed scan writes, each thing once."""
    scan = Scan.objects.get()
    assert (scan.state, scan.repositories_failed, scan.repositories_done) == (State.DONE, 0, REPOSITORIES)
    each = TAGS // len(USERS)
    totals = set(Repository.objects.values_list("tags_total", "failed", "passed", "unknown"))
    assert totals == {(TAGS, 2 * each, 2 * each, 0)}
    assert TagChange.objects.count() == Tag.objects.count() == REPOSITORIES * TAGS
    assert (scan.images_new, scan.new) == (REPOSITORIES * TAGS, REPOSITORIES * 2 * each)
    assert Layer.objects.exclude(index=None).count() == REPOSITORIES * TAGS + 1
    assert set(RepositoryScan.objects.values_list("state", "lease_token")) == {(State.DONE, None)}


def test_kill_9_in_the_middle_of_a_scan(registry: Registry, tmp_path: Path) -> None:
    with worker(tmp_path) as process:
        _begin(registry)
        _until(_in_the_middle)
        kill(process)
    assert not _ended()

    with worker(tmp_path):
        _until(_ended)

    _check_the_result()


def test_flushall_in_the_middle_of_a_scan(registry: Registry, tmp_path: Path) -> None:
    with worker(tmp_path):
        _begin(registry)
        _until(_in_the_middle)
        redis.Redis.from_url(settings.REDIS_URL).flushdb()
        _until(_ended)

    _check_the_result()


def test_a_message_that_never_arrived(registry: Registry, tmp_path: Path) -> None:
    request_scan(registry, trigger=Scan.Trigger.PAGE, now=timezone.now())

    with worker(tmp_path):
        _until(_ended)

    _check_the_result()
