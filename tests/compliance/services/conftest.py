"""A registry, its row, and scans by a clock that tests turn."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

import pytest
from pytest_django import Settings

from compliance.models import Registry, Scan, Tag
from compliance.services.publish_policies import publish_policies
from compliance.services.run_scan_inline import run_scan_inline
from compliance.services.save_registry import RegistryValues, save_registry
from scanner.domain.limits import DEFAULT_LIMITS
from tests.support.demo_registry import DemoRegistry
from tests.support.images import File, Stored, image, layer
from tests.support.oci_layout import OciLayout

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
BASE = layer({"etc/passwd": File(b"root:x:0:0::/:/bin/sh\napp:x:1001:1001::/:/bin/sh\n")})


def app(user: str, mark: str = "") -> Stored:
    """An image on the common base; another mark makes another layer and digest."""
    return image([BASE, layer({"srv/mark": File(mark.encode())})], user=user)


@dataclass(slots=True)
class World:
    """One registry with its row and a clock."""

    layout: OciLayout
    server: DemoRegistry
    registry: Registry
    now: datetime = NOON
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
def world(db: None, demo_registry: DemoRegistry, demo_layout: OciLayout, settings: Settings) -> World:
    """An empty registry under the kubernetes policy; a fault shows at once, without the client's own repetitions."""
    settings.LIMITS = replace(DEFAULT_LIMITS, retries=0)
    publish_policies(NOON)
    values = RegistryValues("demo", demo_registry.url, "kubernetes", allow_private=True)
    return World(demo_layout, demo_registry, save_registry(values, now=NOON))
