"""Findings follow what tags show: scans, pushes, deletions and policies."""

from __future__ import annotations

import pytest

from compliance.models import Finding, FindingEvent, FindingSpan, Occurrence
from tests.compliance.services.conftest import World, app


def finding(rule: str, repository: str = "team/app") -> Finding:
    return Finding.objects.get(repository__name=repository, rule=rule)


def test_a_scan_finds(world: World) -> None:
    world.layout.tag("team/app", "1", app("root"))
    world.scan()
    assert finding("NR102").status == "new"
