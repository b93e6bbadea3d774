"""What a scan no longer reads, because the scope has its platform no more, was fixed by nobody."""

from __future__ import annotations

import pytest

from compliance.models import Finding
from compliance.policy.scan_scope import ScanScope
from tests.compliance.services.conftest import World, app
from tests.compliance.services.test_reconcile_findings import app_on_arm, claim
from tests.compliance.services.test_scope import narrow
from tests.support.images import Stored, index

GOOD, BAD = "10001:10001", ""


def look_again(world: World, pushed: Stored | None = None) -> None:
    if pushed is not None:
        world.layout.tag("team/app", "1", pushed)
    world.later(hours=1)
    world.scan()


def on_arm(rule: str = "NR101") -> Finding:
    return Finding.objects.get(rule=rule, platform="linux/arm64")


@pytest.fixture
def two(world: World) -> World:
    """An index that runs as root on one of its platforms, which somebody says is fixed."""
    world.layout.tag("team/app", "1", index([app(GOOD), app_on_arm(BAD)]))
    world.scan()
    claim(on_arm())
    return world


@pytest.mark.parametrize(
    "pushed", [None, index([app(GOOD, "next"), app_on_arm(BAD)])], ids=["the same index", "another one"]
)
def test_a_platform_that_leaves_the_scope_proves_nothing(two: World, pushed: Stored | None) -> None:
    narrow(two, ScanScope(platforms=("linux/amd64",)))
    look_again(two, pushed)
    found = on_arm()
    assert (found.status, found.resolution) == ("fixed", "gone")
    assert not found.events.filter(kind="claim_confirmed").exists()
    assert Finding.objects.get(rule="NR112").resolution == "gone"


def test_a_platform_that_is_read_proves_its_fix_whatever_else_left_the_scope(two: World) -> None:
    narrow(two, ScanScope(platforms=("linux/arm64",)))
    look_again(two, index([app(GOOD), app_on_arm(GOOD)]))
    found = on_arm()
    assert (found.status, found.resolution) == ("fixed", "proved")
    assert found.events.filter(kind="claim_confirmed").exists()


def test_an_index_without_the_platform_is_a_fix_where_all_of_them_are_read(two: World) -> None:
    look_again(two, index([app(GOOD)]))
    assert (on_arm().status, on_arm().resolution) == ("fixed", "proved")
