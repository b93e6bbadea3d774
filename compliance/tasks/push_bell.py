"""Ring for pushes without making a registry wait: from a thread of its own, at most once a second for each registry.

What is not rung for, because the process ended or the queue is down, is found by the tick.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterable
from typing import Final

from compliance.policy.wake_up import WakeUp
from compliance.tasks.wake import ring_now

logger = logging.getLogger(__name__)

_SECONDS_BETWEEN = 1.0


class PushBell:
    """Gathers wake-ups and sends each once, however often it was asked for meanwhile."""

    def __init__(self, ring: Callable[[list[WakeUp]], None], seconds: float = _SECONDS_BETWEEN) -> None:
        self._send = ring
        self._seconds = seconds
        self._wanted: dict[WakeUp, None] = {}
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None

    def ring(self, wake_ups: Iterable[WakeUp]) -> None:
        """Return at once; the first of a burst is sent at once too, the rest of it together a second later."""
        wanted = dict.fromkeys(wake_ups)
        if not wanted:
            return
        with self._changed:
            self._wanted.update(wanted)
            if self._thread is None or not self._thread.is_alive():
                # Not before: a thread does not outlive the fork that makes a web worker.
                self._thread = threading.Thread(target=self._run, name="push-bell", daemon=True)
                self._thread.start()
            self._changed.notify()

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: bool(self._wanted))
                wanted, self._wanted = list(self._wanted), {}
            try:
                self._send(wanted)
            except Exception:
                logger.exception("%d wake-ups wait for the tick", len(wanted))
            time.sleep(self._seconds)


BELL: Final = PushBell(ring_now)
