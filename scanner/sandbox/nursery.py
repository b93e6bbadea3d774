"""Starts the zygote of this process when the first layer comes, and again when it was killed."""

from __future__ import annotations

import atexit
import os
import socket
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Final

from scanner.domain.limits import Limits
from scanner.sandbox.child import Child, Ending
from scanner.sandbox.zygote import LIMITS

READ_LAYERS: Final = "scanner.sandbox.work:read_layers"

_BOOT = "import sys; sys.path[:0] = sys.argv[2:]; from scanner.sandbox.zygote import main; main()"
_PACKAGES = Path(__file__).resolve().parents[2]
_SEND_SECONDS = 10.0
_MOST_LAYERS = 32
"""Small layers one child reads in turn. Forking costs some forty times what reading one does."""


class Nursery:
    """Children for the layers of this process; any number of threads may ask at once.

    :param work: what children do, as ``module:function``.
    """

    def __init__(self, work: str = READ_LAYERS) -> None:
        self._work = work
        self._lock = threading.Lock()
        self._control: socket.socket | None = None
        self._zygote = 0
        self._resting: list[tuple[bytes, Child]] = []
        self.peak_memory_bytes = 0
        self.cpu_seconds = 0.0
        os.register_at_fork(after_in_child=self._forget)

    def warm_up(self) -> None:
        """Begin to start the zygote, so that it is there when the first layer comes.

        :raises OSError: where no process is to be had.
        """
        with self._lock:
            self._started()

    @contextmanager
    def child(self, limits: Limits) -> Iterator[Child]:
        """One child. Afterwards it is gone, unless it ``rests``: then it is there for the next small layer.

        :raises OSError: where no process or descriptor is to be had.
        """
        child = self._rested(limits) or self._born(limits)
        child.begin(limits.child_seconds)
        try:
            yield child
        except BaseException:
            child.close()
            raise
        if not child.rests:
            child.close()
        elif child.layers >= _MOST_LAYERS:
            self._retire(child)
        else:
            with self._lock:
                self._resting.append((_limits_of(limits), child))

    def _rested(self, limits: Limits) -> Child | None:
        with self._lock:
            while self._resting:
                confined_by, child = self._resting.pop()
                if confined_by == _limits_of(limits) and not child.is_gone():
                    return child
                child.close()
        return None

    def _born(self, limits: Limits) -> Child:
        talk, leash = self._connected(limits)
        for end in (talk, leash):
            end.setblocking(False)
        return Child(talk, leash, limits.child_seconds, limits.child_memory_bytes)

    def note(self, ending: Ending) -> None:
        """Remember what children cost: the most memory of one, the time of all."""
        with self._lock:
            self.peak_memory_bytes = max(self.peak_memory_bytes, ending.memory_bytes)
            self.cpu_seconds += ending.cpu_seconds

    def close(self) -> None:
        """End the zygote and all children; the next layer starts another."""
        with self._lock:
            self._end()

    def _connected(self, limits: Limits) -> tuple[socket.socket, socket.socket]:
        """Our ends of what a new child is connected with."""
        message = _limits_of(limits)
        with ExitStack() as ours, ExitStack() as theirs:
            talk, its_talk = socket.socketpair()
            ours.enter_context(talk)
            theirs.enter_context(its_talk)
            leash, its_leash = socket.socketpair()
            ours.enter_context(leash)
            theirs.enter_context(its_leash)
            self._hand_over(message, [its_talk.fileno(), its_leash.fileno()])
            ours.pop_all()
        return talk, leash

    def _hand_over(self, message: bytes, descriptors: list[int]) -> None:
        with self._lock:
            try:
                socket.send_fds(self._started(), [message], descriptors)
            except (BrokenPipeError, ConnectionResetError):  # it was killed since the last layer
                self._end()
                socket.send_fds(self._started(), [message], descriptors)

    def _started(self) -> socket.socket:
        if self._control is None:
            ours, theirs = socket.socketpair()
            with theirs:
                self._zygote = _spawn(self._work, theirs.fileno())
            ours.settimeout(_SEND_SECONDS)
            self._control = ours
        return self._control

    def _end(self) -> None:
        self._dismiss()
        if self._control is None:
            return
        self._control.close()
        self._control = None
        with suppress(ChildProcessError):
            os.waitpid(self._zygote, 0)

    def _forget(self) -> None:
        """After a fork: the zygote is the other process's, and must not wait for us to let go of it."""
        self._lock = threading.Lock()
        self._dismiss()
        if self._control is not None:
            self._control.close()
            self._control = None

    def dismiss(self) -> None:
        """End the children that rest, and note what they cost."""
        with self._lock:
            resting, self._resting = self._resting, []
        for _, child in resting:
            self._retire(child)

    def _retire(self, child: Child) -> None:
        self.note(child.end())
        child.close()

    def _dismiss(self) -> None:
        while self._resting:
            self._resting.pop()[1].close()


def _limits_of(limits: Limits) -> bytes:
    return LIMITS.pack(limits.child_memory_bytes, limits.child_cpu_seconds)


def _spawn(work: str, control: int) -> int:
    """Start a zygote on its end of the socket, with no environment and our idea of where packages are."""
    paths = [str(_PACKAGES), *(path for path in sys.path if Path(path).is_absolute())]
    command = [sys.executable, "-I", "-c", _BOOT, work, *paths]
    return os.posix_spawn(sys.executable, command, {}, file_actions=[(os.POSIX_SPAWN_DUP2, control, 0)])


default = Nursery()


def warm_up() -> None:
    """Begin to start this process's zygote; if that fails, the first layer will say so."""
    with suppress(OSError):
        default.warm_up()


def close() -> None:
    """End this process's zygote."""
    default.close()


atexit.register(close)
