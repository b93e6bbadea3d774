"""Pushes that nobody told of."""

from __future__ import annotations

from datetime import timedelta

import pytest

from compliance.models import (
    TagChange,
    WebhookEndpoint,
)
from compliance.services.webhook_endpoints import set_enabled
from tests.compliance.services.conftest import World, app, push
from tests.support.hooks import A, B, Hook, pushed


@pytest.fixture
def watched(world: World, hook: Hook) -> Hook:
    """An endpoint, and a whole scan since it was made."""
    WebhookEndpoint.objects.update(created_at=world.now)
    world.later(hours=1)
    world.layout.tag("team/app", "1.4", app("1001"))
    world.scan()
    world.later(hours=1)
    return hook


def alarm(hook: Hook) -> tuple[int, object]:
    hook.endpoint.refresh_from_db()
    return hook.endpoint.unannounced, hook.endpoint.unannounced_since


def test_the_first_scan_finds_nothing_that_was_missed(watched: Hook) -> None:
    assert alarm(watched) == (0, None)


def test_pushes_that_only_a_scan_found_are_counted(world: World, watched: Hook) -> None:
    world.layout.tag("team/app", "1.4", app("1001", "moved"))
    world.layout.tag("team/app", "1.5", app("1001", "new"))
    since = world.now
    world.scan()
    assert alarm(watched) == (2, since)

    world.later(hours=1)
    world.layout.tag("team/app", "1.4", app("1001", "again"))
    world.scan()
    assert alarm(watched) == (3, since)


def test_a_push_that_is_told_in_time_ends_the_alarm(world: World, watched: Hook) -> None:
    world.layout.tag("team/app", "1.4", app("1001", "moved"))
    world.scan()
    world.later(hours=1)
    push(world, watched, "1.4", app("1001", "told"))
    assert alarm(watched) == (0, None)


def test_a_push_told_while_the_scan_finds_it_is_not_missed(world: World, watched: Hook) -> None:
    push(world, watched, "1.4", app("1001", "moved"))
    world.scan()
    assert TagChange.objects.filter(kind="moved").count() == 1
    assert alarm(watched) == (0, None)


def test_a_disabled_endpoint_misses_nothing(world: World, watched: Hook) -> None:
    set_enabled(watched.endpoint, False)
    world.layout.tag("team/app", "1.4", app("1001", "moved"))
    world.scan()
    assert alarm(watched) == (0, None)


def test_when_it_was_heard_of_last_is_not_written_at_each_request(world: World, hook: Hook) -> None:
    began = world.now
    for _ in range(3):
        hook.send(pushed("1", B))
        world.later(seconds=4)
    hook.endpoint.refresh_from_db()
    assert hook.endpoint.last_event_at == began
    world.later(seconds=4)
    hook.send(pushed("1", A))
    hook.endpoint.refresh_from_db()
    assert hook.endpoint.last_event_at is not None
    assert hook.endpoint.last_event_at - began > timedelta(seconds=10)
