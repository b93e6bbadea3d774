"""Deliveries that are done again, and tests that do nothing."""

from __future__ import annotations

import pytest

from compliance.models import (
    RepositoryScan,
    Scan,
    State,
)
from compliance.services.accept_event import KEPT_BYTES
from compliance.services.webhook_endpoints import CannotReplay, replay_event, send_test_event, set_enabled
from tests.compliance.services.conftest import World, app, gather, push, work
from tests.support.hooks import Hook, pushed


def test_a_replay_is_done_again(world: World, hook: Hook) -> None:
    push(world, hook, "1.4", app("1001"), event="e1")
    work(world)
    old = hook.event()

    replay_event(old.pk, now=world.now)
    work(world)

    assert (hook.event().replay_of_id, hook.event().outcome) == (old.pk, "accepted")
    assert (hook.states(), Scan.objects.count()) == (["joined", "joined"], 2)


def test_a_body_kept_in_part_cannot_be_replayed(world: World, hook: Hook) -> None:
    hook.send(b" " * (KEPT_BYTES + 1))
    with pytest.raises(CannotReplay, match="65,536 of its 65,537"):
        replay_event(hook.event().pk, now=world.now)


def test_an_event_that_is_gone_cannot_be_replayed(world: World) -> None:
    with pytest.raises(CannotReplay):
        replay_event(1, now=world.now)


@pytest.mark.parametrize("product", ["distribution", "quay", "ghcr", "gar", "ecr", "nexus"])
def test_a_test_takes_the_same_way_and_scans_nothing(world: World, product: str) -> None:
    hook = Hook(world.registry, product)
    accepted = send_test_event(hook.endpoint, now=world.now)
    assert accepted is not None
    assert (hook.event().pk, hook.event().outcome) == (accepted.event_id, "ignored")
    assert hook.event().reason.startswith("Test: it was read as a push of ")
    assert hook.states() == []


def test_a_test_of_a_disabled_endpoint_is_refused(world: World, hook: Hook) -> None:
    set_enabled(hook.endpoint, False)
    assert send_test_event(hook.endpoint, now=world.now) is None


@pytest.mark.parametrize("state", [State.FAILED, State.CANCELLED])
def test_an_event_nobody_could_answer_is_news_when_it_comes_again(world: World, hook: Hook, state: State) -> None:
    stored = app("")
    world.layout.tag("team/app", "1.4", stored)
    body = pushed("1.4", stored.digest, repository="team/app", event="e1")
    hook.send(body)
    (part,) = gather(world)
    RepositoryScan.objects.filter(pk=part.id).update(state=state)
    Scan.objects.update(state=State.DONE)

    hook.send(body)
    work(world)

    assert world.tag("team/app", "1.4").verdict == "fail"
    assert hook.states() == ["joined", "joined"]
