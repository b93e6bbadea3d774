"""What is heard from the queue and the workers: nothing, half, all of it, and what nobody expects."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import redis
from celery import current_app
from django.conf import settings
from django.test import override_settings
from django.utils import timezone
from kombu.exceptions import OperationalError

from compliance.tasks.ask_workers import QUEUES, Depth, ask_queue
from tests.support.rows import NOW
from tests.support.workers import worker

BEGUN = (NOW - timedelta(minutes=3)).timestamp()


class Inspected:
    """Answers as Celery's workers would."""

    def __init__(self, stats: Any, active: Any = None, queues: Any = None) -> None:
        self._said = (stats, active, queues)
        self.asked: list[dict[str, Any]] = []

    def inspect(self, **how: Any) -> Inspected:
        self.asked.append(how)
        return self

    def stats(self) -> Any:
        return self._said[0]

    def active(self) -> Any:
        return self._said[1]

    def active_queues(self) -> Any:
        return self._said[2]


def inspected(monkeypatch: pytest.MonkeyPatch, *said: Any) -> Inspected:
    found = Inspected(*said)
    monkeypatch.setattr(current_app.control, "inspect", found.inspect)
    return found


@pytest.mark.parametrize("url", ["redis://:hush@127.0.0.1:1/0", "redis://nowhere.invalid:6379/0"])
def test_a_queue_that_does_not_answer_is_an_answer_within_seconds(url: str) -> None:
    begun = time.monotonic()
    with override_settings(REDIS_URL=url):
        found = ask_queue(NOW)
    assert (found.answers, found.asked_workers, found.workers, found.depths) == (False, False, (), ())
    assert time.monotonic() - begun < 5


def test_how_much_waits() -> None:
    client = redis.Redis.from_url(settings.REDIS_URL)
    before = {each.queue: each.waiting for each in ask_queue(NOW).depths}
    client.rpush("heavy", *range(3))
    try:
        found = ask_queue(NOW)
    finally:
        client.ltrim("heavy", 0, -4)
    assert found.depths == (Depth("celery", before["celery"]), Depth("heavy", before["heavy"] + 3))
    assert found.server.split()[0] in ("Redis", "Valkey")
    assert found.server.split()[1][0].isdecimal()


def test_nobody_answers() -> None:
    found = ask_queue(NOW)
    assert (found.answers, found.asked_workers, found.workers) == (True, True, ())
    assert found.unserved == QUEUES


def test_the_queue_goes_away_between_two_questions(monkeypatch: pytest.MonkeyPatch) -> None:
    def gone(**_how: Any) -> None:
        raise OperationalError("redis://:hush@queue")

    monkeypatch.setattr(current_app.control, "inspect", gone)
    found = ask_queue(NOW)
    assert (found.answers, found.asked_workers) == (True, False)


def test_what_workers_do(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = inspected(
        monkeypatch,
        {"celery@b": {"uptime": 60, "pool": {"max-concurrency": 4}}, "celery@a": {"uptime": 0}},
        {
            "celery@b": [
                {"name": "compliance.wake_repository_scan", "time_start": BEGUN, "kwargs": {"pk": "hush"}},
                {"name": "other.hush", "time_start": None},
            ]
        },
        {"celery@b": [{"name": "celery"}], "celery@a": [{"name": "celery"}]},
    )
    found = ask_queue(NOW)
    first, second = found.workers
    assert (first.name, first.started, first.processes, first.doing) == ("celery@a", NOW, 0, ())
    assert (second.started, second.processes, second.queues) == (NOW - timedelta(seconds=60), 4, ("celery",))
    assert [each.words for each in second.doing] == ["scans repositories", "something else"]
    assert [each.since for each in second.doing] == [NOW - timedelta(minutes=3), None]
    assert found.unserved == ("heavy",)
    assert "hush" not in repr(found)
    assert [how.get("limit") for how in asked.asked] == [None, 2]  # the second question waits for nobody else


@pytest.mark.parametrize(
    "said",
    [
        ({"w": "pong"}, {"w": "busy"}, {"w": None}),
        ({"w": {"uptime": -1, "pool": []}}, {"w": [None, 1, {}]}, {"w": [{}]}),
        ({"w": {"uptime": "long", "pool": {"max-concurrency": "many"}}}, {"w": [{"time_start": 1e300}]}, None),
        ({"w": {"uptime": 10**30}}, {"w": [{"time_start": float("nan"), "name": 7}]}, {"other": []}),
    ],
)
def test_odd_answers_break_nothing(monkeypatch: pytest.MonkeyPatch, said: tuple[Any, Any, Any]) -> None:
    inspected(monkeypatch, *said)
    (found,) = ask_queue(NOW).workers
    assert (found.name, found.started, found.processes) == ("w", None, 0)
    assert all(each.since is None for each in found.doing)


@pytest.mark.worker
@pytest.mark.django_db(transaction=True)
def test_a_real_worker(tmp_path: Path) -> None:
    with worker(tmp_path, beat=False):
        ends = time.monotonic() + 200
        found = ask_queue(timezone.now())
        # Each question has its own answers, and a busy machine's worker may have given only some of them in time.
        while not any(each.queues and each.started for each in found.workers) and time.monotonic() < ends:
            found = ask_queue(timezone.now())
    (one,) = found.workers
    assert one.name.startswith("celery@")
    assert (one.processes, one.queues) == (2, ("celery",))
    assert one.started is not None
    assert timedelta() <= datetime.now(UTC) - one.started < timedelta(minutes=2)
