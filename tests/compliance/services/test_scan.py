"""A scan from the registry to the rows, over HTTP."""

from __future__ import annotations

import hashlib
import zlib
from dataclasses import replace
from datetime import UTC, date, datetime

from pytest_django import Settings

from compliance.models import (
    DailySnapshot,
    Evaluation,
    Image,
    Index,
    Layer,
    Registry,
    Repository,
    Scan,
    ScanError,
    State,
    TagChange,
)
from compliance.services.finish_scan import finish_scan
from tests.compliance.services.conftest import BASE, NOON, World, app
from tests.support.artifacts import attestation, helm_chart
from tests.support.images import Device, File, index, layer, layer_from_tar
from tests.support.images import image as build


def test_an_image_becomes_rows(world: World) -> None:
    pushed = app("app")
    world.layout.tag("team/app", "1", pushed)

    scan = world.scan()

    tag = world.tag("team/app")
    assert (scan.state, scan.repositories_done, scan.tags_done, scan.images_new) == (State.DONE, 1, 1, 1)
    assert (tag.digest, tag.verdict, tag.runs_as) == (pushed.digest, "fail", "1001:1001")
    assert "NR105" in tag.violated
    assert tag.platforms == [
        {"platform": "linux/amd64", "digest": pushed.digest, "verdict": "fail", "runs_as": "1001:1001"}
    ]
    image = Image.objects.get()
    assert (image.declared_user, image.uid, image.gid, image.platform) == ("app", 1001, 1001, "linux/amd64")
    assert Evaluation.objects.get().failed_on == ["NR105"]
    assert Layer.objects.exclude(index=None).count() == 2
    assert Registry.objects.get().reached_at == NOON


def test_totals_and_snapshot(world: World) -> None:
    for tag, user in {"bad": "", "good": "1001", "fine": "10001:10001"}.items():
        world.layout.tag("team/app", tag, app(user))
    world.layout.tag("team/app", "chart", helm_chart("app", "1.0.0"))

    world.scan()

    repository = Repository.objects.get()
    assert (repository.tags_total, repository.passed, repository.failed) == (4, 2, 1)
    assert (repository.unknown, repository.not_applicable) == (0, 1)
    assert (repository.verdict, repository.failing_since, repository.scanned_at) == ("fail", NOON, NOON)
    snapshot = DailySnapshot.objects.get()
    assert (snapshot.day, snapshot.evaluated, snapshot.failed, snapshot.new) == (date(2026, 3, 1), 3, 1, 1)
    assert (snapshot.score, snapshot.closed) == (repository.score, False)


def test_a_second_scan_asks_one_head_per_tag_plus_listing(world: World) -> None:
    for number in range(5):
        world.layout.tag("team/app", f"1.{number}", app("app", str(number)))
    world.scan()
    world.later(hours=1)

    scan = world.scan()

    asked = world.requests()
    assert [method for method, _ in asked].count("HEAD") == 5
    listing = {path.partition("?")[0] for method, path in asked if method == "GET"}
    assert listing == {"/v2/_catalog", "/v2/team/app/tags/list"}
    assert (scan.cache_hits, scan.images_new, scan.layers_indexed, scan.new) == (5, 0, 0, 0)
    assert TagChange.objects.filter(scan=scan).count() == 0


def test_every_unique_blob_is_read_once(world: World) -> None:
    for number in range(4):
        world.layout.tag(f"team/app{number}", "1", app("app", str(number)))

    scan = world.scan()

    blobs = [path.rpartition("/")[2] for _, path in world.requests() if "/blobs/" in path]
    assert blobs.count(BASE.digest) == 1
    assert len(blobs) == len(set(blobs))
    assert scan.layers_indexed == 5


def test_the_registry_is_asked_what_the_scan_counts(world: World) -> None:
    world.layout.tag("team/app", "1", app("app"))

    scan = world.scan()

    assert scan.requests == len(world.server.requests)


def test_a_moved_tag(world: World) -> None:
    world.layout.tag("team/app", "1", app("", "old"))
    world.scan()
    before = world.tag("team/app").digest
    world.later(hours=1)
    fixed = app("10001:10001", "new")
    world.layout.tag("team/app", "1", fixed)

    scan = world.scan()

    change = TagChange.objects.get(scan=scan)
    assert (change.kind, change.from_digest, change.to_digest) == ("moved", before, fixed.digest)
    assert (change.was, change.became, scan.fixed) == ("fail", "pass", 1)
    tag = world.tag("team/app")
    assert (tag.moved_at, tag.failing_since, tag.verdict) == (world.now, None, "pass")
    assert DailySnapshot.objects.get().fixed == 1


def test_a_tag_is_deleted_and_comes_back(world: World) -> None:
    world.layout.tag("team/app", "1", app(""))
    world.layout.tag("team/app", "2", app("10001:10001"))
    world.scan()
    world.later(hours=1)
    world.layout.untag("team/app", "1")
    deleted = world.scan()

    assert TagChange.objects.get(scan=deleted).kind == "deleted"
    repository = Repository.objects.get()
    assert (repository.tags_total, repository.failed, repository.verdict, deleted.fixed) == (1, 0, "pass", 0)

    world.later(hours=1)
    world.layout.tag("team/app", "1", app(""))
    returned = world.scan()

    assert TagChange.objects.get(scan=returned).kind == "returned"
    assert (world.tag("team/app").deleted_at, returned.new) == (None, 1)


def test_a_deleted_repository_takes_its_tags_along(world: World) -> None:
    world.layout.tag("team/app", "1", app(""))
    world.layout.tag("team/other", "1", app("1001"))
    world.scan()
    world.later(days=1)
    world.layout.delete_repository("team/app")

    scan = world.scan()

    gone = Repository.objects.get(name="team/app")
    assert (gone.deleted_at, gone.tags_total) == (world.now, 0)
    assert world.tag("team/app").deleted_at == world.now
    assert scan.repositories_total == 1
    world.layout.tag("team/app", "1", app(""))
    world.scan()
    assert Repository.objects.get(name="team/app").deleted_at is None


def test_a_listing_that_fails_deletes_nothing(world: World) -> None:
    world.layout.tag("team/app", "1", app(""))
    world.scan()
    world.server.faults.catalog_status = 403

    scan = world.scan()

    assert (scan.state, scan.problem_code) == (State.FAILED, "denied")
    assert ScanError.objects.get(scan=scan).repository is None
    assert Repository.objects.get().deleted_at is None
    assert Registry.objects.get().problem_code == "denied"


def test_platforms_of_an_index(world: World) -> None:
    arm = build([BASE], user="", platform="linux/arm64/v8")
    amd = build([BASE], user="10001:10001")
    pushed = index([amd, arm, attestation(amd)])
    world.layout.tag("team/app", "1", pushed)

    world.scan()

    tag = world.tag("team/app")
    assert [part["verdict"] for part in tag.platforms] == ["pass", "fail", "not_applicable"]
    assert [part["platform"] for part in tag.platforms][:2] == ["linux/amd64", "linux/arm64/v8"]
    assert (tag.verdict, tag.runs_as) == ("fail", "10001:10001, 0:0")
    assert (tag.image_id, tag.index_id) == (None, Index.objects.get().pk)
    world.scan()
    assert {method for method, path in world.requests() if "/manifests/" in path} == {"HEAD"}


def test_an_index_cannot_call_an_image_an_artifact_for_others(world: World) -> None:
    root = app("")
    disguised = replace(root, platform="unknown/unknown")
    world.layout.tag("team/first", "1", index([disguised]))
    world.layout.tag("team/second", "1", index([root]))

    world.scan()

    assert [world.tag(name).verdict for name in ("team/first", "team/second")] == ["fail", "fail"]


def test_a_nested_index_is_flattened(world: World) -> None:
    inner = index([app("10001:10001")])
    world.layout.tag("team/app", "1", index([inner, app("", "x")]))

    world.scan()

    assert [part["verdict"] for part in world.tag("team/app").platforms] == ["pass", "fail"]


def test_an_artifact_is_not_counted(world: World) -> None:
    world.layout.tag("team/chart", "1", helm_chart("app", "1.0.0"))

    world.scan()

    tag = world.tag("team/chart")
    assert (tag.verdict, tag.score) == ("not_applicable", None)
    assert (Repository.objects.get().verdict, DailySnapshot.objects.get().evaluated) == ("not_applicable", 0)


def test_a_malformed_layer_is_unknown_with_its_cause(world: World) -> None:
    broken = build([layer_from_tar(b"this is no archive" * 100)], user="10001:10001")
    world.layout.tag("team/app", "1", broken)
    world.layout.tag("team/app", "2", app("10001:10001"))

    scan = world.scan()

    tag = world.tag("team/app", "1")
    assert (tag.verdict, tag.score) == ("unknown", None)
    assert tag.problem_code
    assert tag.problem_message
    error = ScanError.objects.get()
    assert (error.code, error.scan_id, error.repository_id) == (tag.problem_code, scan.pk, tag.repository_id)
    assert world.tag("team/app", "2").verdict == "pass"
    assert scan.state == State.DONE
    world.scan()
    assert not [path for _, path in world.requests() if "/blobs/" in path]


def test_a_blob_the_registry_lost_is_unknown_and_asked_for_again(world: World) -> None:
    pushed = app("10001:10001", "lost")
    world.layout.tag("team/app", "1", pushed)
    lost = world.layout.folder / "blobs/sha256" / pushed.layers[1].digest.removeprefix("sha256:")
    content = lost.read_bytes()
    lost.unlink()

    world.scan()

    assert (world.tag("team/app").verdict, world.tag("team/app").problem_code) == ("unknown", "blob-unknown")
    lost.write_bytes(content)
    scan = world.scan()
    assert world.tag("team/app").verdict == "pass"
    assert TagChange.objects.get(scan=scan).kind == "rejudged"


def test_a_raised_limit_gives_the_image_another_look(world: World, settings: Settings) -> None:
    limits = settings.LIMITS
    settings.LIMITS = replace(limits, layer_entries=1)
    many = layer({"a": File(), "b": File(), "c": File()})
    world.layout.tag("team/app", "1", build([many], user="10001:10001"))
    world.scan()
    assert world.tag("team/app").problem_code == "limit-layer-entries"

    settings.LIMITS = limits
    world.scan()

    assert (world.tag("team/app").verdict, world.tag("team/app").problem_code) == ("pass", "")


def test_a_registry_that_is_down_is_tried_later(world: World) -> None:
    world.server.faults.server_errors = 100

    scan = world.scan()

    assert (scan.state, scan.problem_code) == (State.QUEUED, "server-error")
    assert scan.not_before is not None
    assert scan.not_before > world.now
    world.server.faults.server_errors = 0
    world.later(minutes=5)
    assert world.scan().pk == scan.pk
    assert Scan.objects.get().state == State.DONE
    assert Registry.objects.get().problem_code == ""


def test_a_registry_that_stays_down_is_given_up(world: World) -> None:
    world.server.faults.server_errors = 1_000
    for _ in range(3):
        scan = world.scan()
        world.later(minutes=10)

    assert (scan.state, scan.problem_code) == (State.FAILED, "server-error")
    assert scan.problem_remedy


def test_a_rate_limit_puts_the_scan_off_without_counting_as_a_failure(world: World) -> None:
    world.layout.tag("team/app", "1", app("1001"))
    world.server.faults.too_many_requests, world.server.faults.retry_after = 1_000, "40"
    for _ in range(5):
        scan = world.scan()
        assert (scan.state, scan.problem_code) == (State.QUEUED, "rate-limited")
        world.later(seconds=41)
    world.server.faults.too_many_requests = 0

    assert world.scan().state == State.DONE


def test_snapshots_of_several_days(world: World) -> None:
    world.layout.tag("team/app", "1", app(""))
    world.scan()
    world.later(days=1)
    world.layout.tag("team/app", "1", app("10001:10001"))
    world.scan()

    rows = DailySnapshot.objects.order_by("day").values_list("day", "failed", "new", "fixed")
    assert list(rows) == [(date(2026, 3, 1), 1, 1, 0), (date(2026, 3, 2), 0, 0, 1)]


def test_a_repository_of_many_batches(world: World) -> None:
    pushed = [app("1001", str(number)) for number in range(3)]
    with world.layout.together():
        for number in range(230):
            world.layout.tag("team/app", f"v{number}", pushed[number % 3])

    scan = world.scan()

    assert (scan.tags_total, scan.tags_done, scan.images_new) == (230, 230, 3)
    assert Repository.objects.get().passed == 230


def test_finishing_twice_changes_nothing(world: World) -> None:
    world.layout.tag("team/app", "1", app("1001"))
    scan = world.scan()

    assert finish_scan(scan.pk, now=datetime(2027, 1, 1, tzinfo=UTC))

    assert Scan.objects.get().finished_at == scan.finished_at


def test_a_layer_with_a_device_is_read(world: World) -> None:
    world.layout.tag("team/app", "1", build([layer({"dev/null": Device()})], user="10001:10001"))

    world.scan()

    assert world.tag("team/app").verdict == "pass"


def test_a_day_on_which_nothing_changed_has_its_snapshot_as_soon_as_it_is_scanned(world: World) -> None:
    world.layout.tag("team/app", "1", app("10001"))
    world.scan()
    world.later(days=1)

    world.scan()

    found = DailySnapshot.objects.order_by("day").values_list("day", "passed", "new", "fixed", "closed")
    assert list(found) == [(date(2026, 3, 1), 1, 0, 0, False), (date(2026, 3, 2), 1, 0, 0, False)]


def test_a_raised_limit_gives_a_nested_index_another_look(world: World, settings: Settings) -> None:
    settings.LIMITS = replace(settings.LIMITS, index_depth=1)
    world.layout.tag("team/app", "1", index([index([app("1001", "deep")]), app("1001")]))
    world.scan()
    assert world.tag("team/app").problem_code == "limit-index-depth"
    settings.LIMITS = replace(settings.LIMITS, index_depth=3)
    world.later(hours=1)

    world.scan()

    tag = world.tag("team/app")
    assert (tag.verdict, [shown["digest"] for shown in tag.platforms]) == (
        "pass",
        [app("1001", "deep").digest, app("1001").digest],
    )


def test_the_config_is_kept_as_the_registry_gave_it(world: World) -> None:
    pushed = app("1001")
    world.layout.tag("team/app", "1", pushed)

    world.scan()

    row = Image.objects.get()
    kept = zlib.decompress(bytes(row.config_document or b""))
    assert f"sha256:{hashlib.sha256(kept).hexdigest()}" == row.config_digest
