"""Webhooks at a fixed rate, whether or not those before them were answered: an answer that is late delays nobody."""

from __future__ import annotations

import itertools
import json
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from tests.support.running import Running, exchange

_THREADS = 96
_SECONDS_TO_RETRY = 0.5


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back.

    :param seconds: since the request was due, not since somebody found time to send it.
    :param event: the id it was stored under, as the answer says; ``None``: it does not.
    """

    status: int
    seconds: float
    event: int | None = None
    tries: int = 1


def send(port: int, raw: bytes, *, due: float, patience: float = 0.0) -> Answer:
    """Send one request, and as a registry does again until it is answered 202, for so many seconds."""
    for tries in itertools.count(1):
        status, body = exchange(port, raw)
        now = time.monotonic()
        event = _event(body) if status == 202 else None
        if event is not None or now - due >= patience:
            return Answer(status, now - due, event, tries)
        time.sleep(_SECONDS_TO_RETRY)
    raise AssertionError("counting does not end")


def flood(one: Callable[[int, float], Answer], count: int, per_minute: float) -> list[Answer]:
    """Ask for so many at this rate; ``one`` gets the number and the moment it is due."""
    began = time.monotonic() + 0.1
    numbers = itertools.count()
    answers: list[Answer] = []

    def work() -> None:
        for number in numbers:
            if number >= count:
                return
            due = began + number * 60 / per_minute
            time.sleep(max(0.0, due - time.monotonic()))
            answers.append(one(number, due))

    threads = [threading.Thread(target=work) for _ in range(_THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return answers


@dataclass(frozen=True, slots=True)
class Blow:
    """Something bad that happens when so much of a flood is over, from 0 to 1."""

    share: float
    name: str
    strike: Callable[[], object]


def blows(product: Running, flush: Callable[[], object]) -> list[Blow]:
    """Every part is killed, and the queue emptied, one after the other."""

    def again(kill: Callable[[], object], start: Callable[[], object], seconds: float) -> Callable[[], object]:
        def strike() -> None:
            kill()
            time.sleep(seconds)
            start()

        return strike

    web, beat, worker = product.web, product.beat, product.worker
    return [
        Blow(0.15, "FLUSHALL", flush),
        Blow(0.25, "kill -9 of the worker's main process", again(worker.kill_main, worker.start, 2.0)),
        Blow(0.4, "kill -9 of a web process", web.kill_child),
        Blow(0.5, "kill -9 of gunicorn's master", again(web.kill_main, web.start, 1.0)),
        Blow(0.65, "kill -9 of beat", again(beat.kill, beat.start, 1.0)),
        Blow(0.75, "kill -9 of all of the worker, and FLUSHALL", again(worker.kill, worker.start, 1.0)),
        Blow(0.8, "FLUSHALL", flush),
        Blow(0.9, "kill -9 of all of the web", again(web.kill, web.start, 1.0)),
    ]


def striking(planned: Sequence[Blow], seconds: float) -> threading.Thread:
    """Let them happen while a flood of so many seconds goes on; join the thread that is returned."""
    began = time.monotonic()

    def strike() -> None:
        for blow in planned:
            time.sleep(max(0.0, began + blow.share * seconds - time.monotonic()))
            blow.strike()

    thread = threading.Thread(target=strike)
    thread.start()
    return thread


def _event(body: bytes) -> int | None:
    try:
        return int(json.loads(body)["event"])
    except ValueError:  # cut off: the sender cannot know
        return None
