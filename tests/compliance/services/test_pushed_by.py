"""Who pushed what a scan found: the name of the very push that is judged, or none."""

from __future__ import annotations

from typing import Any

import pytest

from compliance.models import Delivery, Finding, FindingEvent, Push, Repository, TagChange
from compliance.remediation.joining import unpacked
from compliance.remediation.notices import Kind
from compliance.services.pushed_by import pushed_by
from compliance.services.webhook_endpoints import replay_event
from tests.compliance.services.conftest import World, app, gather, push, work
from tests.support.channels import channel
from tests.support.hooks import B, Hook, pushed
from tests.support.rows import user

KIM: dict[str, Any] = {"actor": {"name": "kim"}}
SAM: dict[str, Any] = {"actor": {"name": "sam"}}
ROOT, OTHER, FINE = app("0"), app("0", "other"), app("1001:1001", "fine")


def changes(tag: str = "1.4") -> list[tuple[str, str | None]]:
    rows = TagChange.objects.filter(tag__name=tag).order_by("pk")
    return list(rows.values_list("kind", "pusher"))


def timeline(kind: str = "found") -> set[str]:
    return set(FindingEvent.objects.filter(kind=kind).values_list("text", flat=True))


def test_the_name_goes_with_the_push_to_the_change_and_to_what_was_found(world: World, hook: Hook) -> None:
    push(world, hook, "1.4", ROOT, **KIM)
    work(world)

    assert Push.objects.get().pusher == "kim"
    assert changes() == [("created", "kim")]
    assert Finding.objects.exists()
    assert timeline() == {"Pushed by kim."}


def test_a_push_that_names_nobody_says_nothing(world: World, hook: Hook) -> None:
    push(world, hook, "1.4", ROOT)
    work(world)

    assert Push.objects.get().pusher is None
    assert (changes(), timeline()) == ([("created", None)], {""})


def test_what_polling_found_says_nothing(world: World, hook: Hook) -> None:
    push(world, hook, "1.4", ROOT, **KIM)
    world.scan()

    assert (changes(), timeline()) == ([("created", None)], {""})
    work(world)
    assert changes() == [("created", None)]


def test_a_push_of_another_digest_names_nobody(world: World, hook: Hook) -> None:
    world.layout.tag("team/app", "1.4", ROOT)
    hook.send(pushed("1.4", B, repository="team/app", **KIM))
    work(world)

    assert changes() == [("created", None)]


def test_a_push_without_a_digest_names_nobody(world: World, hook: Hook) -> None:
    push(world, hook, "1.4", ROOT, **KIM)
    Push.objects.update(digest="")
    work(world)

    assert changes() == [("created", None)]


def test_no_digest_is_not_the_digest_of_a_tag_that_could_not_be_read(world: World, hook: Hook) -> None:
    push(world, hook, "1.4", ROOT, **KIM)
    gather(world)
    Push.objects.update(digest="")
    [scan] = Push.objects.values_list("scan", flat=True)
    home = Repository.objects.get(name="team/app")
    assert scan is not None
    assert pushed_by(home, scan, {"1.4": ""}) == {}
    Push.objects.update(digest=B)
    assert pushed_by(home, scan, {"1.4": B}) == {"1.4": "kim"}


def test_of_two_pushes_that_came_together_the_one_that_is_there_is_named(world: World, hook: Hook) -> None:
    push(world, hook, "1.4", FINE, **KIM)
    push(world, hook, "1.4", ROOT, **SAM)
    work(world)

    assert changes() == [("created", "sam")]


def test_two_who_pushed_the_same_are_not_told_apart(world: World, hook: Hook) -> None:
    for stored, by in ((ROOT, KIM), (FINE, KIM), (ROOT, SAM)):
        push(world, hook, "1.4", stored, **by)
    work(world)

    assert changes() == [("created", None)]


def test_one_who_is_not_named_beside_one_who_is(world: World, hook: Hook) -> None:
    for stored, by in ((ROOT, KIM), (FINE, KIM), (ROOT, {})):
        push(world, hook, "1.4", stored, **by)
    work(world)

    assert changes() == [("created", None)]


def test_each_tag_has_its_own_and_a_finding_of_both_has_neither(world: World, hook: Hook) -> None:
    push(world, hook, "1.4", ROOT, **KIM)
    push(world, hook, "1.5", OTHER, **SAM)
    work(world)

    assert (changes("1.4"), changes("1.5")) == ([("created", "kim")], [("created", "sam")])
    assert timeline() == {""}


def test_a_tag_of_the_same_name_elsewhere_is_not_meant(world: World, hook: Hook) -> None:
    world.layout.tag("team/other", "1.4", ROOT)
    hook.send(pushed("1.4", ROOT.digest, repository="team/other", **SAM))
    push(world, hook, "1.4", ROOT, **KIM)
    work(world)

    rows = TagChange.objects.values_list("repository__name", "pusher")
    assert set(rows) == {("team/app", "kim"), ("team/other", "sam")}


def test_a_replay_says_nothing_of_who_pushed_what_is_there_now(world: World, hook: Hook) -> None:
    push(world, hook, "1.4", ROOT, **KIM)
    work(world)
    first = hook.event().pk
    for stored in (FINE, ROOT):  # moved away and back, and nobody told of it
        world.layout.tag("team/app", "1.4", stored)
        if stored is FINE:
            world.scan()
    replay_event(first, now=world.now)
    work(world)

    assert changes() == [("created", "kim"), ("moved", None), ("moved", None)]


def test_a_finding_that_is_back_says_who_brought_it(world: World, hook: Hook) -> None:
    for stored, by in ((ROOT, KIM), (FINE, SAM), (ROOT, SAM)):
        push(world, hook, "1.4", stored, **by)
        work(world)
        world.later(minutes=5)

    back = set(FindingEvent.objects.filter(became="regressed").values_list("text", flat=True))
    assert changes() == [("created", "kim"), ("moved", "sam"), ("moved", "sam")]
    assert back
    assert all(text.endswith(" Pushed by sam.") for text in back)
    fixed = FindingEvent.objects.filter(became="fixed").values_list("text", flat=True)
    assert not any("sam" in text for text in fixed)


@pytest.mark.parametrize("name", ["kim", "<img src=x>", "@all"])
def test_the_message_says_who_pushed(world: World, hook: Hook, name: str) -> None:
    channel(user("sec", role="security"), *(kind for kind in Kind if kind is not Kind.TEST))
    push(world, hook, "1.4", FINE, actor={"name": name})
    work(world)
    push(world, hook, "1.4", ROOT, actor={"name": name})
    work(world)

    (told,) = Delivery.objects.filter(kind="regression")
    lines = unpacked(Kind.REGRESSION, told.about, told.message).lines
    assert lines
    assert all(line.text.endswith(f", pushed by {name}") for line in lines)
