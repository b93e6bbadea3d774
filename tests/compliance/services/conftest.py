"""A registry, its row, scans by a clock that tests turn, pushes, two people with findings, and what may be waived."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pytest_django import Settings

from compliance.models import Image, Registry, Scan, Tag, User
from compliance.policy.wake_up import WakeUp, Work
from compliance.services.gather_pushes import gather_pushes, waiting_pushes
from compliance.services.publish_policies import publish_policies
from compliance.services.run_scan_inline import run_scan_inline
from compliance.services.save_registry import RegistryValues, save_registry
from compliance.services.scan_repository import scan_repository
from compliance.tasks.push_bell import BELL
from scanner.domain.limits import DEFAULT_LIMITS
from tests.support.demo_registry import DemoRegistry
from tests.support.hooks import Hook, pushed
from tests.support.images import File, Stored, image, layer
from tests.support.oci_layout import OciLayout
from tests.support.promises import OF_FINDINGS, broken_promises
from tests.support.remediation import failing_tags, finding, own, team
from tests.support.rows import Fleet, fleet, user

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
BASE = layer({"etc/passwd": File(b"root:x:0:0::/:/bin/sh\napp:x:1001:1001::/:/bin/sh\n")})


def app(user: str, mark: str = "") -> Stored:
    """An image on the common base; another mark makes another layer and digest."""
    return image([BASE, layer({"srv/mark": File(mark.encode())})], user=user)


@dataclass(slots=True)
class World:
    """One registry with its row and a clock.

    :param pretends: a test wrote rows itself that no scan would leave so.
    """

    layout: OciLayout
    server: DemoRegistry
    registry: Registry
    now: datetime = NOON
    pretends: bool = False
    _seen: int = field(default=0)

    def scan(self) -> Scan:
        """Scan in this process."""
        self._seen = len(self.server.requests)
        return run_scan_inline(self.registry, clock=lambda: self.now, trigger=Scan.Trigger.COMMAND)

    def requests(self) -> list[tuple[str, str]]:
        """What the registry was asked since the last scan began, tokens apart."""
        asked = [(seen.method, seen.path) for seen in self.server.requests[self._seen :]]
        return [(method, path) for method, path in asked if path.startswith("/v2/") and path != "/v2/"]

    def later(self, **step: float) -> None:
        """Turn the clock."""
        self.now += timedelta(**step)

    def tag(self, name: str, tag: str = "1") -> Tag:
        """A tag's row."""
        return Tag.objects.get(repository__name=name, name=tag)


@pytest.fixture
def world(db: None, demo_registry: DemoRegistry, demo_layout: OciLayout, settings: Settings) -> Iterator[World]:
    """An empty registry under the kubernetes policy; a fault shows at once, without the client's own repetitions.

    Whatever a test did, what is promised of findings holds in the end.
    """
    settings.LIMITS = replace(DEFAULT_LIMITS, retries=0)
    publish_policies(NOON)
    values = RegistryValues("demo", demo_registry.url, "kubernetes", allow_private=True)
    made = World(demo_layout, demo_registry, save_registry(values, now=NOON))
    yield made
    assert made.pretends or broken_promises(OF_FINDINGS) == {}


@pytest.fixture
def hook(world: World, monkeypatch: pytest.MonkeyPatch) -> Hook:
    """Requests of the world's registry, by the world's clock."""
    monkeypatch.setattr(BELL, "ring", lambda _wake_ups: None)
    monkeypatch.setattr("django.utils.timezone.now", lambda: world.now)
    return Hook(world.registry)


def push(world: World, hook: Hook, tag: str, stored: Stored, **more: Any) -> str:
    """Push an image and tell of it; return what became of the request."""
    world.layout.tag("team/app", tag, stored)
    hook.send(pushed(tag, stored.digest, repository="team/app", **more))
    return hook.event().outcome


def gather(world: World) -> list[WakeUp]:
    """Join what waits."""
    return gather_pushes(world.registry.pk, clock=lambda: world.now)


def work(world: World) -> None:
    """All that is to be done."""
    while wake_ups := [*gather(world), *waiting_pushes()]:
        for each in wake_ups:
            if each.work is Work.REPOSITORY_SCAN:
                scan_repository(each.id, clock=lambda: world.now)


@pytest.fixture
def people(db: None) -> tuple[User, User]:
    """Somebody of security, and a triager of a team that owns the first of two repositories."""
    made = fleet(2)
    kim = user("kim", role="member")
    own(team("Payments", triager=kim), made.repositories[:1])
    for repository in made.repositories:
        finding(repository, tags=[tag for tag in made.tags if tag.repository_id == repository.pk and tag.name != "1.0"])
    return user("sam"), kim


@pytest.fixture
def made(db: None) -> Fleet:
    """Two repositories whose tag ``latest`` fails for one finding each, as root: what tests of waivers accept."""
    found = fleet(2)
    Image.objects.filter(pk=found.failing.pk).update(run_key="as-root")
    for tag in failing_tags(found):
        finding(tag.repository, tags=[tag], protected=True)
    return found
