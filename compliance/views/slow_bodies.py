"""A body that drips is given up: until it is there it holds one of the few threads that answer everybody."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Final, Protocol

_FOR_READING: Final = 0
"""``socket.SHUT_RD``; sockets are opened by sources alone, so nobody else has their module."""


class BodyTooSlow(Exception):
    """The time for a body is over, and the body is not there."""


class Connection(Protocol):
    """What a body comes over."""

    def shutdown(self, how: int, /) -> None: ...


@dataclass(slots=True, eq=False)
class Reading:
    """One body under way.

    :param ends: the monotonic second to give up at.
    :param connection: ``None`` where nobody knows, or once the body is read.
    """

    ends: float
    connection: Connection | None

    @property
    def is_late(self) -> bool:
        """Whether its time is over."""
        return time.monotonic() >= self.ends

    def go_on(self) -> None:
        """Between two pieces.

        :raises BodyTooSlow: when its time is over.
        """
        if self.is_late:
            raise BodyTooSlow


class Readings:
    """Closes the reading side of sockets whose time is over, by one thread that begins with the first of them.

    A read of a body is many reads of its socket, so no time limit of the socket bounds it, and only the server knows
    what it holds already. A closed reading side ends all of them, and the answer can still be written.
    """

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._waiting: deque[Reading] = deque()
        self._thread: threading.Thread | None = None

    @contextmanager
    def within(self, seconds: float, connection: Connection | None) -> Iterator[Reading]:
        """Read one body; the seconds are the same for all that are under way at once.

        :raises BodyTooSlow: instead of whatever else it comes to when its time is over.
        """
        reading = Reading(time.monotonic() + seconds, connection)
        if connection is not None:
            self._watch(reading)
        try:
            yield reading
        except Exception as fault:  # how a server says that a body broke off is its own affair
            if reading.is_late:
                raise BodyTooSlow from fault
            raise
        finally:
            with self._changed:  # the connection may go on to another request
                reading.connection = None

    def _watch(self, reading: Reading) -> None:
        with self._changed:
            self._waiting.append(reading)
            if self._thread is None:
                self._thread = threading.Thread(target=self._end_late, name="slow bodies", daemon=True)
                self._thread.start()
            elif len(self._waiting) == 1:  # otherwise it looks again when the first of them is late
                self._changed.notify()

    def _end_late(self) -> None:
        with self._changed:
            while True:
                if not self._waiting:
                    self._changed.wait()
                elif self._waiting[0].connection is not None and not self._waiting[0].is_late:
                    self._changed.wait(self._waiting[0].ends - time.monotonic())
                else:
                    _end(self._waiting.popleft())


def _end(reading: Reading) -> None:
    if reading.connection is not None:
        with suppress(OSError):  # it is closed already
            reading.connection.shutdown(_FOR_READING)


READINGS = Readings()
