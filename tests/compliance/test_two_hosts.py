"""Two workers in two network namespaces, one Postgres, one Redis, one registry; one of them dies in the middle."""

from __future__ import annotations

import re
import time
from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import redis
from django.conf import settings
from django.db import connection
from django.utils import timezone

from compliance.models import ACTIVE, Layer, Registry, Repository, RepositoryScan, Scan, State, Tag, TagChange
from compliance.policy.schedule import Schedule
from compliance.project.celery import app
from compliance.services.publish_policies import publish_policies
from compliance.services.request_scan import request_scan
from compliance.services.save_registry import RegistryValues, save_registry
from compliance.tasks.wake import wake
from tests.support.demo_registry import DemoRegistry
from tests.support.images import File, image, layer
from tests.support.oci_layout import OciLayout
from tests.support.other_host import doors, entering
from tests.support.workers import kill, worker

REPOSITORIES, TAGS = 8, 10
BASE = layer({"etc/passwd": File(b"app:x:1001:1001::/:/bin/sh\n")})

pytestmark = [pytest.mark.worker, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def registry(demo_registry: DemoRegistry, demo_layout: OciLayout) -> Registry:
    """Repositories that share layers with each other, behind a slow registry."""
    redis.Redis.from_url(settings.REDIS_URL).flushdb()
    with demo_layout.together():
        for number in range(REPOSITORIES):
            for tag in range(TAGS):
                shared = layer({"srv/shared": File(f"{tag}".encode() * 5_000)})
                own = layer({"srv/own": File(f"{number}.{tag}".encode())})
                stored = image([BASE, shared, own], user="1001" if tag % 2 else "app")
                demo_layout.tag(f"team/app{number}", f"1.{tag}", stored)
    demo_registry.faults.seconds_before_head = 0.25
    publish_policies(timezone.now())
    values = RegistryValues("shop", demo_registry.url, "kubernetes", allow_private=True, schedule=Schedule(0))
    return save_registry(values, now=timezone.now())


def blobs(demo_registry: DemoRegistry) -> Counter[str]:
    """How often each layer or config was asked for."""
    paths = (request.path for request in demo_registry.seen("GET", "/blobs/"))
    return Counter(found[0] for path in paths if (found := re.search(r"sha256:[0-9a-f]{64}", path)))


def test_one_of_two_hosts_dies_and_no_byte_is_pulled_twice(
    registry: Registry, demo_registry: DemoRegistry, tmp_path: Path
) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    first.mkdir()
    second.mkdir()
    servers = (settings.REDIS_URL, demo_registry.url)
    ports = [int(connection.settings_dict["PORT"]), *(urlsplit(url).port or 0 for url in servers)]
    with ExitStack() as stack:
        stack.enter_context(doors(tmp_path, ports))
        there = entering(tmp_path, ports)
        doomed = stack.enter_context(worker(first, before=there))
        stack.enter_context(worker(second, before=there))
        until(lambda: len(app.control.ping(timeout=1.0) or ()) == 2)
        wake(request_scan(registry, trigger=Scan.Trigger.PAGE, now=timezone.now()))
        until(lambda: RepositoryScan.objects.filter(state=State.RUNNING).count() > 2 and Tag.objects.count() > 10)
        kill(doomed)
        stored = set(Layer.objects.exclude(index=None).values_list("digest", flat=True))
        began = blobs(demo_registry)
        until(lambda: not Scan.objects.filter(state__in=ACTIVE).exists())

    scan = Scan.objects.get()
    assert (scan.state, scan.repositories_failed, scan.repositories_done) == (State.DONE, 0, REPOSITORIES)
    assert Tag.objects.count() == TagChange.objects.count() == REPOSITORIES * TAGS
    totals = set(Repository.objects.values_list("tags_total", "failed", "passed", "unknown"))
    assert totals == {(TAGS, TAGS // 2, TAGS // 2, 0)}
    layers = set(Layer.objects.exclude(index=None).values_list("digest", flat=True))
    assert len(layers) == 1 + TAGS + REPOSITORIES * TAGS
    pulled = blobs(demo_registry)
    in_flight = {digest for digest in layers - stored if began[digest]}  # what the dead host took with it
    assert {digest for digest in layers if pulled[digest] != 1} <= in_flight
    assert all(pulled[digest] == 2 for digest in in_flight if pulled[digest] != 1)


def until(happened: Callable[[], object], seconds: float = 200.0) -> None:
    deadline = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < deadline, list(RepositoryScan.objects.values("state", "attempts", "tags_done"))
        time.sleep(0.05)
