"""What somebody claims, the next scan of the affected tags confirms or refutes; it asks for nothing else."""

from __future__ import annotations

import pytest

from compliance.models import BulkChange, Finding, Scan
from compliance.remediation.change import SetStatus
from compliance.remediation.status import Status
from compliance.services.change_findings import change_findings, rescans_of
from compliance.services.run_scan_inline import work_on
from tests.compliance.services.conftest import World, app
from tests.support.rows import user

BAD, GOOD = "0:0", "10001:10001"


@pytest.fixture
def found(world: World) -> World:
    """A repository two of whose three tags run as root."""
    for tag, who in (("1", BAD), ("2", BAD), ("3", GOOD)):
        world.layout.tag("team/app", tag, app(who, tag))
    world.scan()
    world.later(hours=1)
    return world


def claim(world: World) -> BulkChange:
    rows = Finding.objects.filter(rule="NR102")
    assert rows.count() == 1
    bulk = change_findings(rows, SetStatus(Status.FIX_CLAIMED), by=user("sam"), now=world.now)
    assert bulk.count == 1
    return bulk


def check(world: World, bulk: BulkChange) -> Finding:
    world.later(minutes=1)
    world._seen = len(world.server.requests)
    for wake_up in rescans_of(bulk):
        work_on(wake_up, clock=lambda: world.now)
    assert not any(path.endswith("/3") for _, path in world.requests())
    assert Scan.objects.latest("pk").state == "done"
    return Finding.objects.get(rule="NR102")


def test_a_claim_is_refuted_though_no_tag_has_moved(found: World) -> None:
    row = check(found, claim(found))
    assert (row.status, row.claimed_at) == ("open", None)
    assert row.events.latest("pk").kind == "claim_refuted"


def test_a_claim_that_holds_for_one_tag_is_refuted(found: World) -> None:
    found.layout.tag("team/app", "1", app(GOOD, "1"))
    row = check(found, claim(found))
    assert (row.status, row.tags) == ("open", 1)


def test_a_claim_is_confirmed(found: World) -> None:
    bulk = claim(found)
    for tag in ("1", "2"):
        found.layout.tag("team/app", tag, app(GOOD, tag))
    row = check(found, bulk)
    assert (row.status, row.resolution) == ("fixed", "proved")
    assert row.events.filter(kind="claim_confirmed").count() == 1
