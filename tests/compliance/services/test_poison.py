"""A layer that ends every child that reads it is given up by name, and costs the other images nothing."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from compliance.models import Image, Layer, Scan, State
from scanner.sandbox import Nursery, nursery
from tests.compliance.services.conftest import BASE, World, app
from tests.support.archives import END, member
from tests.support.faulty_children import POISON_BYTES
from tests.support.images import image
from tests.support.layers import layer_from_tar

POISON = layer_from_tar(member(b"poison", b"x" * 20_000) + END, "plain")
ATTEMPTS = 3


@pytest.fixture(autouse=True)
def children(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    own = Nursery("tests.support.faulty_children:crash_over_poison")
    monkeypatch.setattr(nursery, "default", own)
    yield
    own.close()


@pytest.fixture
def scanned(world: World) -> World:
    assert len(POISON.blob) == POISON_BYTES
    world.layout.tag("team/app", "poison", image([BASE, POISON], user="1001"))
    for number in range(5):
        world.layout.tag("team/app", f"good{number}", app("1001", str(number)))
    scan = world.scan()
    assert (scan.state, scan.repositories_failed) == (State.DONE, 0)
    return world


def _fetched(world: World) -> int:
    return [path for _, path in world.requests()].count(f"/v2/team/app/blobs/{POISON.digest}")


def test_it_is_named_after_three_attempts(scanned: World) -> None:
    assert _fetched(scanned) == ATTEMPTS
    assert Image.objects.exclude(problem_code="").values_list("problem_code", flat=True).get() == "scanner-crash"
    assert Layer.objects.get(digest=POISON.digest).problem_code == "scanner-crash"
    assert str(scanned.tag("team/app", "poison").verdict) == "unknown"


def test_the_others_are_judged(scanned: World) -> None:
    verdicts = {str(scanned.tag("team/app", f"good{number}").verdict) for number in range(5)}
    assert verdicts == {"pass"}


def test_it_is_not_tried_for_ever(scanned: World) -> None:
    scanned.layout.tag("team/app", "poison-again", image([BASE, POISON], user="1002"))
    scanned.later(hours=2)

    scanned.scan()

    assert _fetched(scanned) == 0
    assert Scan.objects.count() == 2
    assert str(scanned.tag("team/app", "poison-again").verdict) == "unknown"
