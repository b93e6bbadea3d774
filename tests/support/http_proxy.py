"""An HTTP proxy that tunnels and forwards, remembers what it was asked, and can be told to answer otherwise."""

from __future__ import annotations

import base64
import select
import socket
import socketserver
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from urllib.parse import urlsplit

_ENOUGH = 65_536


class HttpProxy(socketserver.ThreadingTCPServer):
    """Names are looked up in ``hosts`` before the resolver is asked, as a proxy knows names that its clients do not.

    :ivar heads: of all requests, whole.
    :ivar answer: written instead of any answer of its own.
    """

    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, login: str = "") -> None:
        super().__init__(("127.0.0.1", 0), _Connection)
        self.login = login
        self.answer: bytes | None = None
        self.heads: list[str] = []
        self.hosts: dict[str, str] = {}

    @property
    def port(self) -> int:
        return int(self.server_address[1])

    @property
    def url(self) -> str:
        return f"http://{self.login}@127.0.0.1:{self.port}" if self.login else f"http://127.0.0.1:{self.port}"

    def lets_in(self, head: str) -> bool:
        """Whether a request brings the login, where one is wanted."""
        shown = base64.b64encode(self.login.encode()).decode()
        return not self.login or f"\r\nProxy-Authorization: Basic {shown}\r\n" in head

    def handle_error(self, request: object, client_address: object) -> None:
        """Clients that go away in the middle are part of the tests."""


class _Connection(socketserver.BaseRequestHandler):
    server: HttpProxy
    request: socket.socket

    def handle(self) -> None:
        self.request.settimeout(5)
        while (head := self._head()) is not None:
            self.server.heads.append(head)
            if self.server.answer is not None:
                self.request.sendall(self.server.answer)
                return
            if not self.server.lets_in(head):
                self.request.sendall(b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n")
                continue
            if head.startswith("CONNECT "):
                self._tunnel(head)
            else:
                self._forward(head)
            return

    def _head(self) -> str | None:
        received = b""
        while b"\r\n\r\n" not in received:
            chunk = self.request.recv(_ENOUGH)
            if not chunk:
                return None
            received += chunk
        return received.decode("latin-1")

    def _opened(self, host: str, port: int) -> socket.socket:
        return socket.create_connection((self.server.hosts.get(host, host), port), timeout=5)

    def _tunnel(self, head: str) -> None:
        host, _, port = head.split(" ")[1].rpartition(":")
        with closing(self._opened(host.strip("[]"), int(port))) as far:
            self.request.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
            self._pump(far)

    def _forward(self, head: str) -> None:
        method, address, rest = head.split(" ", 2)
        url = urlsplit(address)
        path = address.partition(url.netloc)[2]
        version, *lines = [line for line in rest.split("\r\n") if not line.startswith("Proxy-Authorization:")]
        asked = "\r\n".join([f"{method} {path} {version}", "Connection: close", *lines])
        with closing(self._opened(url.hostname or "", url.port or 80)) as far:
            far.sendall(asked.encode("latin-1"))
            self._pump(far)

    def _pump(self, far: socket.socket) -> None:
        ends = {self.request: far, far: self.request}
        with suppress(OSError):
            while True:
                for ready in select.select(list(ends), [], [], 5)[0]:
                    chunk = ready.recv(_ENOUGH)
                    if not chunk:
                        return
                    ends[ready].sendall(chunk)


@contextmanager
def proxying(login: str = "") -> Iterator[HttpProxy]:
    """Serve from a thread."""
    with HttpProxy(login) as proxy:
        thread = threading.Thread(target=proxy.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        try:
            yield proxy
        finally:
            proxy.shutdown()
            thread.join(5)
