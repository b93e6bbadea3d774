"""How long one exchange may still read.

httpcore2 gives each ``recv`` the same time-out, so a peer that sends one byte at a time never runs out of it. Here
the headers have one time together, and a body has four: between two reads, for a minute's worth of it, for all of it
by its size, and in any case.

The two about speed count only time spent waiting for the peer. A layer that takes us long to unpack is not slow.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field

import httpcore2

from scanner.domain.limits import Limits

_WINDOW_SECONDS = 60.0
_GRACE_SECONDS = 60.0


@dataclass(slots=True)
class Clock:
    """It starts with the first read, so that waiting for a connection does not use it up.

    :param now: monotonic seconds.
    :ivar bound: the field of ``Limits`` that the last wait was bound by.
    """

    limits: Limits
    now: Callable[[], float] = time.monotonic
    bound: str = "first_byte_seconds"
    _in_body: bool = False
    _ends: float | None = None
    _patience: float | None = None
    _waited: float = 0.0
    _window_waited: float = field(default=0.0)
    _window_bytes: int = field(default=0)

    def body_begins(self) -> None:
        """From now on the body's limits count."""
        self._in_body = True
        self._ends = self.now() + self.limits.body_seconds

    def expect(self, size: int) -> None:
        """Bound the waiting for a body of at most so many bytes."""
        self._patience = _GRACE_SECONDS + size / self.limits.body_bytes_per_second

    def timed(self, receive: Callable[[int, float], bytes], most: int) -> bytes:
        """Read once.

        :param receive: takes the most bytes and the most seconds.
        :raises httpcore2.ReadTimeout: when no time is left, or the body came too slowly for a minute.
        """
        allowed = self._remaining()
        begun = self.now()
        chunk = receive(most, allowed)
        if self._in_body:
            self._account(self.now() - begun, len(chunk))
        return chunk

    def _remaining(self) -> float:
        now = self.now()
        if self._ends is None:
            self._ends = now + self.limits.first_byte_seconds
        waits = [(self._ends - now, "body_seconds" if self._in_body else "first_byte_seconds")]
        if self._in_body:
            waits.append((self.limits.idle_seconds, "idle_seconds"))
            if self._patience is not None:
                waits.append((self._patience - self._waited, "body_bytes_per_second"))
        left, self.bound = min(waits)
        if left <= 0:
            raise httpcore2.ReadTimeout("the exchange took longer than allowed")
        return left

    def _account(self, seconds: float, size: int) -> None:
        self._waited += seconds
        self._window_waited += seconds
        self._window_bytes += size
        if self._window_waited < _WINDOW_SECONDS:
            return
        if self._window_bytes < self.limits.floor_bytes_per_second * self._window_waited:
            self.bound = "floor_bytes_per_second"
            raise httpcore2.ReadTimeout("the body came too slowly")
        self._window_waited, self._window_bytes = 0.0, 0
