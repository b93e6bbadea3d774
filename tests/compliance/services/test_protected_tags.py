"""A failing protected tag caps the grade of its repository."""

from __future__ import annotations

from dataclasses import replace

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from compliance.models import DailySnapshot, Repository
from compliance.services.close_days import close_days
from compliance.services.save_registry import RegistryValues, save_registry
from tests.compliance.services.conftest import BASE, World, app
from tests.support.images import File, Folder, Stored, image, layer


def harmless(mark: str = "") -> Stored:
    """An image no rule takes more than a point or two from."""
    home = layer({"srv/app": Folder(0o775), "srv/app/mark": File(mark.encode())})
    return image([BASE, home], user="10001:10001", env=["HOME=/srv/app"], workdir="/srv/app")


@pytest.fixture
def values(world: World) -> RegistryValues:
    """All tags but one pass: without the cap a good grade."""
    for number in range(39):
        world.layout.tag("team/app", f"1.{number}", harmless(str(number)))
    world.layout.tag("team/app", "prod", app("", "root"))
    return RegistryValues("demo", world.server.url, "kubernetes", allow_private=True)


def _protect(world: World, values: RegistryValues, *patterns: str) -> None:
    save_registry(replace(values, protected_tags=patterns), now=world.now, registry=world.registry)


def _grade() -> str:
    return Repository.objects.get().grade


def test_a_scan_caps_the_grade(world: World, values: RegistryValues) -> None:
    _protect(world, values, "v*", "pro?")
    world.scan()
    assert _grade() == "D"


def _counted() -> int:
    return Repository.objects.get().failed_protected


def test_a_scan_counts_the_failing_tags_that_are_protected(world: World, values: RegistryValues) -> None:
    world.layout.tag("team/app", "prod-eu", app("", "root"))
    world.layout.tag("team/app", "preprod", app("", "root"))
    _protect(world, values, "prod", "prod-??", "1.*")
    world.scan()
    assert _counted() == 2
    _protect(world, values, "*prod")
    assert _counted() == 2
    _protect(world, values)
    assert _counted() == 0


def _days() -> list[tuple[int, int | None]]:
    rows = DailySnapshot.objects.order_by("day").values_list("day", "failed_protected")
    return [(day.day, count) for day, count in rows]


def test_days_keep_the_number_whoever_changes_it(world: World, values: RegistryValues) -> None:
    _protect(world, values, "prod")
    world.scan()
    assert _days() == [(1, 1)]
    _protect(world, values)
    assert _days() == [(1, 0)]
    world.later(days=1)
    _protect(world, values, "prod")  # nobody scans on this day
    world.later(days=2)
    close_days(world.now)
    assert _days() == [(1, 0), (2, 1), (3, 1)]
    before = DailySnapshot.objects.get(day__day=1)
    carried = DailySnapshot.objects.get(day__day=2)
    assert (carried.failed, carried.new, carried.policy_version) == (before.failed, 0, before.policy_version)
    world.scan()
    assert _days()[-1] == (4, 1)


@pytest.mark.parametrize(("scanned_today", "kept"), [(False, 1), (True, None)])
def test_what_an_older_release_did_not_count_is_known_unless_it_changed(
    world: World, values: RegistryValues, scanned_today: bool, kept: int | None
) -> None:
    _protect(world, values, "prod")
    world.scan()
    DailySnapshot.objects.update(failed_protected=None, closed=True)
    world.later(days=2)
    if scanned_today:
        world.scan()
    close_days(world.now)
    assert _days()[:2] == [(1, None), (2, kept)]
    world.later(days=1)
    close_days(world.now)
    assert _days()[2] == (3, 1)


def test_another_tag_that_fails_does_not(world: World, values: RegistryValues) -> None:
    _protect(world, values, "1.*", "latest")
    world.scan()
    assert _grade() < "D"


def test_a_fixed_protected_tag_lifts_the_cap(world: World, values: RegistryValues) -> None:
    _protect(world, values, "prod")
    world.scan()
    world.layout.tag("team/app", "prod", harmless())
    world.later(hours=1)
    world.scan()
    assert _grade() < "D"


def test_other_patterns_count_at_once(world: World, values: RegistryValues) -> None:
    world.scan()
    before = _grade()
    _protect(world, values, "prod")
    protected = _grade()
    _protect(world, values)
    assert before < "D"
    assert (protected, _grade()) == ("D", before)


def test_saving_without_a_change_grades_nothing(world: World, values: RegistryValues) -> None:
    with CaptureQueriesContext(
        connection,
    ) as asked:
        _protect(world, values)
    assert not [query for query in asked.captured_queries if "compliance_repository" in query["sql"]]
