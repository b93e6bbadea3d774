"""Another host, as far as the network goes: a namespace of its own, whose loopback leads to chosen ports of this one.

    unshare --net python -m tests.support.other_host FOLDER PORT… -- PROGRAM ARGUMENT…

What this host offers through ``Doors(FOLDER, PORTS)`` are Unix sockets, which every namespace can reach; the namespace
itself has no other way out.
"""

from __future__ import annotations

import fcntl
import os
import socket
import struct
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager, suppress
from pathlib import Path

_SIOCGIFFLAGS, _SIOCSIFFLAGS, _IFF_UP = 0x8913, 0x8914, 1
_CHUNK = 65_536


@contextmanager
def doors(folder: Path, ports: Sequence[int]) -> Iterator[None]:
    """Offer loopback ports of this host to namespaces, through sockets in a folder."""
    with ExitStack() as stack:
        for port in ports:
            listener = stack.enter_context(closing(socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)))
            listener.bind(str(folder / f"{port}.door"))
            listener.listen(64)
            _serve(listener, lambda port=port: socket.create_connection(("127.0.0.1", port)))  # type: ignore[misc]  # mypy cannot infer a lambda with a default
        yield


def entering(folder: Path, ports: Sequence[int]) -> list[str]:
    """What to put before a command so that it runs on another host."""
    module = [sys.executable, "-m", "tests.support.other_host", str(folder), *map(str, ports), "--"]
    return ["unshare", "--net", *module]


def main(arguments: Sequence[str]) -> int:
    """Bring the namespace's loopback up, open its ports and run the program."""
    at = arguments.index("--")
    folder, *ports = arguments[:at]
    _bring_loopback_up()
    for port in ports:
        listener = socket.create_server(("127.0.0.1", int(port)), backlog=64)
        _serve(listener, lambda port=port: _connected(Path(folder) / f"{port}.door"))  # type: ignore[misc]  # as above
    return subprocess.run(arguments[at + 1 :], check=False).returncode


def _bring_loopback_up() -> None:
    with closing(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) as control:
        request = struct.pack("16sh", b"lo", 0).ljust(40, b"\0")
        (flags,) = struct.unpack_from("h", fcntl.ioctl(control, _SIOCGIFFLAGS, request), 16)
        fcntl.ioctl(control, _SIOCSIFFLAGS, struct.pack("16sh", b"lo", flags | _IFF_UP).ljust(40, b"\0"))


def _connected(door: Path) -> socket.socket:
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    connection.connect(str(door))
    return connection


def _serve(listener: socket.socket, connect: Callable[[], socket.socket]) -> None:
    def accept() -> None:
        with suppress(OSError):  # closed
            while True:
                threading.Thread(target=_relay, args=(listener.accept()[0], connect), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()


def _relay(near: socket.socket, connect: Callable[[], socket.socket]) -> None:
    with near:
        try:
            far = connect()
        except OSError:
            return
        with far:
            back = threading.Thread(target=_copy, args=(far, near), daemon=True)
            back.start()
            _copy(near, far)
            back.join()


def _copy(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(_CHUNK):
            target.sendall(data)
    for end, how in ((source, socket.SHUT_RD), (target, socket.SHUT_WR)):
        with suppress(OSError):
            end.shutdown(how)


if __name__ == "__main__":
    os.environ.setdefault("PYTHONUNBUFFERED", "1")
    sys.exit(main(sys.argv[1:]))
