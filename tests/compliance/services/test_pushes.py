"""From a request of a registry to the tag's verdict, by the registry's own word."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

import pytest

from compliance.models import (
    ACTIVE,
    Push,
    Registry,
    Repository,
    RepositoryScan,
    Scan,
    State,
    Tag,
)
from compliance.policy.wake_up import WakeUp, Work
from compliance.services import accept_event as accepting
from compliance.services import assign_policies
from compliance.services import gather_pushes as gathering
from compliance.services import list_repositories as listing
from compliance.services.find_due_work import due_work
from compliance.services.gather_pushes import waiting_pushes
from tests.compliance.services.conftest import World, app, gather, push, work
from tests.support.hooks import A, Hook, pushed


def test_the_verdict_of_a_tag_that_was_pushed(world: World, hook: Hook) -> None:
    world.layout.tag("team/app", "other", app("1001", "other"))

    push(world, hook, "1.4", app(""))
    work(world)

    assert world.tag("team/app", "1.4").verdict == "fail"
    assert not Tag.objects.filter(name="other").exists()
    scan = Scan.objects.get()
    assert (scan.trigger, scan.partial, scan.state, scan.repositories_total) == ("webhook", True, State.DONE, 1)
    assert (hook.states(), Push.objects.get().scan_id) == (["joined"], scan.pk)


def test_a_burst_is_one_question_for_each_tag(world: World, hook: Hook) -> None:
    for at in range(30):
        push(world, hook, f"1.{at % 3}", app("1001", str(at)))

    (wake_up,) = gather(world)

    part = RepositoryScan.objects.get(pk=wake_up.id)
    assert part.only_tags == ["1.0", "1.1", "1.2"]
    assert set(hook.states()) == {"joined"}


def test_pushes_join_a_part_nobody_has_begun(world: World, hook: Hook) -> None:
    push(world, hook, "1.4", app("1001"))
    (first,) = gather(world)
    push(world, hook, "1.5", app("1001", "more"))

    assert gather(world) == []

    assert RepositoryScan.objects.get(pk=first.id).only_tags == ["1.4", "1.5"]
    assert Push.objects.values_list("scan", flat=True).distinct().count() == 1


@pytest.mark.parametrize("columns", [{"cursor": "1.3"}, {"state": State.RUNNING}])
def test_pushes_do_not_join_a_part_that_is_past_them(world: World, hook: Hook, columns: dict[str, str]) -> None:
    push(world, hook, "1.4", app("1001"))
    (first,) = gather(world)
    RepositoryScan.objects.filter(pk=first.id).update(**columns)
    push(world, hook, "1.5", app("1001", "more"))

    (second,) = gather(world)

    assert second.id != first.id
    assert RepositoryScan.objects.get(pk=second.id).only_tags == ["1.5"]


def test_the_registry_decides_and_not_the_order_of_requests(world: World, hook: Hook) -> None:
    first, second = app("1001", "first"), app("", "second")
    world.layout.tag("team/app", "1.4", second)

    hook.send(pushed("1.4", second.digest, repository="team/app"))
    hook.send(pushed("1.4", first.digest, repository="team/app"))
    work(world)

    assert world.tag("team/app", "1.4").digest == second.digest


def test_a_tag_that_moved_and_moved_back(world: World, hook: Hook) -> None:
    one, other = app("1001", "one"), app("", "other")
    for stored in (one, other, one):
        push(world, hook, "1.4", stored)
        work(world)
    assert world.tag("team/app", "1.4").digest == one.digest
    assert hook.states() == ["joined"] * 3


def test_a_move_back_while_the_move_is_being_asked_for(world: World, hook: Hook) -> None:
    """The tag shows the digest that is pushed again, and somebody is about to write another."""
    one, other = app("1001", "one"), app("", "other")
    push(world, hook, "1.4", one)
    work(world)
    push(world, hook, "1.4", other)
    gather(world)
    RepositoryScan.objects.filter(state__in=ACTIVE).update(state=State.RUNNING)

    assert push(world, hook, "1.4", one) == "accepted"


def test_what_the_tag_shows_is_asked_for_while_a_scan_may_write_another(world: World, hook: Hook) -> None:
    stored = app("1001")
    world.layout.tag("team/app", "1.4", stored)
    world.scan()
    RepositoryScan.objects.update(state=State.RUNNING)

    assert push(world, hook, "1.4", stored) == "accepted"


def test_what_the_tag_shows_already_is_a_duplicate(world: World, hook: Hook) -> None:
    stored = app("1001")
    world.layout.tag("team/app", "1.4", stored)
    world.scan()

    assert push(world, hook, "1.4", stored) == "duplicate"
    assert (gather(world), hook.states(), Scan.objects.count()) == ([], ["duplicate"], 1)


@pytest.mark.parametrize("columns", [{"problem_code": "bad-tar"}, {"unconfirmed_since": True}, {"deleted_at": True}])
def test_a_tag_that_is_not_settled_is_asked_for_again(world: World, hook: Hook, columns: dict[str, Any]) -> None:
    stored = app("1001")
    world.layout.tag("team/app", "1.4", stored)
    world.scan()
    Tag.objects.update(**{name: world.now if value is True else value for name, value in columns.items()})
    world.pretends = True

    assert push(world, hook, "1.4", stored) == "accepted"


def test_one_delivery_many_times(world: World, hook: Hook) -> None:
    """Before, while and after it is worked on, a month later too."""
    for step in range(4):
        for _ in range(25):
            push(world, hook, "1.4", app("1001"), event="the-same")
        if step == 1:
            gather(world)
        if step == 2:
            work(world)
            world.later(days=29)

    assert hook.states() == ["joined", *["duplicate"] * 99]
    assert Scan.objects.count() == 1


def test_one_delivery_stored_twice_at_the_same_moment(world: World, hook: Hook) -> None:
    for _ in range(2):
        push(world, hook, "1.4", app("1001"), event="the-same")
    Push.objects.update(state=Push.State.WAITING)

    gather(world)

    assert hook.states() == ["joined", "duplicate"]


def test_one_event_of_several_tags_is_not_its_own_duplicate(world: World, hook: Hook) -> None:
    for tag in ("1", "2"):
        push(world, hook, tag, app("1001", tag), event="the-same")
    gather(world)
    assert hook.states() == ["joined", "joined"]


def of_a_second(product: str, digest: str) -> bytes:
    """A push of ``team/app:1.4`` as products without ids tell of it, all of them within one second."""
    if product == "dockerhub":
        told = {"push_data": {"tag": "1.4", "pushed_at": 1767323045}, "repository": {"repo_name": "team/app"}}
    else:
        data = {"resources": [{"digest": digest, "tag": "1.4"}], "repository": {"repo_full_name": "team/app"}}
        told = {"type": "PUSH_ARTIFACT", "occur_at": 1767323045, "event_data": data}
    return json.dumps(told).encode()


@pytest.mark.parametrize("product", ["dockerhub", "harbor"])
def test_a_tag_that_moves_away_and_back_within_a_second_of_a_product_without_ids(world: World, product: str) -> None:
    hook, one, other = Hook(world.registry, product), app("1001", "one"), app("", "other")
    for stored in (one, other, one):
        world.layout.tag("team/app", "1.4", stored)
        hook.send(of_a_second(product, stored.digest))
        work(world)

    assert world.tag("team/app", "1.4").digest == one.digest
    assert hook.states() == ["joined"] * 3


@pytest.mark.parametrize("product", ["dockerhub", "harbor"])
def test_a_push_that_a_product_without_ids_tells_of_twice_waits_once(world: World, product: str) -> None:
    hook = Hook(world.registry, product)
    for _ in range(3):
        hook.send(of_a_second(product, A))

    assert hook.states() == ["waiting", "duplicate", "duplicate"]


def test_a_deletion_is_what_the_registry_says(world: World, hook: Hook) -> None:
    stored = app("1001")
    world.layout.tag("team/app", "1.4", stored)
    world.layout.tag("team/app", "stays", app("1001", "stays"))
    world.scan()
    world.layout.untag("team/app", "1.4")

    hook.send(pushed("", stored.digest, repository="team/app", action="delete"))
    work(world)

    assert world.tag("team/app", "1.4").deleted_at is not None
    assert world.tag("team/app", "stays").deleted_at is None
    assert hook.states() == ["joined"]


def test_a_digest_deleted_many_times_asks_for_each_of_its_tags_once(
    world: World, hook: Hook, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(accepting, "_MOST_TAGS", 6)
    stored = app("1001")
    for at in range(5):
        world.layout.tag("team/app", f"1.{at}", stored)
        world.layout.tag("team/app", f"2.{at}", app("1001", "other"))
    world.scan()
    digests = [stored.digest, app("1001", "other").digest]
    target = [{"repository": "team/app", "digest": digest} for digest in digests]
    events = [{"id": f"x{at}", "action": "delete", "target": target[at // 5]} for at in range(10)]

    hook.send(json.dumps({"events": events}).encode())

    assert Push.objects.count() == 6
    assert hook.event().outcome == "quarantined"
    assert "the next scan will tell" in hook.event().reason


@pytest.mark.parametrize(("tag", "outcome"), [("", "ignored"), ("1.4", "duplicate")])
def test_a_deletion_of_what_nobody_knows(world: World, hook: Hook, tag: str, outcome: str) -> None:
    hook.send(pushed(tag, A, repository="team/app", action="delete"))
    work(world)
    assert hook.event().outcome == outcome
    assert not Repository.objects.exists()


def test_deleted_then_pushed_again(world: World, hook: Hook) -> None:
    stored = app("1001")
    push(world, hook, "1.4", stored)
    work(world)
    hook.send(pushed("1.4", stored.digest, repository="team/app", action="delete"))
    assert push(world, hook, "1.4", stored) == "accepted"
    work(world)
    assert world.tag("team/app", "1.4").deleted_at is None


def test_a_repository_comes_back(world: World, hook: Hook) -> None:
    push(world, hook, "1.4", app("1001"))
    work(world)
    Repository.objects.update(deleted_at=world.now)
    push(world, hook, "1.5", app("1001", "more"))
    work(world)
    assert Repository.objects.get().deleted_at is None


def test_a_repository_that_is_younger_than_a_listing_stays(world: World, hook: Hook) -> None:
    """Pushed after the registry was asked for its repositories, and gathered before they were written."""
    hook.send(pushed(repository="team/new"))
    gather(world)
    world.scan()
    assert Repository.objects.get(name="team/new").deleted_at is None


def test_a_push_makes_a_repository_while_a_scan_lists_it(
    world: World, hook: Hook, monkeypatch: pytest.MonkeyPatch
) -> None:
    push(world, hook, "1.4", app("1001"))
    lock = assign_policies.policies_for

    def gathered_first(registry: Registry, names: Iterable[str]) -> dict[str, int]:
        monkeypatch.setattr(listing, "policies_for", lock)
        gather(world)
        return lock(registry, names)

    monkeypatch.setattr(listing, "policies_for", gathered_first)

    assert world.scan().state == State.DONE
    assert Repository.objects.get().name == "team/app"


def test_what_is_out_of_scope_is_not_scanned(world: World, hook: Hook) -> None:
    world.registry.exclude_tags = ["*-dev"]
    world.registry.include_repositories = ["team/*"]
    world.registry.save()
    push(world, hook, "1-dev", app("1001"))
    hook.send(pushed("1", A, repository="other/app"))

    assert gather(world) == []
    assert (hook.states(), Repository.objects.count()) == (["out-of-scope"] * 2, 0)


def test_more_than_one_turn_of_pushes(world: World, hook: Hook, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gathering, "MOST_PUSHES", 2)
    for at in range(3):
        push(world, hook, f"1.{at}", app("1001", str(at)))

    assert WakeUp(Work.PUSHES, world.registry.pk) in gather(world)
    assert hook.states() == ["joined", "joined", "waiting"]
    assert WakeUp(Work.PUSHES, world.registry.pk) not in gather(world)


def test_the_tick_finds_what_nobody_rang_for(world: World, hook: Hook) -> None:
    push(world, hook, "1.4", app("1001"))
    assert WakeUp(Work.PUSHES, world.registry.pk) in due_work(world.now)


def test_a_disabled_registry_is_left_alone(world: World, hook: Hook) -> None:
    push(world, hook, "1.4", app("1001"))
    world.registry.enabled = False
    world.registry.save()
    assert (waiting_pushes(), gather(world)) == ([], [])
