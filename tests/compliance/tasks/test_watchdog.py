from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from compliance.tasks.watchdog import Watchdog


@dataclass
class Scene:
    """A worker on a stage: minutes go by as the test says."""

    waiting: bool = True
    busy: bool = False
    queue_is_up: bool = True
    at: float = 0.0
    did: list[str] = field(default_factory=list)

    def watchdog(self) -> Watchdog:
        return Watchdog(
            lambda: self.waiting, lambda: self.busy, self._ring, lambda: self.did.append("left"), now=lambda: self.at
        )

    def _ring(self) -> bool:
        self.did.append("rang")
        return self.queue_is_up

    def go_on(self, dog: Watchdog, seconds: int, *, messages: bool = False) -> None:
        for _ in range(seconds // 15):
            self.at += 15
            if messages:
                dog.heard()
            dog.look()


def test_a_deaf_worker_rings_then_leaves_within_two_minutes() -> None:
    scene = Scene()
    dog = scene.watchdog()

    scene.go_on(dog, 60)
    assert scene.did == ["rang"]
    scene.go_on(dog, 45)
    assert scene.did == ["rang", "left"]


@pytest.mark.parametrize(
    "scene", [Scene(waiting=False), Scene(busy=True)], ids=["nothing to do", "busy with something long"]
)
def test_a_quiet_worker_stays(scene: Scene) -> None:
    scene.go_on(scene.watchdog(), 3_600)

    assert scene.did == []


def test_a_worker_that_hears_stays() -> None:
    scene = Scene()
    scene.go_on(scene.watchdog(), 3_600, messages=True)

    assert scene.did == []


def test_a_queue_that_is_down_is_no_reason_to_leave() -> None:
    scene = Scene(queue_is_up=False)
    scene.go_on(scene.watchdog(), 3_600)

    assert set(scene.did) == {"rang"}


def test_without_a_beat_the_worker_rings_for_itself() -> None:
    scene = Scene()
    dog = scene.watchdog()
    for _ in range(10):
        scene.go_on(dog, 75)
        dog.heard()

    assert scene.did == ["rang"] * 10
