"""What a registry's scope leaves out is not asked for, and leaves the lists without a trace of a deletion."""

from __future__ import annotations

from datetime import timedelta

import pytest

from compliance.models import DailySnapshot, Image, Index, Registry, Repository, Scan, Tag, TagChange
from compliance.policy.scan_scope import ScanScope
from compliance.services.rejudge_tags import rejudge_tags
from compliance.services.run_scan_inline import run_scan_inline
from tests.compliance.services.conftest import BASE, World, app
from tests.compliance.services.test_only_tags import scan_only
from tests.support.images import Stored, index
from tests.support.images import image as build
from tests.support.rows import policy_version

GOOD, BAD = "10001:10001", ""


def narrow(world: World, scope: ScanScope, *protected: str) -> None:
    """Save another scope."""
    columns = {name: getattr(scope, name) for name in ScanScope.__dataclass_fields__}
    columns = {name: list(value) if isinstance(value, tuple) else value for name, value in columns.items()}
    Registry.objects.update(protected_tags=list(protected), **columns)
    world.registry.refresh_from_db()


def listed() -> list[str]:
    return [f"{tag.repository.name}:{tag.name}" for tag in Tag.objects.listed().order_by("repository__name", "name")]


@pytest.fixture
def scanned(world: World) -> World:
    """Three repositories, everything in scope."""
    for name in ("team/app", "team/test", "other/app"):
        world.layout.tag(name, "1", app(GOOD, name))
        world.layout.tag(name, "1-debug", app(BAD, name))
    world.scan()
    world.later(hours=1)
    return world


def test_repositories_and_tags_that_are_not_asked_for(world: World) -> None:
    narrow(
        world, ScanScope(include_repositories=("team/*",), exclude_repositories=("*/test",), exclude_tags=("*-debug",))
    )
    for name in ("team/app", "team/test", "other/app"):
        world.layout.tag(name, "1", app(GOOD))
        world.layout.tag(name, "1-debug", app(BAD))

    scan = world.scan()

    assert listed() == ["team/app:1"]
    assert (scan.repositories_total, scan.tags_total, Repository.objects.count()) == (1, 1, 1)
    assert not any("debug" in path or "test" in path or "other" in path for _, path in world.requests())


def test_a_scope_that_becomes_narrower_takes_them_out_of_the_lists_without_a_deletion(scanned: World) -> None:
    changes = TagChange.objects.count()
    narrow(scanned, ScanScope(include_repositories=("team/*",), exclude_tags=("*-debug",)))

    scanned.scan()

    assert listed() == ["team/app:1", "team/test:1"]
    assert TagChange.objects.count() == changes
    out = Repository.objects.get(name="other/app")
    assert (out.problem_code, out.tags_total, out.deleted_at) == ("out-of-scope", 0, scanned.now)
    assert scanned.tag("team/app", "1-debug").problem_code == "out-of-scope"
    app_repository = Repository.objects.get(name="team/app")
    assert (app_repository.tags_total, app_repository.failed, app_repository.verdict) == (1, 0, "pass")
    assert DailySnapshot.objects.get(repository=app_repository).evaluated == 1


def test_what_comes_back_into_scope_is_neither_new_nor_returned(scanned: World) -> None:
    since = scanned.tag("team/app", "1-debug").failing_since
    narrow(scanned, ScanScope(include_repositories=("team/*",), exclude_tags=("*-debug",)))
    scanned.scan()
    changes = TagChange.objects.count()
    narrow(scanned, ScanScope())
    scanned.later(hours=1)

    scan = scanned.scan()

    assert len(listed()) == 6
    assert TagChange.objects.count() == changes
    assert (scan.new, scan.images_new) == (0, 0)
    back = scanned.tag("team/app", "1-debug")
    assert (back.problem_code, back.failing_since, back.verdict) == ("", since, "fail")
    assert Repository.objects.get(name="other/app").problem_code == ""


def test_the_registry_deleted_one_and_the_scope_another(scanned: World) -> None:
    scanned.layout.untag("team/app", "1")
    narrow(scanned, ScanScope(exclude_tags=("*-debug",)))

    scan = scanned.scan()

    assert [change.tag.name for change in TagChange.objects.filter(scan=scan, kind="deleted")] == ["1"]


def test_protected_tags_count_whatever_the_scope_says(scanned: World) -> None:
    narrow(scanned, ScanScope(exclude_tags=("*",), newest_tags=1), "1-d*")

    scanned.scan()

    assert listed() == ["other/app:1-debug", "team/app:1-debug", "team/test:1-debug"]


def test_a_push_out_of_scope_is_not_looked_at(scanned: World) -> None:
    narrow(scanned, ScanScope(include_tags=("v*",), newest_tags=1))
    scanned.layout.tag("team/app", "v0", app(GOOD, "v0"))
    scanned.layout.tag("team/app", "x", app(GOOD, "x"))

    scan = scan_only(scanned, ["v0", "x"])

    assert (scan.tags_total, scan.tags_done) == (1, 1)
    assert not Tag.objects.filter(name="x").exists()


def test_only_the_newest_are_read(world: World) -> None:
    narrow(world, ScanScope(newest_tags=2))
    for number in range(5):
        world.layout.tag("team/app", f"1.{number + 8}", app(GOOD, str(number)))

    for _ in range(2):
        world.scan()
        assert listed() == ["team/app:1.11", "team/app:1.12"]
        assert Image.objects.count() == 2

    world.later(days=1)
    world.layout.tag("team/app", "1.13", app(GOOD, "new"))
    world.scan()
    assert listed() == ["team/app:1.12", "team/app:1.13"]


def built(days_ago: int, world: World) -> Stored:
    return build([BASE], user=GOOD, created=world.now - timedelta(days=days_ago))


def test_by_age_each_tag_is_read_once(world: World) -> None:
    narrow(world, ScanScope(pushed_within_days=30), "keep")
    for tag, days in {"old": 90, "young": 2, "keep": 400, "latest": 365}.items():
        world.layout.tag("team/app", tag, built(days, world))
    world.scan()
    world.scan()
    assert listed() == ["team/app:keep", "team/app:latest", "team/app:young"]

    world.scan()
    assert not any("/old" in path for _, path in world.requests())


ARM = build([BASE], user=GOOD, platform="linux/arm64")
AMD = build([BASE], user=BAD, platform="linux/amd64")


def both() -> Stored:
    return index([AMD, ARM])


def test_of_an_index_only_wanted_platforms_are_read(world: World) -> None:
    narrow(world, ScanScope(platforms=("linux/arm64",)))
    world.layout.tag("team/app", "1", both())

    world.scan()

    tag = world.tag("team/app")
    assert (tag.verdict, [strip["platform"] for strip in tag.platforms]) == ("pass", ["linux/arm64"])
    assert not any(AMD.digest in path for _, path in world.requests())


def test_another_choice_of_platforms_reads_the_tag_again(world: World) -> None:
    world.layout.tag("team/app", "1", both())
    world.scan()
    assert world.tag("team/app").verdict == "fail"
    narrow(world, ScanScope(platforms=("linux/arm64",)))

    world.scan()
    assert world.tag("team/app").verdict == "pass"
    world.scan()
    assert [method for method, path in world.requests() if "/manifests/" in path] == ["HEAD"]

    narrow(world, ScanScope())
    world.scan()
    assert (world.tag("team/app").verdict, Index.objects.count()) == ("fail", 2)
    assert not any("/blobs/" in path for _, path in world.requests())


def test_an_index_without_a_wanted_platform_is_unknown_with_its_reason(world: World) -> None:
    narrow(world, ScanScope(platforms=("windows/*", "linux/s390x")))
    world.layout.tag("team/app", "1", both())
    world.layout.tag("team/app", "single", app(GOOD))

    for _ in range(2):
        world.scan()
        tag = world.tag("team/app")
        assert (tag.verdict, tag.problem_code) == ("unknown", "no-platform-in-scope")
        assert "windows/*, linux/s390x" in tag.problem_message
        assert world.tag("team/app", "single").verdict == "pass"
    assert not any("sha256" in path for method, path in world.requests() if method == "GET")

    narrow(world, ScanScope(platforms=("linux/arm64",)))
    world.scan()
    assert (world.tag("team/app").verdict, world.tag("team/app").problem_code) == ("pass", "")


def test_two_registries_with_other_platforms_do_not_mix(world: World) -> None:
    world.layout.tag("team/app", "1", both())
    second = Registry.objects.get()
    second.pk, second.slug, second.name, second.platforms = None, "second", "second", ["linux/arm64"]
    second.save()
    for registry in (world.registry, second):
        run_scan_inline(registry, clock=lambda: world.now, trigger=Scan.Trigger.COMMAND)
    Tag.objects.update(unconfirmed_since=world.now)  # so that they are judged one by one

    for _ in range(2):
        rejudge_tags(list(Repository.objects.values_list("pk", flat=True)), policy_version(), now=world.now)
        Tag.objects.update(unconfirmed_since=None)
        rows = Tag.objects.values_list("repository__registry__slug", "verdict")
        assert dict(rows) == {"demo": "fail", "second": "pass"}
