"""The process that children are forked from: started with nothing but a socket, loaded once, without threads.

A message on the socket is one child: its limits, and two sockets, one to talk with the child and a *leash*. The worker
lets go of the leash to have the child killed; on it the zygote says how the child ended.
"""

from __future__ import annotations

import gc
import json
import os
import selectors
import signal
import socket
import sys
from collections.abc import Callable
from contextlib import suppress
from importlib import import_module
from struct import Struct
from typing import NoReturn

from scanner.sandbox import confine
from scanner.sandbox.records import OUT_OF_MEMORY
from scanner.sandbox.work import rehearse

LIMITS = Struct("<QQ")
"""Address space in bytes, processor time in seconds."""

_DESCRIPTORS = 2
_CONTROL = 0
_FAILED = 70
_MAXRSS_UNIT = 1 if sys.platform == "darwin" else 1024

Work = Callable[[], None]


class _Zygote:
    def __init__(self, control: socket.socket, work: Work) -> None:
        self._control = control
        self._work = work
        self._leashes: dict[int, socket.socket] = {}
        self._selector = selectors.DefaultSelector()
        self._bell, ringing = socket.socketpair()
        for end in (self._bell, ringing):
            end.setblocking(False)
        signal.set_wakeup_fd(ringing.fileno(), warn_on_full_buffer=False)
        self._ringing = ringing
        self._selector.register(control, selectors.EVENT_READ, self._serve)
        self._selector.register(self._bell, selectors.EVENT_READ, self._reap)

    def run(self) -> NoReturn:
        while True:
            for key, _ in self._selector.select():
                key.data()

    def _serve(self) -> None:
        message, descriptors, _, _ = socket.recv_fds(self._control, LIMITS.size, _DESCRIPTORS)
        if len(message) < LIMITS.size or len(descriptors) < _DESCRIPTORS:
            self._leave()
        talk, leash = descriptors
        try:
            self._fork(LIMITS.unpack(message), talk, socket.socket(fileno=leash))
        finally:
            os.close(talk)

    def _fork(self, limits: tuple[int, ...], talk: int, leash: socket.socket) -> None:
        zygote = os.getpid()
        try:
            child = os.fork()
        except OSError as error:
            _tell(leash, {"lost": error.strerror})
            return
        if child == 0:
            _live(self._work, limits, talk, zygote)
        self._leashes[child] = leash
        self._selector.register(leash, selectors.EVENT_READ, lambda: self._kill(child))

    def _kill(self, child: int) -> None:
        self._selector.unregister(self._leashes[child])
        os.kill(child, signal.SIGKILL)

    def _reap(self) -> None:
        with suppress(BlockingIOError):
            while self._bell.recv(4096):
                pass
        while self._leashes:
            child, status, usage = os.wait4(-1, os.WNOHANG)
            if not child:
                return
            leash = self._leashes.pop(child)
            with suppress(KeyError):
                self._selector.unregister(leash)
            _tell(
                leash,
                {
                    "status": os.waitstatus_to_exitcode(status),
                    "memory_bytes": usage.ru_maxrss * _MAXRSS_UNIT,
                    "seconds": usage.ru_utime + usage.ru_stime,
                },
            )

    def _leave(self) -> NoReturn:
        """The worker is gone, so its children are wanted by nobody."""
        for child in self._leashes:
            with suppress(ProcessLookupError):
                os.kill(child, signal.SIGKILL)
        os._exit(0)


def _tell(leash: socket.socket, about: dict[str, object]) -> None:
    with suppress(OSError):
        leash.send(json.dumps(about).encode())
    leash.close()


def _live(work: Work, limits: tuple[int, ...], talk: int, zygote: int) -> NoReturn:
    """Be a child. No way leads back into the zygote's loop."""
    status = _FAILED
    try:
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        os.dup2(talk, 0)
        os.dup2(talk, 1)
        os.closerange(3, os.sysconf("SC_OPEN_MAX"))
        confine.confine(limits[0], limits[1], zygote)
        work()
        status = 0
    except MemoryError:
        status = OUT_OF_MEMORY
    except BrokenPipeError:
        status = 0
    finally:
        os._exit(status)


def main() -> NoReturn:
    """Serve until the other end of the socket on standard input is closed."""
    os.setsid()
    for ignored in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(ignored, signal.SIG_IGN)  # a worker that is asked to stop finishes its layers first
    signal.signal(signal.SIGCHLD, lambda *_: None)
    os.closerange(3, os.sysconf("SC_OPEN_MAX"))
    module, _, name = sys.argv[1].partition(":")
    work = getattr(import_module(module), name)
    confine.gain_no_rights()
    confine.prefer_as_victim()
    os.chdir("/")
    silence = os.open(os.devnull, os.O_RDWR)
    os.dup2(silence, 1)
    os.dup2(silence, 2)
    os.close(silence)
    rehearse()
    gc.collect()
    gc.freeze()
    _Zygote(socket.socket(fileno=_CONTROL), work).run()
