from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from types import SimpleNamespace

import pytest

from compliance.policy.wake_up import WakeUp, Work
from compliance.tasks import push_bell
from compliance.tasks.push_bell import PushBell

ONE, OTHER = WakeUp(Work.PUSHES, 1), WakeUp(Work.PUSHES, 2)


def until(happened: Callable[[], object]) -> None:
    deadline = time.monotonic() + 60
    while not happened():
        assert time.monotonic() < deadline
        time.sleep(0.005)


def test_the_first_is_sent_at_once_and_a_burst_as_one(monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[list[WakeUp]] = []
    pauses: list[float] = []
    over = threading.Event()

    def pause(seconds: float) -> None:
        if seconds == 0.3:  # the threads of other bells may not have come to their pause yet
            pauses.append(seconds)
            over.wait(60)

    monkeypatch.setattr(push_bell, "time", SimpleNamespace(sleep=pause))
    bell = PushBell(sent.append, seconds=0.3)
    bell.ring([ONE])
    until(lambda: pauses)
    at_once = list(sent)
    for _ in range(1_000):
        bell.ring([ONE])
        bell.ring([OTHER])
    assert sent == at_once == [[ONE]]
    over.set()
    until(lambda: len(pauses) == 2)

    assert sent == [[ONE], [ONE, OTHER]]


def test_nothing_to_ring_for_starts_nothing() -> None:
    sent: list[list[WakeUp]] = []
    before = threading.active_count()
    PushBell(sent.append).ring([])
    assert threading.active_count() == before


def test_a_queue_that_hangs_holds_nobody() -> None:
    hangs, ended = threading.Event(), threading.Event()

    def hang(_: list[WakeUp]) -> None:
        hangs.wait(60)
        ended.set()

    bell = PushBell(hang, seconds=0)
    for _ in range(100):
        bell.ring([ONE])
    assert not ended.is_set()
    hangs.set()
    assert ended.wait(60)


def test_an_error_does_not_end_it(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.ERROR)
    sent: list[list[WakeUp]] = []

    def fail_once(wake_ups: list[WakeUp]) -> None:
        sent.append(wake_ups)
        if len(sent) == 1:
            raise RuntimeError("broken")

    bell = PushBell(fail_once, seconds=0)
    bell.ring([ONE])
    until(lambda: sent)
    bell.ring([OTHER])
    until(lambda: len(sent) == 2)

    assert sent[1] == [OTHER]
    assert "wait for the tick" in caplog.text
