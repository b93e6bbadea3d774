"""What the queue and the workers say when they are asked: how much waits, who is there, what they do now.

Nothing here may keep a page waiting: each question has its time, and no answer is an answer.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final, cast

import redis
from celery import current_app
from django.conf import settings
from kombu.exceptions import KombuError, OperationalError

from compliance.tasks.watchdog import HEAVY

logger = logging.getLogger(__name__)

QUEUES: Final = ("celery", HEAVY)
_CONNECT_SECONDS: Final = 1.0
_ANSWER_SECONDS: Final = 1.0
"""Workers that say nothing for so long are not there, or have other things to do."""
_MOST_WORKERS: Final = 200
_MOST_TASKS: Final = 50
_LONGEST: Final = 200
_UNANSWERED: Final = "unacked"
"""Where kombu keeps messages that a worker has and has not ended; a lost worker's come back from there."""

_WORDS: Final[Mapping[str, str]] = {
    "compliance.tick": "tick: looks for what is due",
    "compliance.wake_scan": "lists the repositories of a registry",
    "compliance.wake_repository_scan": "scans repositories",
    "compliance.wake_heavy_repository_scan": "reads big layers",
    "compliance.wake_rejudging": "judges again",
    "compliance.wake_pushes": "gathers pushes",
    "compliance.wake_due_dates": "moves due dates",
    "compliance.wake_deliveries": "sends messages",
    "compliance.check_audit": "verifies the audit trail",
}


@dataclass(frozen=True, slots=True)
class Doing:
    """One thing that a worker is at."""

    words: str
    since: datetime | None


@dataclass(frozen=True, slots=True)
class Worker:
    """Somebody who answered.

    :param processes: how many things it can do at once.
    """

    name: str
    started: datetime | None
    processes: int
    queues: tuple[str, ...]
    doing: tuple[Doing, ...] = ()


@dataclass(frozen=True, slots=True)
class Depth:
    """How many messages wait in a queue."""

    queue: str
    waiting: int


@dataclass(frozen=True, slots=True)
class Queue:
    """What was heard.

    :param answers: whether the queue itself did. ``asked_workers``: whether the workers could be asked.
    :param server: its product and release; ``evicts``: that it may throw messages away.
    :param given: messages that workers have and have not ended.
    """

    answers: bool
    asked_workers: bool = False
    server: str = ""
    evicts: bool = False
    depths: tuple[Depth, ...] = ()
    given: int = 0
    workers: tuple[Worker, ...] = ()

    @property
    def unserved(self) -> tuple[str, ...]:
        """Queues that nobody who answered takes from."""
        served = {name for each in self.workers for name in each.queues}
        return tuple(name for name in QUEUES if name not in served)


def ask_queue(now: datetime) -> Queue:
    """Ask the queue how much waits, then the workers who they are; at most some seconds."""
    client = redis.Redis.from_url(
        settings.REDIS_URL, socket_timeout=_CONNECT_SECONDS, socket_connect_timeout=_CONNECT_SECONDS
    )
    try:
        heard = _queue(client)
    except (redis.RedisError, OSError):
        return Queue(answers=False)
    finally:
        client.close()
    try:
        return replace(heard, asked_workers=True, workers=_workers(now))
    except (OperationalError, KombuError, redis.RedisError, OSError):
        logger.warning("the workers cannot be asked", exc_info=True)
        return heard


def _queue(client: redis.Redis) -> Queue:
    info = cast(Mapping[str, Any], client.info())
    kind = "valkey" if "valkey_version" in info else "redis"
    return Queue(
        answers=True,
        server=f"{kind.title()} {str(info.get(f'{kind}_version', ''))[:_LONGEST]}".strip(),
        evicts=info.get("maxmemory_policy", "noeviction") != "noeviction",
        depths=tuple(Depth(name, client.llen(name)) for name in QUEUES),
        given=client.hlen(_UNANSWERED),
    )


def _workers(now: datetime) -> tuple[Worker, ...]:
    with current_app.connection_for_write() as connection:
        # Kombu would try for ever otherwise.
        connection.transport_options = {
            **(connection.transport_options or {}),
            "max_retries": 1,
            "socket_connect_timeout": _CONNECT_SECONDS,
            "socket_timeout": 2 * _ANSWER_SECONDS,
        }
        ask = current_app.control.inspect(timeout=_ANSWER_SECONDS, connection=connection)
        stats = ask.stats() or {}
        # Who is there is known by now, so nobody waits for more of them.
        ask = current_app.control.inspect(timeout=_ANSWER_SECONDS, connection=connection, limit=len(stats) or None)
        active, queues = (ask.active() or {}, ask.active_queues() or {}) if stats else ({}, {})
    names = sorted(map(str, stats))[:_MOST_WORKERS]
    return tuple(_worker(name, stats.get(name), active.get(name), queues.get(name), now) for name in names)


def _worker(name: str, stats: Any, active: Any, queues: Any, now: datetime) -> Worker:
    said = stats if isinstance(stats, Mapping) else {}
    pool = said.get("pool")
    processes = pool.get("max-concurrency") if isinstance(pool, Mapping) else None
    uptime = said.get("uptime")
    return Worker(
        name=name[:_LONGEST],
        started=now - timedelta(seconds=uptime) if isinstance(uptime, int) and 0 <= uptime < 10**9 else None,
        processes=processes if isinstance(processes, int) else 0,
        queues=tuple(str(each.get("name"))[:_LONGEST] for each in _dicts(queues)),
        doing=tuple(_doing(each, now) for each in _dicts(active)[:_MOST_TASKS]),
    )


def _doing(task: Mapping[str, Any], now: datetime) -> Doing:
    name, begun = str(task.get("name", ""))[:_LONGEST], task.get("time_start")
    known = isinstance(begun, float | int) and 0 < begun <= now.timestamp() + 3600
    # Only what we know by name: arguments of a message are nobody's business here.
    return Doing(_WORDS.get(name, "something else"), datetime.fromtimestamp(begun, UTC) if known and begun else None)


def _dicts(answer: Any) -> list[Mapping[str, Any]]:
    return [each for each in answer if isinstance(each, Mapping)] if isinstance(answer, list) else []
