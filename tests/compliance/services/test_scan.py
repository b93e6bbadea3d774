"""Registry to rows, over HTTP."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from compliance.models import DailySnapshot, Image, Layer, Repository, Scan, State, Tag, TagChange
from compliance.services.publish_policies import publish_policies
from compliance.services.run_scan_inline import run_scan_inline
from compliance.services.save_registry import RegistryValues, save_registry
from tests.support.demo_registry import DemoRegistry
from tests.support.images import File, image, index, layer
from tests.support.oci_layout import OciLayout

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.mark.django_db(transaction=True)
def test_one_image_becomes_rows(demo_registry: DemoRegistry, demo_layout: OciLayout) -> None:
    publish_policies(NOW)
    demo_layout.tag("team/app", "1", image([layer({"etc/passwd": File(b"app:x:1001:1001::/:/bin/sh\n")})], user="app"))
    registry = save_registry(RegistryValues("demo", demo_registry.url, "kubernetes", allow_private=True), now=NOW)

    scan = run_scan_inline(registry, clock=lambda: NOW, trigger=Scan.Trigger.COMMAND)

    assert scan.state == State.DONE, scan.problem_message
    tag = Tag.objects.get()
    print(tag.__dict__)
