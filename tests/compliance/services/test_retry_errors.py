"""Scan again what one cause kept from being read, and nothing else."""

from __future__ import annotations

import pytest

from compliance.models import Image, Layer, RepositoryScan, Scan, ScanError, State
from compliance.policy.wake_up import Work
from compliance.services.retry_errors import Retry, retry_errors
from compliance.services.run_scan_inline import work_on
from scanner.domain.problems import ImageProblem
from tests.compliance.services.conftest import World, app
from tests.support.images import Stored

GOOD = "10001:10001"


def lose_blob(world: World, image: Stored, *, lost: bool = True) -> None:
    """The registry has no longer, or again, the image's own layer."""
    path = f"/v2/team/app/blobs/{image.layers[-1].digest}"
    if lost:
        world.server.faults.statuses[path] = 404
    else:
        del world.server.faults.statuses[path]


BROKEN = app(GOOD, "broken")


@pytest.fixture
def failed(world: World) -> World:
    """Two tags of one repository could not be read, another repository and a tag could."""
    world.layout.tag("team/app", "1", BROKEN)
    world.layout.tag("team/app", "2", BROKEN)
    world.layout.tag("team/app", "3", app(GOOD))
    world.layout.tag("team/other", "1", app(GOOD))
    lose_blob(world, BROKEN)
    world.scan()
    world.later(hours=1)
    return world


def retry(world: World, code: str, scan: Scan | None = None) -> Retry:
    found = retry_errors((scan or Scan.objects.earliest("pk")).pk, code, now=world.now)
    assert found is not None
    return found


def finish(world: World, found: Retry) -> Scan:
    world._seen = len(world.server.requests)
    for wake_up in found.wake_ups:
        work_on(wake_up, clock=lambda: world.now)
    return Scan.objects.get(pk=found.scan_id)


def test_only_the_tags_that_show_it_are_asked_for(failed: World) -> None:
    lose_blob(failed, BROKEN, lost=False)

    scan = finish(failed, retry(failed, "blob-unknown"))

    assert (scan.trigger, scan.partial, scan.state, scan.tags_done) == ("retry", True, State.DONE, 2)
    assert {path for method, path in failed.requests() if method == "HEAD"} == {
        "/v2/team/app/manifests/1",
        "/v2/team/app/manifests/2",
    }
    assert failed.tag("team/app", "1").verdict == "pass"


def test_a_cause_that_nothing_had(failed: World) -> None:
    assert retry_errors(Scan.objects.get().pk, "timeout", now=failed.now) is None


def test_pressing_twice_makes_one_scan(failed: World) -> None:
    first = retry(failed, "blob-unknown")
    assert retry(failed, "blob-unknown").scan_id == first.scan_id
    finish(failed, first)
    assert retry(failed, "blob-unknown").scan_id != first.scan_id


def test_a_repository_that_failed_is_scanned_as_a_whole(failed: World) -> None:
    scan = Scan.objects.get()
    RepositoryScan.objects.filter(repository__name="team/other").update(state=State.FAILED)
    other = RepositoryScan.objects.get(repository__name="team/other").repository
    ScanError.objects.create(scan=scan, repository=other, code="timeout", message="slow", at=failed.now)

    done = finish(failed, retry(failed, "timeout", scan))

    assert RepositoryScan.objects.get(scan=done).only_tags is None
    assert any("team/other/tags/list" in path for _, path in failed.requests())


def test_a_tag_that_is_listed_but_not_there_is_not_deleted_by_a_retry(failed: World) -> None:
    failed.server.faults.statuses["/v2/team/app/manifests/3"] = 404
    scan = failed.scan()
    assert failed.tag("team/app", "3").problem_code == "manifest-unknown"

    finish(failed, retry(failed, "manifest-unknown", scan))

    assert failed.tag("team/app", "3").deleted_at is None


def test_a_registry_that_could_not_be_listed_is_scanned_as_a_whole(failed: World) -> None:
    failed.server.faults.catalog_status = 403
    scan = failed.scan()

    found = retry(failed, "denied", scan)

    assert [wake_up.work for wake_up in found.wake_ups] == [Work.SCAN]
    assert not Scan.objects.get(pk=found.scan_id).partial


def test_what_ended_workers_is_tried_again_by_hand(failed: World) -> None:
    lose_blob(failed, BROKEN, lost=False)
    failed.scan()
    columns = {"problem_code": "crashed", "problem_message": "it ended the worker"}
    Image.objects.filter(digest=BROKEN.digest).update(facts=None, **columns)
    Layer.objects.filter(digest=BROKEN.layers[-1].digest).update(index=None, attempts=4, **columns)
    scan = failed.scan()
    tag = failed.tag("team/app", "1")
    ScanError.objects.create(scan=scan, repository=tag.repository, code="crashed", message="it ended", at=failed.now)

    finish(failed, retry(failed, "crashed", scan))

    assert (failed.tag("team/app", "1").verdict, failed.tag("team/app", "1").problem_code) == ("pass", "")


def test_an_image_at_fault_is_not_read_again(world: World) -> None:
    world.layout.tag("team/app", "1", app(GOOD))
    world.scan()
    problem = ImageProblem("bad-tar", "The archive ends too soon.")
    Image.objects.update(problem_code=problem.code, problem_message=problem.message, facts=None)
    scan = world.scan()
    tag = world.tag("team/app")
    ScanError.objects.create(scan=scan, repository=tag.repository, code="bad-tar", message="x", at=world.now)

    finish(world, retry(world, "bad-tar", scan))

    assert not any("/blobs/" in path for _, path in world.requests())
