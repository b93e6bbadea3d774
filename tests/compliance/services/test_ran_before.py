"""A tag that runs as root now is compared with what was last known of who ran it, whatever it was in between."""

from __future__ import annotations

import pytest

from compliance.models import Finding, Tag, TagChange
from tests.compliance.services.conftest import World, app
from tests.compliance.services.test_reconcile_findings import app_on_arm
from tests.support.images import Stored, index

ROOT, FINE = app(""), app("10001:10001")
NEVER_STARTS = app("nobody-of-that-name")
UNREADABLE = app("10001:10001", "unreadable")
ON_ARM = app_on_arm("10001:10001")


def push(world: World, *targets: Stored) -> Finding:
    """One after the other, each seen by a scan; the finding on the platform that all of them have but ``ON_ARM``."""
    world.server.faults.statuses[f"/v2/team/app/manifests/{UNREADABLE.digest}"] = 404
    for target in targets:
        world.layout.tag("team/app", "1", target)
        world.later(hours=1)
        world.scan()
    return Finding.objects.get(rule="NR101", platform="linux/amd64")


@pytest.mark.parametrize(
    "between",
    [
        [],
        [NEVER_STARTS],
        [UNREADABLE],
        [NEVER_STARTS, UNREADABLE],
        [UNREADABLE, NEVER_STARTS],
        [ON_ARM],
        [index([NEVER_STARTS, ON_ARM]), index([NEVER_STARTS, ON_ARM, app_on_arm("0")])],
    ],
    ids=["nothing", "does not start", "unread", "both", "both otherwise", "another platform", "one of two, twice"],
)
@pytest.mark.parametrize("first", [FINE, ROOT], ids=["somebody else", "root"])
def test_what_it_was_in_between_says_nothing(world: World, first: Stored, between: list[Stored]) -> None:
    found = push(world, first, *between, ROOT)
    assert found.regression == (first is FINE)
    if found.regression:
        assert found.rank == 0
        assert "ran as another user before" in found.events.latest("pk").text


def test_what_never_ran_as_anybody_else_is_no_regression(world: World) -> None:
    assert not push(world, NEVER_STARTS, UNREADABLE, ON_ARM, ROOT).regression


def test_who_ran_it_was_known_where_another_rule_could_not_tell(world: World) -> None:
    world.layout.tag("team/app", "1", FINE)
    world.scan()
    Tag.objects.update(verdict="unknown")
    TagChange.objects.update(became="unknown")
    assert push(world, UNREADABLE, ROOT).regression
