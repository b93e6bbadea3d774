"""From a push to the verdict on the page: a real registry, its own notifications, skopeo, a real worker."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
import redis
from django.conf import settings
from django.test import Client, override_settings
from django.utils import timezone
from pytest_django.live_server_helper import LiveServer

from compliance.localstack.ports import free_port
from compliance.models import Push, Registry, Scan, State, Tag, User, WebhookEndpoint
from compliance.policy.schedule import Schedule
from compliance.services.publish_policies import publish_policies
from compliance.services.request_scan import request_scan
from compliance.services.save_registry import RegistryValues, save_registry
from compliance.services.webhook_endpoints import make_endpoint
from compliance.tasks.wake import wake
from tests.support.images import File, Stored, image, layer
from tests.support.oci_layout import OciLayout
from tests.support.pages import PLAIN_STATIC, Page
from tests.support.real_registry import Announced, RealRegistry, running_registry
from tests.support.workers import worker

SECONDS = 5.0
"""What a team may wait for the verdict of what it pushed."""

BASE = layer({"etc/passwd": File(b"app:x:1001:1001::/:/bin/sh\n"), "app/run": File(b"#!", 0o755)})

pytestmark = [pytest.mark.worker, pytest.mark.realregistry, pytest.mark.django_db(transaction=True)]


@dataclass(slots=True)
class Shop:
    """A registry that announces, and somebody who looks at the page."""

    registry: RealRegistry
    row: Registry
    client: Client
    folder: Path

    def copy(self, name: str, tag: str, stored: Stored) -> None:
        layout = OciLayout(self.folder / f"layout-{time.monotonic_ns()}")
        layout.tag(name, tag, stored)
        self.registry.skopeo_copy(f"oci:{layout.folder}:{name}:{tag}", name, tag)

    def seconds_until(self, verdict: str, name: str = "team/shop", tag: str = "1.4", *, at_most: float = 60.0) -> float:
        began = time.monotonic()
        path = f"/r/{self.row.slug}/{name}/-/t/{tag}/"
        while time.monotonic() - began < at_most:
            answer = self.client.get(path)
            if answer.status_code == 200 and f"{verdict} Runs as" in Page(answer.content.decode()).text:
                return time.monotonic() - began
            time.sleep(0.05)
        raise AssertionError(
            f"{path} never said {verdict!r}: {list(Push.objects.values('state', 'tag', 'scan__state'))}"
        )


@pytest.fixture
def shop(live_server: LiveServer, tmp_path: Path) -> Iterator[Shop]:
    redis.Redis.from_url(settings.REDIS_URL).flushdb()
    publish_policies(timezone.now())
    port = free_port()
    values = RegistryValues(
        "shop", f"http://127.0.0.1:{port}", "kubernetes", allow_private=True, schedule=Schedule(interval_minutes=0)
    )
    row = save_registry(values, now=timezone.now())
    made = make_endpoint(row, "distribution", now=timezone.now())
    announced = Announced(f"{live_server.url}/hooks/{made.endpoint.key}/", f"Bearer {made.secret}")
    client = Client()
    client.force_login(User.objects.create_user("kim", is_staff=True))
    (tmp_path / "registry").mkdir()
    with ExitStack() as stack:
        stack.enter_context(override_settings(STORAGES=PLAIN_STATIC))
        registry = stack.enter_context(running_registry(tmp_path / "registry", announced=announced, port=port))
        stack.enter_context(worker(tmp_path))
        yield Shop(registry, row, client, tmp_path)


def test_the_verdict_of_a_push_is_on_the_page_within_seconds(shop: Shop) -> None:
    shop.copy("team/shop", "0.1", image([BASE], user="1001"))  # the worker has started
    shop.seconds_until("Pass", tag="0.1", at_most=200)

    for user, verdict in (("app", "Fail"), ("1001:1001", "Pass")):
        took = []
        for turn in range(3):  # a busy machine is not as busy each time
            if turn:
                shop.copy("team/shop", "1.4", image([BASE], user="0" if verdict == "Pass" else "1001"))
                shop.seconds_until("Fail" if verdict == "Pass" else "Pass")
            shop.copy("team/shop", "1.4", image([BASE], user=user))
            took.append(shop.seconds_until(verdict))
            if took[-1] < SECONDS:
                break
        assert min(took) < SECONDS, took


def test_a_push_while_the_endpoint_is_closed_is_delivered_when_it_opens(shop: Shop) -> None:
    WebhookEndpoint.objects.update(enabled=False)
    shop.copy("team/shop", "1.4", image([BASE], user="app"))
    until(lambda: WebhookEndpoint.objects.get().rejected)

    WebhookEndpoint.objects.update(enabled=True)

    shop.seconds_until("Fail")


def test_a_push_that_nobody_announced_is_found_by_the_next_scan_and_counted(shop: Shop) -> None:
    shop.copy("team/shop", "1.4", image([BASE], user="1001:1001"))
    shop.seconds_until("Pass", at_most=200)
    wake(request_scan(shop.row, trigger=Scan.Trigger.PAGE, now=timezone.now()))
    until(lambda: not Scan.objects.exclude(state=State.DONE).exists())
    with running_registry(shop.folder / "registry") as silent:  # another server of the same store
        replace(shop, registry=silent).copy("team/shop", "1.5", image([BASE], user="app"))

    wake(request_scan(shop.row, trigger=Scan.Trigger.PAGE, now=timezone.now()))

    shop.seconds_until("Fail", tag="1.5")
    until(lambda: WebhookEndpoint.objects.get().unannounced == 1)


def test_a_push_whose_message_is_flushed_away_is_found_by_the_tick(shop: Shop) -> None:
    queue = redis.Redis.from_url(settings.REDIS_URL)
    shop.copy("team/shop", "1.4", image([BASE], user="app"))
    for _ in range(50):
        queue.flushdb()
        time.sleep(0.02)

    shop.seconds_until("Fail", at_most=200)

    assert set(Tag.objects.values_list("name", flat=True)) == {"1.4"}


def until(happened: Callable[[], object], seconds: float = 200.0) -> None:
    deadline = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < deadline, list(Scan.objects.values("state", "trigger", "problem_code"))
        time.sleep(0.1)
