"""A second host that must never hear a secret: it records every byte and may answer."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

NOT_FOUND = b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"


@dataclass(slots=True)
class Listener:
    """``connections`` counts what was accepted; ``heard`` is all that was sent to it."""

    server: socket.socket
    answer: bytes = NOT_FOUND
    connections: int = 0
    heard: bytearray = field(default_factory=bytearray)

    @property
    def port(self) -> int:
        return int(self.server.getsockname()[1])

    def url(self, host: str = "127.0.0.1") -> str:
        return f"http://{host}:{self.port}"

    def serve(self) -> None:
        while True:
            try:
                connection, _ = self.server.accept()
            except OSError:
                return
            self.connections += 1
            with connection:
                connection.settimeout(2)
                self._talk(connection)

    def _talk(self, connection: socket.socket) -> None:
        try:
            while b"\r\n\r\n" not in self.heard[-65_536:]:
                chunk = connection.recv(65_536)
                if not chunk:
                    return
                self.heard += chunk
            connection.sendall(self.answer)
            self.heard += b"\n--\n"
        except OSError:
            return


@contextmanager
def listening(answer: bytes = NOT_FOUND, host: str = "127.0.0.1") -> Iterator[Listener]:
    """Listen on a free port of ``host``."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.create_server((host, 0), family=family) as server:
        listener = Listener(server, answer)
        thread = threading.Thread(target=listener.serve, daemon=True)
        thread.start()
        yield listener
        server.shutdown(socket.SHUT_RDWR)
    thread.join(5)
