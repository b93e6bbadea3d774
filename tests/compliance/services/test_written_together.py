"""Groups of tags are read one after the other and written together, except where something may come between."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from compliance.models import Image, IndexImage, RepositoryScan, State, Tag
from compliance.services import scan_turn as module
from compliance.services.record_images import record_images
from compliance.services.scan_repository import scan_repository
from tests.compliance.services.conftest import World, app
from tests.compliance.services.test_only_tags import ask_for
from tests.support.images import index

MOST_STATEMENTS = 90
"""Of the first scan of a repository with two groups of tags: 81, and a few more where layers come in one by one."""


@pytest.fixture
def written(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many tags each transaction wrote."""
    sizes: list[int] = []

    def counted(*args: Any, **named: Any) -> None:
        record_images(*args, **named)
        sizes.append(len(args[3].tags))

    monkeypatch.setattr(module, "record_images", counted)
    return sizes


def fill(world: World, tags: int) -> RepositoryScan:
    for number in range(tags):
        world.layout.tag("team/app", f"t{number:03}", app("app", str(number)))
    return RepositoryScan.objects.get(scan=ask_for(world, None))


def scan(world: World, part: RepositoryScan) -> None:
    scan_repository(part.pk, clock=lambda: world.now)
    part.refresh_from_db()
    assert part.state == State.DONE


@pytest.mark.parametrize(("tags", "sizes"), [(3, [3]), (40, [40]), (70, [64, 6])])
def test_groups_of_a_batch(world: World, written: list[int], tags: int, sizes: list[int]) -> None:
    part = fill(world, tags)
    scan(world, part)
    assert written == sizes
    assert part.tags_done == part.images_new == Tag.objects.count() == Image.objects.count() == tags


def test_what_was_read_before_a_worker_died_is_written_before_it_can_die_again(
    world: World, written: list[int]
) -> None:
    part = fill(world, 40)
    RepositoryScan.objects.filter(pk=part.pk).update(attempts=1)
    scan(world, part)
    assert written == [16, 16, 8]


def test_a_registry_that_takes_its_time(world: World, written: list[int], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_UNWRITTEN_SECONDS", 0.0)
    scan(world, fill(world, 40))
    assert written == [16, 16, 8]


def test_where_requests_are_counted_each_image_is_written_at_once(world: World, written: list[int]) -> None:
    world.registry.requests_per_minute = 60_000
    world.registry.save()
    scan(world, fill(world, 3))
    assert written == [1, 1, 1]


def test_an_image_of_two_indexes_is_read_once(world: World) -> None:
    shared = app("10001:10001", "shared")
    for number in range(20):
        own = app("app", str(number))
        world.layout.tag("team/app", f"t{number:03}", index([own, shared]))
    part = RepositoryScan.objects.get(scan=ask_for(world, None))
    world._seen = len(world.server.requests)

    scan(world, part)

    assert [path for method, path in world.requests() if path.endswith(shared.digest)] == [
        f"/v2/team/app/manifests/{shared.digest}"
    ]
    assert IndexImage.objects.filter(image__digest=shared.digest).count() == 20


def test_the_database_is_asked_little(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("_UNWRITTEN_SECONDS", "_TOTALS_EVERY_SECONDS"):  # a busy machine does more
        monkeypatch.setattr(module, name, 3_600.0)
    part = fill(world, 30)
    with CaptureQueriesContext(connection) as asked:
        scan_repository(part.pk, clock=lambda: world.now)
    statements = [each["sql"] for each in asked if "SAVEPOINT" not in each["sql"]]
    assert len(statements) <= MOST_STATEMENTS, [len(statements), *statements]
