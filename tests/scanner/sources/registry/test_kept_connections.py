"""One connection serves many questions, and what a server says too much is not taken for the next answer."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest

from scanner.domain.reference import Digest, RepositoryName, TagName
from tests.support.sources import local_source

SHOP, ONE = RepositoryName("team/shop"), TagName("1")
DIGEST = Digest("sha256:" + "1" * 64)
HEAD = (
    b"HTTP/1.1 200 OK\r\nContent-Type: application/vnd.oci.image.manifest.v1+json\r\n"
    b"Docker-Content-Digest: " + DIGEST.encode() + b"\r\nContent-Length: 5\r\n\r\n"
)


@dataclass(slots=True)
class Server:
    """Answers every request of every connection alike, and never hangs up."""

    listening: socket.socket
    answer: bytes = HEAD
    connections: int = 0
    open: list[socket.socket] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.listening.getsockname()[1]}"

    def serve(self) -> None:
        while True:
            try:
                connection, _ = self.listening.accept()
            except OSError:
                return
            self.connections += 1
            self.open.append(connection)
            threading.Thread(target=self._talk, args=(connection,), daemon=True).start()

    def _talk(self, connection: socket.socket) -> None:
        heard = b""
        try:
            while chunk := connection.recv(65_536):
                heard += chunk
                while b"\r\n\r\n" in heard:
                    _, _, heard = heard.partition(b"\r\n\r\n")
                    connection.sendall(self.answer)
        except OSError:
            return


@pytest.fixture
def server() -> Iterator[Server]:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        found = Server(listening)
        thread = threading.Thread(target=found.serve, daemon=True)
        thread.start()
        yield found
        listening.shutdown(socket.SHUT_RDWR)
        thread.join(5)
        for connection in found.open:
            connection.close()


def test_heads_share_a_connection(server: Server) -> None:
    with local_source(server.url) as source:
        assert [source.resolve(SHOP, ONE).digest for _ in range(5)] == [DIGEST] * 5
    assert server.connections == 1


def test_a_body_behind_a_head_is_no_answer_to_the_next(server: Server) -> None:
    server.answer = HEAD + b"HTTP/"
    with local_source(server.url) as source:
        assert [source.resolve(SHOP, ONE).digest for _ in range(3)] == [DIGEST] * 3
    assert server.connections == 3
