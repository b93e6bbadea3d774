"""A port nobody listens on."""

import secrets
import socket
from contextlib import suppress
from pathlib import Path

_LOWEST, _TRIES = 10_081, 50  # browsers refuse to ask 10080
_HANDED_OUT = Path("/proc/sys/net/ipv4/ip_local_port_range")


def free_port() -> int:
    """Return a port that was free on loopback a moment ago.

    It is none of those that the system hands out by itself, if there are others: the next connection of anybody could
    have it before the server that it is for.
    """
    with suppress(OSError, ValueError, IndexError):
        span = int(_HANDED_OUT.read_text().split()[0]) - _LOWEST
        for _ in range(_TRIES if span > 0 else 0):
            with suppress(OSError):
                return _bound(_LOWEST + secrets.randbelow(span))
    return _bound(0)


def _bound(port: int) -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", port))
        return int(listener.getsockname()[1])
