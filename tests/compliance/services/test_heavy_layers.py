"""Layers too big for a turn among others have a part, a queue and workers of their own."""

from __future__ import annotations

import random

import pytest
from pytest_django import Settings

from compliance.models import Layer, RepositoryScan, Scan, ScanError, State, Tag
from compliance.policy.wake_up import WakeUp, Work
from compliance.services.find_due_work import due_work, request_due_scans
from compliance.services.list_repositories import list_repositories
from compliance.services.request_scan import cancel_scan, request_scan
from compliance.services.run_scan_inline import work_on
from compliance.services.scan_repository import scan_repository
from compliance.services.serve_next import serve_next
from tests.compliance.services.conftest import BASE, World, app
from tests.compliance.services.test_only_tags import ask_for
from tests.support.images import File, index, layer
from tests.support.images import image as build

NOISE = random.Random(1).randbytes(40_000)
BIG = layer({"srv/model": File(NOISE)})
GOOD, BAD = "10001:10001", ""
HEAVY = build([BASE, BIG], user=GOOD)


@pytest.fixture
def small(world: World, settings: Settings) -> World:
    """Whatever has more than 30 kB is heavy; the base has not."""
    settings.HEAVY_LAYER_BYTES = 30_000
    world.layout.tag("team/app", "light", app(GOOD))
    return world


def light_part(world: World) -> list[WakeUp]:
    """Scan, but not what is heavy; return what is left."""
    scan = request_scan(world.registry, trigger=Scan.Trigger.COMMAND, now=world.now)
    (part,) = list_repositories(scan, clock=lambda: world.now)
    return scan_repository(part.id, clock=lambda: world.now)


def test_the_others_do_not_wait_for_them(small: World) -> None:
    small.layout.tag("team/app", "heavy", HEAVY)

    (heavy,) = light_part(small)

    assert heavy.work is Work.HEAVY_REPOSITORY_SCAN
    assert small.tag("team/app", "light").verdict == "pass"
    waiting = small.tag("team/app", "heavy")
    assert (waiting.verdict, waiting.problem_code) == ("unknown", "big-layers")
    assert "30,000 bytes" in waiting.problem_message
    assert not Layer.objects.filter(digest=BIG.digest).exclude(index=None).exists()
    assert (Scan.objects.get().state, ScanError.objects.count()) == (State.RUNNING, 0)
    part = RepositoryScan.objects.get(heavy=True)
    assert (part.only_tags, part.state) == (["heavy"], State.QUEUED)


def test_then_they_are_read(small: World) -> None:
    small.layout.tag("team/app", "heavy", HEAVY)
    (heavy,) = light_part(small)

    work_on(heavy, clock=lambda: small.now)

    tag, scan = small.tag("team/app", "heavy"), Scan.objects.get()
    assert (tag.verdict, tag.problem_code, tag.unconfirmed_since) == ("pass", "", None)
    assert (scan.state, scan.repositories_done, scan.tags_total, scan.tags_done) == (State.DONE, 1, 2, 2)
    assert scan.layers_indexed == Layer.objects.exclude(index=None).count()


def test_who_cancels_the_scan_is_not_told_that_they_are_still_being_read(small: World) -> None:
    small.layout.tag("team/app", "heavy", HEAVY)
    light_part(small)

    assert cancel_scan(Scan.objects.get().pk, now=small.now)

    tag = small.tag("team/app", "heavy")
    assert (tag.verdict, tag.problem_code) == ("unknown", "check-cancelled")
    assert "reading of its big layers was cancelled" in tag.problem_message
    (heavy,) = light_part(small)
    work_on(heavy, clock=lambda: small.now)
    assert small.tag("team/app", "heavy").verdict == "pass"


def test_the_last_verdict_is_kept_until_then(small: World) -> None:
    small.layout.tag("team/app", "moving", app(BAD))
    small.scan()
    before = small.tag("team/app", "moving")
    small.layout.tag("team/app", "moving", HEAVY)
    small.later(hours=1)

    (heavy,) = light_part(small)

    tag = small.tag("team/app", "moving")
    assert (tag.verdict, tag.digest, tag.unconfirmed_since) == ("fail", before.digest, small.now)
    assert tag.problem_code == "big-layers"
    work_on(heavy, clock=lambda: small.now)
    assert (small.tag("team/app", "moving").digest, Scan.objects.latest("pk").fixed) == (HEAVY.digest, 1)


def test_a_pass_is_not_kept_for_what_nobody_has_read(small: World) -> None:
    small.layout.tag("team/app", "moving", app(GOOD))
    small.scan()
    assert small.tag("team/app", "moving").verdict == "pass"
    small.layout.tag("team/app", "moving", HEAVY)
    small.later(hours=1)

    light_part(small)

    tag = small.tag("team/app", "moving")
    assert (tag.verdict, tag.digest, tag.problem_code) == ("unknown", HEAVY.digest, "big-layers")


def test_once_read_they_are_as_light_as_any(small: World) -> None:
    small.layout.tag("team/app", "heavy", HEAVY)
    small.scan()
    small.layout.tag("team/app", "again", build([BASE, BIG], user=BAD))

    assert light_part(small) == []
    assert small.tag("team/app", "again").verdict == "fail"


def test_an_index_waits_for_its_heaviest_image(small: World) -> None:
    small.layout.tag("team/app", "both", index([app(GOOD, "x"), HEAVY]))

    (heavy,) = light_part(small)

    assert small.tag("team/app", "both").problem_code == "big-layers"
    work_on(heavy, clock=lambda: small.now)
    assert small.tag("team/app", "both").verdict == "pass"


def test_a_push_has_a_heavy_part_too(small: World) -> None:
    small.scan()
    small.layout.tag("team/app", "heavy", HEAVY)
    scan = ask_for(small, ["heavy"])

    work_on(WakeUp(Work.REPOSITORY_SCAN, RepositoryScan.objects.get(scan=scan).pk), clock=lambda: small.now)

    assert small.tag("team/app", "heavy").verdict == "pass"
    assert list(RepositoryScan.objects.filter(scan=scan).values_list("heavy", "state").order_by("heavy")) == [
        (False, State.DONE),
        (True, State.DONE),
    ]
    assert Scan.objects.get(pk=scan.pk).repositories_done == 1


def test_the_tick_rings_for_them_on_their_own_queue(small: World, settings: Settings) -> None:
    small.layout.tag("team/app", "heavy", HEAVY)
    (heavy,) = light_part(small)

    assert heavy in due_work(small.now)
    routes = settings.CELERY_TASK_ROUTES
    assert routes == {"compliance.wake_heavy_repository_scan": {"queue": "heavy"}}


def test_who_is_rung_for_others_leaves_them_alone(small: World) -> None:
    small.layout.tag("team/app", "heavy", HEAVY)
    (heavy,) = light_part(small)
    light = RepositoryScan.objects.get(heavy=False)

    assert serve_next(light.pk, clock=lambda: small.now) == []
    assert RepositoryScan.objects.get(heavy=True).state == State.QUEUED
    serve_next(heavy.id, clock=lambda: small.now)
    assert RepositoryScan.objects.get(heavy=True).state == State.DONE


def test_what_cannot_be_read_apart_either_is_named(small: World) -> None:
    small.layout.tag("team/app", "heavy", HEAVY)
    (heavy,) = light_part(small)
    small.server.faults.statuses[f"/v2/team/app/blobs/{BIG.digest}"] = 404

    work_on(heavy, clock=lambda: small.now)

    assert small.tag("team/app", "heavy").problem_code == "blob-unknown"
    assert ScanError.objects.get().code == "blob-unknown"
    assert not Tag.objects.filter(problem_code="big-layers").exists()


def test_the_next_scan_does_not_wait_for_them(small: World) -> None:
    small.layout.tag("team/app", "heavy", HEAVY)
    light_part(small)
    first = Scan.objects.get()
    small.later(hours=48)
    small.layout.tag("team/app", "light", app(BAD, "since"))

    (second,) = request_due_scans(small.now)

    assert second != first.pk
    assert (Scan.objects.get(pk=first.pk).state, Scan.objects.get(pk=first.pk).partial) == (State.RUNNING, True)
    assert [wake_up.work for wake_up in light_part(small)] == [Work.HEAVY_REPOSITORY_SCAN]
    assert small.tag("team/app", "light").verdict == "fail"
    assert Scan.objects.get(pk=second).state == State.DONE


def test_scans_without_a_worker_for_them_leave_one_part(small: World) -> None:
    small.layout.tag("team/app", "heavy", HEAVY)
    light_part(small)
    small.layout.tag("team/app", "more", build([BASE, BIG], user=BAD))

    (heavy,) = light_part(small)

    part = RepositoryScan.objects.get(heavy=True)
    assert (part.pk, part.only_tags) == (heavy.id, ["heavy", "more"])
    work_on(heavy, clock=lambda: small.now)
    assert small.tag("team/app", "more").verdict == "fail"
    assert not Scan.objects.filter(state__in=[State.QUEUED, State.RUNNING]).exists()
