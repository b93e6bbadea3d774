"""A worker that hears nothing although there is work: rings once more itself, then leaves, to be started again.

Connections to the queue can die without either side noticing, and the consumer then waits for ever (celery#8030). What
counts is not the connection but that no message came while rows were due and nothing was being worked on here.
"""

from __future__ import annotations

import logging
import os
import signal
import threading
import time
from collections.abc import Callable, Collection
from dataclasses import dataclass

from celery.worker import state
from django.db import connection

from compliance.models.clock import database_now
from compliance.services.find_due_work import due_work
from compliance.services.take_turn import is_waiting
from compliance.tasks.wake import reaches_the_queue

logger = logging.getLogger(__name__)

LOOK_SECONDS = 15.0
HEAVY = "heavy"
_LAST_WORDS_SECONDS = 10.0


@dataclass(slots=True)
class Watchdog:
    """Looks every few seconds; ``heard`` is called with each message.

    :param waiting: whether work is due that messages to this worker are sent for.
    :param busy: whether something is being worked on here.
    :param ring: sends messages for what is due; says whether the queue took them.
    :param leave: ends this process.
    :param patience: seconds without a message before it rings, and as many again before it leaves.
    """

    waiting: Callable[[], bool]
    busy: Callable[[], bool]
    ring: Callable[[], bool]
    leave: Callable[[], None]
    patience: float = 45.0
    now: Callable[[], float] = time.monotonic
    _heard_at: float | None = None
    _rung: bool = False

    def heard(self, **_signal: object) -> None:
        """A message came."""
        self._heard_at, self._rung = self.now(), False

    def look(self) -> None:
        """Ring or leave, if it has been quiet for too long."""
        if self._heard_at is None or self.busy() or not self.waiting():
            self.heard()
        elif self.now() - self._heard_at < self.patience:
            return
        elif not self._rung:
            logger.warning("no message for %g s although work is due; ringing again", self.patience)
            rung = self.ring()
            self.heard()
            self._rung = rung  # a queue that is down is no reason to leave: the worker connects again by itself
        else:
            logger.error("no message for %g s after ringing; this worker ends, to be started again", self.patience)
            self.leave()

    def watch(self, pause: float = LOOK_SECONDS) -> threading.Thread:
        """Look from a thread for as long as the process lives."""
        thread = threading.Thread(target=self._watch, args=(pause,), name="watchdog", daemon=True)
        thread.start()
        return thread

    def _watch(self, pause: float) -> None:
        while True:
            time.sleep(pause)
            try:
                self.look()
            except Exception:  # Postgres is away: whoever works will say so
                logger.warning("the watchdog could not look", exc_info=True)
            finally:
                connection.close()  # this thread's own, which pool processes must not inherit


def watchdog_of(queues: Collection[str]) -> Watchdog:
    """The watchdog of a worker that gets its messages from these queues."""
    heavy, ordinary = HEAVY in queues, any(name != HEAVY for name in queues)
    return Watchdog(
        waiting=lambda: is_waiting(database_now(), ordinary=ordinary, heavy=heavy),
        busy=lambda: bool(state.reserved_requests),
        ring=lambda: reaches_the_queue(due_work(database_now())),
        leave=_leave,
    )


def _leave() -> None:
    """Ask for an orderly end, which a dead connection can hang, and then end without asking."""
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(_LAST_WORDS_SECONDS)
    os._exit(1)
