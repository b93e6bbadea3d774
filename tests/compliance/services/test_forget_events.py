"""Events grow old."""

from __future__ import annotations

import pytest

from compliance.models import (
    InboundEvent,
)
from compliance.services import forget_events as forgetting
from compliance.services.forget_events import forget_events
from tests.compliance.services.conftest import World, app, push, work
from tests.support.hooks import A, Hook, pushed


def test_old_events_are_forgotten_unless_they_wait(world: World, hook: Hook) -> None:
    push(world, hook, "1.4", app("1001"))
    work(world)
    push(world, hook, "1.5", app("1001", "waits"))
    waits = hook.event().pk
    world.later(days=31)
    push(world, hook, "1.6", app("1001", "young"))

    assert forget_events(world.now) == 1
    assert InboundEvent.objects.count() == 2
    assert InboundEvent.objects.filter(pk=waits).exists()


def test_what_waits_does_not_keep_others_from_being_forgotten(
    world: World, hook: Hook, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(forgetting, "_MOST", 1)
    push(world, hook, "1.4", app("1001", "waits"))
    waits = hook.event().pk
    world.later(hours=1)
    hook.send(pushed("1.5", A, repository="team/app", action="pull"))
    world.later(days=31)

    assert forget_events(world.now) == 1
    assert [event.pk for event in InboundEvent.objects.all()] == [waits]
