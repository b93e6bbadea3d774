"""One child as its worker sees it."""

from __future__ import annotations

import json
import select
import socket
import time
from contextlib import suppress
from dataclasses import dataclass, field

from scanner.sandbox.records import is_whole

_MOST_AT_ONCE = 1 << 20
_LONGEST_ENDING = 4096
_ZYGOTE_GONE = b'{"lost": "the process that children come from ended"}'


@dataclass(frozen=True, slots=True)
class Ending:
    """How a child ended.

    :param status: its exit status, negative for a signal.
    :param memory_bytes: the most it had resident.
    :param overdue: it was killed because the worker waited long enough.
    :param lost: why nothing is known of it.
    """

    status: int = 0
    memory_bytes: int = 0
    cpu_seconds: float = 0.0
    overdue: bool = False
    lost: str = ""


@dataclass(slots=True)
class Child:
    """Give it bytes with ``say``, then call ``end``; close it whatever happens.

    :param talk: bytes to it, and its answer back.
    :param leash: the zygote's word of how it ended; closing it kills the child.
    :param seconds: how long the worker waits for it, all waits together; the network's time does not count.
    :param longest_answer: bytes after which no more is read.
    :param layers: how many it has indexed.
    :param rests: whether it may index another one.
    """

    talk: socket.socket
    leash: socket.socket
    seconds: float
    longest_answer: int
    answer: bytearray = field(default_factory=bytearray)
    layers: int = 0
    rests: bool = False
    _ending: Ending | None = None
    _answered: bool = False
    _hears: bool = True

    def say(self, data: bytes) -> None:
        """Give it more; what a child that has gone would not hear is dropped."""
        view = memoryview(data)
        while view and self._hears:
            if self._wait(select.POLLIN | select.POLLOUT) & select.POLLOUT:
                view = view[self._send(view) :]

    def begin(self, seconds: float) -> None:
        """Start over with the next layer."""
        self.answer.clear()
        self.seconds, self.rests = seconds, False
        self.layers += 1

    def has_answered(self) -> bool:
        """Wait for one whole answer; ``False`` where it ended before: then ``end`` says how."""
        while not self._answered and self._ending is None and not is_whole(self.answer):
            self._wait(select.POLLIN)
        return self._ending is None and is_whole(self.answer)

    def is_gone(self) -> bool:
        """Whether it ended while it rested."""
        poll = select.poll()
        poll.register(self.leash, select.POLLIN)
        return bool(poll.poll(0))

    def end(self) -> Ending:
        """Wait for the answer and the end; nothing more will be said."""
        self._hears = False
        with suppress(OSError):
            self.talk.shutdown(socket.SHUT_WR)
        while self._ending is None or not self._answered:
            self._wait(select.POLLIN)
        return self._ending

    def close(self) -> None:
        """Let go; a child still at work is killed."""
        self.talk.close()
        self.leash.close()

    def _wait(self, wanted: int) -> int:
        """Wait until something moves, take what is said, and return how the talk stands."""
        poll = select.poll()
        if not self._answered:
            poll.register(self.talk, wanted)
        if self._ending is None:
            poll.register(self.leash, select.POLLIN)
        began = time.monotonic()
        found = dict(poll.poll(max(0.0, self.seconds) * 1000))
        self.seconds -= time.monotonic() - began
        if not found or self.seconds <= 0:  # an answer that comes too late is no answer
            self._give_up(Ending(overdue=True))
            return 0
        talk = found.get(self.talk.fileno(), 0)
        if talk & ~select.POLLOUT:
            self._listen()
        if self.leash.fileno() in found:
            self._hear_the_end()
        return talk if self._hears else 0

    def _send(self, view: memoryview) -> int:
        try:
            return self.talk.send(view[:_MOST_AT_ONCE])
        except BlockingIOError:
            return 0
        except (BrokenPipeError, ConnectionResetError):
            self._hears = False
            return 0

    def _listen(self) -> None:
        try:
            said = self.talk.recv(_MOST_AT_ONCE)
        except BlockingIOError:
            return
        except ConnectionResetError:  # it ended before it had heard everything
            said = b""
        self.answer += said
        if not said:
            self._answered, self._hears = True, False
        if len(self.answer) > self.longest_answer:
            self.answer.clear()
            self._give_up(Ending())

    def _hear_the_end(self) -> None:
        try:
            said = self.leash.recv(_LONGEST_ENDING)
        except OSError:
            said = b""
        about = json.loads(said or _ZYGOTE_GONE)
        self._hears = False
        if "lost" in about:
            self._give_up(Ending(lost=about["lost"]))
        elif self._ending is None:
            self._ending = Ending(about["status"], about["memory_bytes"], about["seconds"])

    def _give_up(self, ending: Ending) -> None:
        self._ending = ending
        self._answered, self._hears = True, False
        self.close()
