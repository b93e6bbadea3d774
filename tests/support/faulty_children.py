"""Children that do everything wrong: what a decoder taken over by a layer might do. Each stands for ``read_layers``."""

from __future__ import annotations

import os
import resource
import signal
import socket
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

from scanner.filesystem.layer_index import LayerIndex, index_layer
from scanner.sandbox import work
from scanner.sandbox.records import INDEX, PROBLEM, answer

_HELD: list[bytearray] = []


def allocate() -> None:
    while True:
        _HELD.append(bytearray(1 << 24))


def spin() -> None:
    while True:
        pass


def sleep() -> None:
    time.sleep(60)


def segfault() -> None:
    os.kill(os.getpid(), signal.SIGSEGV)


def killed() -> None:
    """As the kernel does where memory runs out."""
    os.kill(os.getpid(), signal.SIGKILL)


def leave() -> None:
    os._exit(5)


def silent() -> None:
    """End well, and say nothing."""


def half_an_answer() -> None:
    os.write(1, answer(INDEX, b"PLI" * 100)[:50])


def no_index() -> None:
    os.write(1, answer(INDEX, b"PLI" * 100))


def no_problem() -> None:
    os.write(1, answer(PROBLEM, b"[" * 50_000))


def code_of_its_own() -> None:
    os.write(1, answer(PROBLEM, b'{"code": "<script>", "message": "", "remedy": ""}'))


def endless_answer() -> None:
    while True:
        os.write(1, bytes(1 << 20))


def raises() -> None:
    raise RuntimeError


def tell() -> None:
    """Say, as a problem, what is possible here."""
    tried: dict[str, Callable[[], object]] = {
        "file": _file,
        "socket": socket.socket,
        "process": os.fork,
        "write": _write,
        "raise": _raise,
    }
    possible = [name for name, act in tried.items() if _succeeds(act)]
    about = f"{' '.join(possible)};{' '.join(sorted(os.environ))};{_descriptors()};{os.geteuid()}"
    os.write(1, answer(PROBLEM, b'{"code": "told", "message": "%b", "remedy": ""}' % about.encode()))


def _succeeds(act: Callable[[], object]) -> bool:
    try:
        act()
    except (OSError, ValueError):
        return False
    return True


def _file() -> None:
    Path("/etc/passwd").read_bytes()


def _write() -> None:
    Path("/tmp/plimsoll-was-here").write_bytes(b"x")


def _raise() -> None:
    resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))


def _descriptors() -> list[int]:
    return [number for number in range(256) if _succeeds(partial(os.fstat, number))]


POISON_BYTES = 22_016
"""The size of the one layer that ``crash_over_poison`` does not survive."""


def crash_over_poison() -> None:
    """Read layers as ever, but for one."""
    setattr(work, "index_layer", _poisoned)  # noqa: B010  # which the module does not export
    work.read_layers()


def _poisoned(chunks: Iterator[bytes], **about: Any) -> LayerIndex:
    if about["size"] == POISON_BYTES:
        segfault()
    return index_layer(chunks, **about)
