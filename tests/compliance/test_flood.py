"""A thousand webhooks while everything is killed and the queue is emptied: nothing that was answered is lost."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis
from django.conf import settings
from django.utils import timezone

from compliance.models import ACTIVE, InboundEvent, Push, Scan, Tag
from compliance.policy.schedule import Schedule
from compliance.services.publish_policies import publish_policies
from compliance.services.save_registry import RegistryValues, save_registry
from compliance.services.webhook_endpoints import make_endpoint
from tests.support.flood import Answer, blows, flood, send, striking
from tests.support.hooks import pushed
from tests.support.images import File, image, layer
from tests.support.promises import broken_promises, lost_events
from tests.support.real_registry import RealRegistry, running_registry
from tests.support.running import Running, request, running

EVENTS, PER_MINUTE = 1_000, 3_000
REPOSITORIES, TAGS = 5, 10
BASE = layer({"etc/passwd": File(b"app:x:1001:1001::/:/bin/sh\n")})
HURRIED = {"PLIMSOLL_LEASE_SECONDS": "2", "PLIMSOLL_TICK_SECONDS": "0.5"}

pytestmark = [pytest.mark.worker, pytest.mark.realregistry, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def registry(transactional_db: None, tmp_path: Path) -> Iterator[RealRegistry]:
    (tmp_path / "registry").mkdir()
    with running_registry(tmp_path / "registry") as found:
        yield found


@pytest.fixture
def product(registry: RealRegistry, tmp_path: Path) -> Iterator[Running]:
    flush()
    with running(tmp_path, settings=HURRIED) as found:
        yield found


def flush() -> None:
    redis.Redis.from_url(settings.REDIS_URL).flushdb()


def fill(registry: RealRegistry) -> dict[tuple[str, str], str]:
    """Digests by repository and tag."""
    found = {}
    for number in range(REPOSITORIES):
        for tag in range(TAGS):
            mark = layer({"srv/mark": File(f"{number}.{tag}".encode())})
            stored = image([BASE, mark], user="1001" if tag % 2 else "app")
            found[f"team/app{number}", f"1.{tag}"] = registry.push(f"team/app{number}", f"1.{tag}", stored)
    return found


def requests(registry: RealRegistry, digests: dict[tuple[str, str], str]) -> list[bytes]:
    """Each tag's push, over and over, each time as another event."""
    publish_policies(timezone.now())
    values = RegistryValues("flood", registry.url, "kubernetes", allow_private=True, schedule=Schedule(0))
    made = make_endpoint(save_registry(values, now=timezone.now()), "distribution", now=timezone.now())
    told = [
        pushed(tag, digest, repository=name)
        for _ in range(EVENTS // len(digests) + 1)
        for (name, tag), digest in digests.items()
    ]
    headers = {"Authorization": f"Bearer {made.secret}", "Content-Type": "application/json"}
    return [request("POST", f"/hooks/{made.endpoint.key}/", body, headers) for body in told[:EVENTS]]


def test_nothing_that_was_answered_is_lost_whatever_dies(registry: RealRegistry, product: Running) -> None:
    digests = fill(registry)
    raws = requests(registry, digests)

    def one(number: int, due: float) -> Answer:
        return send(product.port, raws[number], due=due, patience=120.0)

    troubles = striking(blows(product, flush), EVENTS * 60 / PER_MINUTE)
    answers = flood(one, EVENTS, PER_MINUTE)
    troubles.join()
    wait_for_the_end(product)

    assert {answer.status for answer in answers} == {202}
    assert any(answer.tries > 1 for answer in answers)  # the web was really away
    assert lost_events(answer.event for answer in answers) == 0
    assert InboundEvent.objects.count() >= EVENTS == len(answers)
    assert broken_promises() == {}
    stored = {(tag.repository.name, tag.name): tag.digest for tag in Tag.objects.select_related("repository")}
    assert stored == digests
    assert set(Tag.objects.values_list("verdict", flat=True)) == {"pass", "fail"}


def wait_for_the_end(product: Running, seconds: float = 120.0) -> None:
    deadline = time.monotonic() + seconds
    while Push.objects.filter(state="waiting").exists() or Scan.objects.filter(state__in=ACTIVE).exists():
        assert time.monotonic() < deadline, list(Scan.objects.filter(state__in=ACTIVE).values())
        product.revive()
        time.sleep(0.2)
