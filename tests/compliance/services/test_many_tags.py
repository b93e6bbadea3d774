"""A repository with very many tags: turns that end, in memory that does not grow with images."""

from __future__ import annotations

import tracemalloc
from collections.abc import Iterator

import pytest

from compliance.models import Registry, RepositoryScan, Scan, State, Tag, TagChange
from compliance.policy.wake_up import WakeUp, Work
from compliance.services import scan_turn as module
from compliance.services.choose_tags import choose_tags
from compliance.services.scan_repository import scan_repository
from scanner.domain.reference import TagName
from tests.compliance.services.conftest import World, app
from tests.compliance.services.test_only_tags import ask_for

IMAGE = app("10001:10001")
MANY = 50_000
MIB = 1024 * 1024


@pytest.fixture
def long(world: World, monkeypatch: pytest.MonkeyPatch) -> WakeUp:
    """250 tags, and turns that end at once when somebody waits."""
    monkeypatch.setattr(module, "_TURN_SECONDS", 0.0)
    for number in range(250):
        world.layout.tag("team/app", f"t{number:03}", IMAGE)
    return WakeUp(Work.REPOSITORY_SCAN, RepositoryScan.objects.get(scan=ask_for(world, None)).pk)


def somebody_waits(world: World) -> None:
    """Another registry asks to be scanned."""
    other = Registry.objects.get(pk=world.registry.pk)
    other.pk, other.slug, other.name = None, "other", "other"
    other.save()
    Scan.objects.create(registry=other, trigger=Scan.Trigger.PAGE, requested_at=world.now)


def turn(world: World, work: WakeUp) -> tuple[list[WakeUp], str]:
    """One turn; what is left, and how far it came."""
    world._seen = len(world.server.requests)
    left = scan_repository(work.id, clock=lambda: world.now)
    return left, RepositoryScan.objects.get(pk=work.id).cursor


def test_others_have_their_turn_between_two_batches(world: World, long: WakeUp) -> None:
    Scan.objects.update(partial=False)  # which lets other registries have theirs
    somebody_waits(world)

    assert turn(world, long)[0] == [long]


def test_each_turn_goes_on_where_the_last_one_ended(world: World, long: WakeUp) -> None:
    Scan.objects.update(partial=False)
    somebody_waits(world)
    ends = []
    asked = 0
    for _ in range(20):
        left, cursor = turn(world, long)
        asked += sum(method == "HEAD" for method, _ in world.requests())
        ends.append(cursor)
        if not left:
            break
    assert ends[-1] == "t249"
    assert len(set(ends)) == 3
    assert RepositoryScan.objects.get(pk=long.id).state == State.DONE
    assert Tag.objects.listed().count() == 250
    assert asked <= 250 + 100  # a batch whose images were read in the turn before is asked for once more


def test_nobody_else_waits(world: World, long: WakeUp) -> None:
    assert turn(world, long) == ([], "t249")


def test_a_tag_that_was_deleted_while_another_was_pushed_between_two_turns(world: World, long: WakeUp) -> None:
    scan_repository(long.id, clock=lambda: world.now)
    again = ask_for(world, None)
    Scan.objects.filter(pk=again.pk).update(partial=False)
    somebody_waits(world)
    work = WakeUp(Work.REPOSITORY_SCAN, RepositoryScan.objects.get(scan=again).pk)
    assert turn(world, work)[0] == [work]
    world.layout.untag("team/app", "t001")
    world.layout.tag("team/app", "a-new-one", IMAGE)

    while turn(world, work)[0]:
        pass

    assert list(TagChange.objects.filter(kind="deleted").values_list("tag__name", flat=True)) == ["t001"]


@pytest.mark.parametrize("newest", [None, 10])
def test_the_names_of_very_many_tags_take_little_memory(world: World, newest: int | None) -> None:
    Registry.objects.update(newest_tags=newest)
    row = RepositoryScan.objects.select_related("scan__registry").get(scan=ask_for(world, None))

    def names() -> Iterator[TagName]:
        return (TagName(f"1.{number}.0-build.{number * 7919 % MANY}") for number in range(MANY))

    tracemalloc.start()
    chosen = choose_tags(row, set(names()), now=world.now)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(chosen) == (newest or MANY)
    assert peak < (12 if newest is None else 80) * MIB
