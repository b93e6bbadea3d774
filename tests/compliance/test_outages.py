"""The database or the queue is away for a while in the middle of everything: nothing that was promised is lost."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from http.client import HTTPConnection
from pathlib import Path

import pytest
from django.core.management import call_command
from django.db import connection
from django.test import Client, override_settings
from django.utils import timezone
from pytest_django import DjangoDbBlocker

from compliance.localstack.valkey import Valkey
from compliance.models import ACTIVE, Push, Registry, Repository, Scan, State, Tag, User
from compliance.policy.schedule import Schedule
from compliance.services.publish_policies import publish_policies
from compliance.services.request_scan import request_scan
from compliance.services.save_registry import RegistryValues, save_registry
from compliance.services.webhook_endpoints import make_endpoint
from tests.support.demo_registry import DemoRegistry
from tests.support.flood import Answer, flood, send
from tests.support.hooks import pushed
from tests.support.images import File, image, layer
from tests.support.oci_layout import OciLayout
from tests.support.own_postgres import OwnPostgres, own_postgres
from tests.support.promises import broken_promises, lost_events
from tests.support.running import Running, exchange, request, running

REPOSITORIES, TAGS = 4, 6
EVENTS, PER_MINUTE = 150, 1_500
BASE = layer({"etc/passwd": File(b"app:x:1001:1001::/:/bin/sh\n")})
HURRIED = {"PLIMSOLL_LEASE_SECONDS": "2", "PLIMSOLL_TICK_SECONDS": "0.5"}
SECONDS_AWAY = 3.0

pytestmark = [pytest.mark.worker]


class Queue:
    """A Valkey of the test's own, on one port."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        self._server = Valkey(folder, fast=True)
        self._running = self._server.start()
        self.url = self._running.url

    def kill(self) -> None:
        """``kill -9``; nothing in it is kept."""
        self._running.process.kill()
        self._running.process.wait(60)

    def start(self) -> None:
        """Again, empty."""
        self._running = self._server.start(self._running.port)


class Shop:
    """A registry with images, its row, its endpoint, and what it sends there."""

    def __init__(self, registry: DemoRegistry, layout: OciLayout) -> None:
        self.digests: dict[tuple[str, str], str] = {}
        with layout.together():
            for number in range(REPOSITORIES):
                for tag in range(TAGS):
                    stored = image([BASE, layer({"srv/mark": File(f"{number}.{tag}".encode())})], user="1001")
                    layout.tag(f"team/app{number}", f"1.{tag}", stored)
                    self.digests[f"team/app{number}", f"1.{tag}"] = stored.digest
        publish_policies(timezone.now())
        values = RegistryValues("shop", registry.url, "kubernetes", allow_private=True, schedule=Schedule(0))
        self.row: Registry = save_registry(values, now=timezone.now())
        self.made = make_endpoint(self.row, "distribution", now=timezone.now())

    def push(self, number: int) -> bytes:
        """One request, for each tag in turn."""
        (name, tag), digest = list(self.digests.items())[number % len(self.digests)]
        headers = {"Authorization": f"Bearer {self.made.secret}", "Content-Type": "application/json"}
        return request("POST", f"/hooks/{self.made.endpoint.key}/", pushed(tag, digest, repository=name), headers)

    def is_known(self) -> bool:
        """Whether every tag is judged as it should be and nothing is under way."""
        if Push.objects.filter(state="waiting").exists() or Scan.objects.filter(state__in=ACTIVE).exists():
            return False
        found = {(one.repository.name, one.name): one.digest for one in Tag.objects.select_related("repository")}
        return found == self.digests and set(Tag.objects.values_list("verdict", flat=True)) == {"pass"}


def until(happened: Callable[[], object], seconds: float, product: Running) -> None:
    """Wait, and start again what ended by itself."""
    began = time.monotonic()
    while not happened():
        product.revive()
        assert time.monotonic() - began < seconds, list(Scan.objects.values("state", "trigger", "problem_code"))
        time.sleep(0.1)


@pytest.fixture
def postgres(tmp_path: Path, django_db_blocker: DjangoDbBlocker) -> Iterator[OwnPostgres]:
    with django_db_blocker.unblock(), own_postgres(tmp_path / "postgres") as found:
        yield found


@pytest.fixture
def queue(tmp_path: Path) -> Iterator[Queue]:
    found = Queue(tmp_path / "valkey")
    yield found
    found.kill()


def asked(port: int, raw: bytes) -> tuple[int, str]:
    """The status, and when to come again."""
    connection = HTTPConnection("127.0.0.1", port, timeout=60)
    head, _, body = raw.partition(b"\r\n\r\n")
    line, *fields = head.decode().split("\r\n")
    method, path, _ = line.split(" ")
    connection.request(method, path, body, dict(one.split(": ", 1) for one in fields))
    answer = connection.getresponse()
    return answer.status, answer.headers.get("Retry-After", "")


def staff() -> dict[str, str]:
    """The header of somebody who is logged in."""
    client = Client()
    client.force_login(User.objects.create_user("kim", is_staff=True))
    return {"Cookie": f"session={client.cookies['session'].value}"}


def sending(port: int, shop: Shop, number: int, due: float) -> Answer:
    """As a registry does, which sends again until it is answered 202."""
    return send(port, shop.push(number), due=due, patience=60)


@contextmanager
def product_of(folder: Path, queue: Queue) -> Iterator[Running]:
    """All of it, with this queue and with the files that pages need."""
    static = folder / "static"
    with override_settings(STATIC_ROOT=static):
        call_command("collectstatic", interactive=False, verbosity=0)
    settings = {"REDIS_URL": queue.url, "STATIC_ROOT": str(static), **HURRIED}
    with running(folder, settings=settings) as product:
        yield product


def test_postgres_ends_without_a_word_and_comes_back(
    postgres: OwnPostgres, queue: Queue, demo_registry: DemoRegistry, demo_layout: OciLayout, tmp_path: Path
) -> None:
    shop = Shop(demo_registry, demo_layout)
    demo_registry.faults.seconds_before_head = 0.25
    cookie = staff()
    with product_of(tmp_path, queue) as product:
        request_scan(shop.row, trigger=Scan.Trigger.PAGE, now=timezone.now())
        until(lambda: 0 < Tag.objects.count() < len(shop.digests), 60, product)
        connection.close()
        page = request("GET", "/registries/", headers=cookie)

        with ThreadPoolExecutor(1) as senders:
            sent = senders.submit(flood, partial(sending, product.port, shop), EVENTS, PER_MINUTE)
            time.sleep(1)
            postgres.stop()
            time.sleep(SECONDS_AWAY / 2)
            met = [asked(product.port, raw) for raw in (shop.push(0), page, request("GET", "/readyz"))]
            time.sleep(SECONDS_AWAY / 2)
            postgres.start()  # here, because it ends with the thread that started it
            until(lambda: exchange(product.port, request("GET", "/readyz"))[0] == 200, 60, product)
            answers = sent.result()
        until(shop.is_known, 200, product)

    assert [status for status, _ in met] == [503, 503, 503]
    assert all(int(wait) > 0 for _, wait in met[:2])
    assert {answer.status for answer in answers} == {202}
    assert any(answer.tries > 1 for answer in answers)
    assert lost_events(answer.event for answer in answers if answer.event) == 0
    assert broken_promises() == {}
    assert Repository.objects.count() == REPOSITORIES
    assert not Scan.objects.exclude(state=State.DONE).exists()


@pytest.mark.django_db(transaction=True)
def test_the_queue_ends_without_a_word_and_comes_back_empty(
    queue: Queue, demo_registry: DemoRegistry, demo_layout: OciLayout, tmp_path: Path
) -> None:
    shop = Shop(demo_registry, demo_layout)
    cookie = staff()
    pages = ["/", "/registries/", f"/registries/{shop.row.slug}/", "/scans/", "/webhooks/"]
    with product_of(tmp_path, queue) as product:
        queue.kill()
        time.sleep(SECONDS_AWAY)
        answers = [send(product.port, shop.push(number), due=time.monotonic()) for number in range(len(shop.digests))]
        shown = [exchange(product.port, request("GET", page, headers=cookie)) for page in pages]
        waiting = Push.objects.filter(state="waiting").count()
        queue.start()
        until(shop.is_known, 200, product)  # a worker that ended by itself is started again, which takes its time

    assert {answer.status for answer in answers} == {202}
    assert max(answer.seconds for answer in answers) < 15
    assert [status for status, _ in shown] == [200] * len(pages)
    assert all(b"queue is paused" in body for _, body in shown)
    assert waiting == len(shop.digests)
    assert lost_events(answer.event for answer in answers if answer.event) == 0
    assert broken_promises() == {}
