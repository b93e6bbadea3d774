"""A partial scan: the tags somebody named, and nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from compliance.models import Registry, Repository, RepositoryScan, Scan, State, Tag, TagChange
from compliance.policy.wake_up import WakeUp, Work
from compliance.services.request_scan import cancel_scan
from compliance.services.run_scan_inline import work_on
from tests.compliance.services.conftest import World, app


def ask_for(world: World, tags: Sequence[str] | None, name: str = "team/app") -> Scan:
    """Make what a gatherer of pushes makes."""
    scan = Scan.objects.create(
        registry=world.registry,
        trigger=Scan.Trigger.WEBHOOK,
        partial=True,
        requested_at=world.now,
        started_at=world.now,
        listed_at=world.now,
        state=State.RUNNING,
        repositories_total=1,
    )
    repository, _ = Repository.objects.get_or_create(
        registry=world.registry, name=name, defaults={"policy": world.registry.policy, "first_seen_at": world.now}
    )
    RepositoryScan.objects.create(scan=scan, repository=repository, only_tags=None if tags is None else list(tags))
    return scan


def scan_only(world: World, tags: Sequence[str] | None, name: str = "team/app") -> Scan:
    """Work on it to the end."""
    world._seen = len(world.server.requests)
    scan = ask_for(world, tags, name)
    part = RepositoryScan.objects.get(scan=scan)
    work_on(WakeUp(Work.REPOSITORY_SCAN, part.pk), clock=lambda: world.now)
    scan.refresh_from_db()
    return scan


@pytest.fixture
def scanned(world: World) -> World:
    """Two tags, scanned an hour ago."""
    world.layout.tag("team/app", "1", app(""))
    world.layout.tag("team/app", "2", app("10001:10001"))
    world.scan()
    world.later(hours=1)
    return world


def test_it_asks_for_nothing_else(scanned: World) -> None:
    scanned.layout.tag("team/app", "3", app("10001:10001", "third"))

    scan = scan_only(scanned, ["3"])

    paths = [path for _, path in scanned.requests()]
    assert not any("tags/list" in path or "_catalog" in path for path in paths)
    assert {path for path in paths if "/manifests/" in path and "sha256" not in path} == {"/v2/team/app/manifests/3"}
    assert (scan.state, scan.tags_total, scan.tags_done, scan.repositories_done) == (State.DONE, 1, 1, 1)
    assert scanned.tag("team/app", "3").verdict == "pass"


def test_the_totals_of_the_repository_follow(scanned: World) -> None:
    scanned.layout.tag("team/app", "1", app("10001:10001", "fixed"))

    scan = scan_only(scanned, ["1"])

    repository = Repository.objects.get()
    assert (repository.tags_total, repository.passed, repository.failed, scan.fixed) == (2, 2, 0, 1)
    assert repository.verdict == "pass"


def test_a_tag_that_is_gone_is_deleted_and_no_other_is(scanned: World) -> None:
    scanned.layout.untag("team/app", "1")
    scanned.layout.untag("team/app", "2")

    scan = scan_only(scanned, ["1", "never-seen"])

    change = TagChange.objects.get(scan=scan)
    assert (change.kind, change.tag.name, scan.state, scan.tags_done) == ("deleted", "1", State.DONE, 2)
    assert [tag.name for tag in Tag.objects.listed()] == ["2"]
    assert Repository.objects.get().tags_total == 1


def test_the_whole_scan_is_still_to_come(scanned: World) -> None:
    before = Registry.objects.get()
    scan_only(scanned, ["1"])

    after, repository = Registry.objects.get(), Repository.objects.get()
    assert (after.next_scan_at, after.reached_at) == (before.next_scan_at, before.reached_at)
    assert repository.scanned_at is not None
    assert repository.scanned_at < scanned.now


def test_a_fault_doubts_only_what_was_asked_for(scanned: World) -> None:
    scanned.server.faults.server_errors = 100
    scan = scan_only(scanned, ["1"])
    RepositoryScan.objects.update(attempts=2, not_before=None)
    part = RepositoryScan.objects.get(scan=scan)
    work_on(WakeUp(Work.REPOSITORY_SCAN, part.pk), clock=lambda: scanned.now)

    assert [tag.name for tag in Tag.objects.unconfirmed()] == ["1"]
    assert Repository.objects.get().problem_code == ""
    assert Scan.objects.get(pk=scan.pk).repositories_failed == 1


def test_it_runs_beside_the_whole_scan(scanned: World) -> None:
    partial = ask_for(scanned, ["1"])

    whole = scanned.scan()

    assert whole.pk != partial.pk
    assert (whole.state, whole.partial) == (State.DONE, False)


def test_without_names_one_repository_is_scanned_as_a_whole(scanned: World) -> None:
    scanned.layout.untag("team/app", "1")
    scanned.layout.tag("team/other", "1", app(""))

    scan = scan_only(scanned, None)

    assert [tag.name for tag in Tag.objects.listed()] == ["2"]
    assert Repository.objects.get().deleted_at is None
    assert scan.tags_total == 1


def test_the_next_whole_scan_finds_what_nobody_announced_and_removes_what_is_gone(scanned: World) -> None:
    scan_only(scanned, ["1"])
    scanned.layout.untag("team/app", "1")
    scanned.layout.tag("team/app", "2", app("", "moved"))
    scanned.layout.tag("team/app", "3", app("10001:10001", "third"))
    scanned.layout.tag("team/new", "1", app("10001:10001", "fourth"))
    scanned.later(hours=1)

    scan = scanned.scan()

    kinds = TagChange.objects.filter(scan=scan).order_by("repository__name", "tag__name")
    assert [(change.tag.name, change.kind) for change in kinds] == [
        ("1", "deleted"),
        ("2", "moved"),
        ("3", "created"),
        ("1", "created"),
    ]
    assert (scan.new, scan.regressed) == (1, 1)


def cancelled(world: World, tags: Sequence[str], **columns: Any) -> None:
    """Withdraw the scan of a push that nobody has worked on, or that has come so far."""
    scan = ask_for(world, tags)
    RepositoryScan.objects.filter(scan=scan).update(**columns)
    assert cancel_scan(scan.pk, now=world.now)


def test_a_push_whose_scan_is_cancelled_leaves_its_tags_unconfirmed(scanned: World) -> None:
    cancelled(scanned, ["2", "new"])

    pushed, other = scanned.tag("team/app", "2"), scanned.tag("team/app", "1")
    assert (pushed.verdict, pushed.unconfirmed_since, pushed.problem_code) == ("pass", scanned.now, "check-cancelled")
    assert pushed.problem_message == "the check after a push was cancelled before it got to this tag"
    assert (other.unconfirmed_since, other.problem_code) == (None, "")
    scanned.scan()
    pushed.refresh_from_db()
    assert (pushed.verdict, pushed.unconfirmed_since, pushed.problem_code) == ("pass", None, "")


@pytest.mark.parametrize("columns", [{"cursor": "1"}, {"state": State.DONE}, {"only_tags": None}])
def test_cancelling_doubts_nothing_that_was_done_or_not_pushed(scanned: World, columns: dict[str, Any]) -> None:
    cancelled(scanned, ["1"], **columns)
    assert scanned.tag("team/app", "1").unconfirmed_since is None


def test_a_tag_with_a_reason_of_its_own_keeps_it_when_a_scan_is_cancelled(scanned: World) -> None:
    Tag.objects.filter(name="1").update(problem_code="bad-tar", verdict="unknown")
    scanned.pretends = True
    cancelled(scanned, ["1"])
    assert scanned.tag("team/app", "1").problem_code == "bad-tar"


def test_a_retry_that_is_cancelled_doubts_nothing(scanned: World) -> None:
    scan = ask_for(scanned, ["1"])
    Scan.objects.filter(pk=scan.pk).update(trigger=Scan.Trigger.RETRY)
    cancel_scan(scan.pk, now=scanned.now)
    assert scanned.tag("team/app", "1").unconfirmed_since is None
