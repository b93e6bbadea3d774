"""Which policy judges a repository, kept when assignments, registries and repositories change."""

from __future__ import annotations

import pytest

from compliance.models import Policy, PolicyAssignment, Rejudging, Repository, State
from compliance.policy.assignment import InvalidPattern
from compliance.services.assign_policies import assign_policy, order_assignments, unassign_policy
from compliance.services.find_due_work import due_work
from compliance.services.rejudge import work_on_rejudging
from compliance.services.request_rejudge import waiting_rejudgings
from compliance.services.save_registry import RegistryValues, save_registry
from tests.compliance.services.conftest import World, app


@pytest.fixture
def scanned(world: World) -> World:
    for name in ("team/app", "team/web", "base/app"):
        world.layout.tag(name, "1", app("app"))
    world.scan()
    world.later(hours=1)
    return world


def policy(name: str) -> Policy:
    return Policy.objects.get(name=name)


def assign(world: World, pattern: str, name: str, *, everywhere: bool = False) -> PolicyAssignment:
    registry = None if everywhere else world.registry
    return assign_policy(pattern, policy(name), registry=registry, by=None, now=world.now)


def judges() -> dict[str, str]:
    return dict(Repository.objects.values_list("name", "policy__name"))


def work(world: World) -> None:
    wake_ups = waiting_rejudgings()
    while wake_ups:
        wake_ups = [left for wake_up in wake_ups for left in work_on_rejudging(wake_up.id, clock=lambda: world.now)]


def test_repositories_are_judged_by_the_policy_they_are_given(scanned: World) -> None:
    assign(scanned, "team/*", "baseline")
    assert judges() == {"team/app": "baseline", "team/web": "baseline", "base/app": "kubernetes"}
    assert scanned.tag("team/app").verdict == "fail"
    work(scanned)
    verdicts = {name: scanned.tag(name).verdict for name in judges()}
    assert verdicts == {"team/app": "pass", "team/web": "pass", "base/app": "fail"}
    row = Rejudging.objects.get(policy__name="baseline")
    assert (row.state, row.total, row.done, row.changed) == (State.DONE, 2, 2, 2)
    assert row.finished_at == scanned.now


def test_the_next_scan_agrees(scanned: World) -> None:
    assign(scanned, "team/*", "baseline")
    work(scanned)
    scan = scanned.scan()
    assert not scan.changes.exists()
    assert scanned.tag("team/app").verdict == "pass"


def test_a_scan_before_that_judges_by_the_new_one(scanned: World) -> None:
    assign(scanned, "team/*", "baseline")
    scan = scanned.scan()
    assert scan.changes.filter(kind="rejudged").count() == 2
    work(scanned)
    assert scanned.tag("team/app").verdict == "pass"


def test_a_new_repository_is_judged_by_what_fits_it(scanned: World) -> None:
    assign(scanned, "team/*", "baseline", everywhere=True)
    scanned.layout.tag("team/new", "1", app("app"))
    scanned.scan()
    assert judges()["team/new"] == "baseline"
    assert scanned.tag("team/new").verdict == "pass"


def test_the_registry_is_closer_than_all_registries(scanned: World) -> None:
    assign(scanned, "*", "strict", everywhere=True)
    assign(scanned, "team/*", "baseline")
    assert judges() == {"team/app": "baseline", "team/web": "baseline", "base/app": "strict"}


def test_the_first_that_fits_counts_and_order_can_be_changed(scanned: World) -> None:
    first, second = assign(scanned, "*/app", "strict"), assign(scanned, "team/*", "baseline")
    assert judges() == {"team/app": "strict", "team/web": "baseline", "base/app": "strict"}
    order_assignments(scanned.registry, [second.pk, first.pk], now=scanned.now)
    assert judges()["team/app"] == "baseline"


def test_the_same_glob_again_changes_the_assignment(scanned: World) -> None:
    assert assign(scanned, "team/*", "strict") == assign(scanned, "team/*", "baseline")
    assert judges()["team/app"] == "baseline"


def test_without_the_assignment_the_registry_counts_again(scanned: World) -> None:
    assignment = assign(scanned, "team/*", "baseline")
    work(scanned)
    unassign_policy(assignment, now=scanned.now)
    work(scanned)
    assert set(judges().values()) == {"kubernetes"}
    assert scanned.tag("team/app").verdict == "fail"


def test_another_policy_of_the_registry_spares_what_is_assigned(scanned: World) -> None:
    assign(scanned, "team/*", "strict")
    values = RegistryValues("demo", scanned.registry.url, "baseline", allow_private=True)
    save_registry(values, now=scanned.now, registry=scanned.registry)
    assert judges() == {"team/app": "strict", "team/web": "strict", "base/app": "baseline"}
    work(scanned)
    assert scanned.tag("base/app").verdict == "pass"


def test_what_fits_nothing_makes_no_work(scanned: World) -> None:
    assign(scanned, "other/*", "baseline")
    assert waiting_rejudgings() == []


@pytest.mark.parametrize("pattern", ["", "Team", "a b", "team/[a]", "a" * 256])
def test_a_pattern_no_repository_can_have(scanned: World, pattern: str) -> None:
    with pytest.raises(InvalidPattern):
        assign(scanned, pattern, "baseline")


def test_the_tick_finds_what_a_killed_worker_left(scanned: World) -> None:
    assign(scanned, "team/*", "baseline")
    row = Rejudging.objects.get(policy__name="baseline")
    Rejudging.objects.update(lease_until="2026-01-01T00:00Z", state=State.RUNNING)  # whoever had it is gone
    assert row.pk in [wake_up.id for wake_up in due_work(scanned.now) if wake_up.work == "rejudging"]
    work(scanned)
    assert scanned.tag("team/app").verdict == "pass"
    assert waiting_rejudgings() == []


def test_whoever_has_the_work_keeps_it(scanned: World) -> None:
    assign(scanned, "team/*", "baseline")
    row = Rejudging.objects.get(policy__name="baseline")
    Rejudging.objects.update(lease_until="2999-01-01T00:00Z")
    assert work_on_rejudging(row.pk, clock=lambda: scanned.now) == []
    assert scanned.tag("team/app").verdict == "fail"
