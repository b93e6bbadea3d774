"""What a hostile destination tries: other addresses than it showed, no end, no hurry, no certificate."""

from __future__ import annotations

import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import trustme

from compliance.outgoing.outcome import Outcome
from compliance.outgoing.request import destination, post
from scanner.domain.limits import DEFAULT_LIMITS
from scanner.sources.registry.tls import tls_context
from tests.support.receiver import Receiver, receiving

FORBIDDEN = "The host is at an address that is not to be connected to."
NETWORK = "scanner.sources.registry.network.socket.getaddrinfo"
SECONDS = "compliance.outgoing.request.MOST_SECONDS"
HURRIED = replace(DEFAULT_LIMITS, connect_seconds=2.0)
QUICK = 4.0


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as made:
        yield made


def names(monkeypatch: pytest.MonkeyPatch, *rounds: str) -> list[str]:
    """Let the name server say one address after the other, the last for ever; return what it was asked for."""
    asked: list[str] = []
    real = socket.getaddrinfo

    def answer(host: str, port: int, *args: Any, **kwargs: Any) -> list[Any]:
        asked.append(host)
        said = rounds[min(len(asked), len(rounds)) - 1].split()
        return [entry for ip in said for entry in real(ip, port, type=socket.SOCK_STREAM)]

    monkeypatch.setattr(NETWORK, answer)
    return asked


def dialled(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Connect to nothing; return the addresses that would have been connected to."""
    found: list[str] = []

    def connected(addresses: Any, timeout: float | None) -> socket.socket:
        found.extend(str(each.sockaddr[0]) for each in addresses)
        raise ConnectionRefusedError

    monkeypatch.setattr("scanner.sources.registry.connections.connected", connected)
    return found


@pytest.mark.parametrize(
    "then",
    [
        "127.0.0.1",
        "169.254.169.254",
        "::1",
        "::ffff:127.0.0.1",
        "::ffff:169.254.169.254",
        "64:ff9b::a9fe:a9fe",
        "64:ff9b::7f00:1",
        "0.0.0.0",
        "::",
        "fe80::1",
        "fd00:ec2::254",
        "10.0.0.1",
        "100.64.0.1",
        "2002:7f00:1::",
        "198.51.100.7 10.0.0.1",
        "1.1.1.1 127.0.0.1",
    ],
)
def test_a_name_that_leads_elsewhere_after_it_was_looked_at(monkeypatch: pytest.MonkeyPatch, then: str) -> None:
    """Entered and sent to while it was public, it then points inside: what is judged is what is connected to."""
    asked, reached = names(monkeypatch, "1.1.1.1", then), dialled(monkeypatch)
    assert str(destination("https://hooks.example/x", private=False)) == "https://hooks.example/x"
    assert not asked, "entering an address asks no name server"
    first = post("https://hooks.example/x", b"{}", {}, private=False, limits=DEFAULT_LIMITS)
    assert (first.words, reached) == ("The host cannot be reached.", ["1.1.1.1"])
    second = post("https://hooks.example/x", b"{}", {}, private=False, limits=DEFAULT_LIMITS)
    assert (second.words, reached) == (FORBIDDEN, ["1.1.1.1"])
    assert len(asked) == 2, "each request asks once, and connects to what was answered"


@pytest.mark.parametrize("then", ["169.254.169.254", "64:ff9b::a9fe:a9fe", "fe80::1", "0.0.0.0", "fd00:ec2::254"])
def test_what_is_allowed_to_be_private_is_never_metadata(monkeypatch: pytest.MonkeyPatch, then: str) -> None:
    names(monkeypatch, then)
    reached = dialled(monkeypatch)
    outcome = post("http://inside.example/x", b"{}", {}, private=True, limits=DEFAULT_LIMITS)
    assert (outcome.words, reached) == (FORBIDDEN, [])


def test_a_private_destination_that_was_allowed(monkeypatch: pytest.MonkeyPatch, receiver: Receiver) -> None:
    names(monkeypatch, "127.0.0.1")
    url = f"http://inside.example:{receiver.port}/x"
    assert post(url, b"{}", {}, private=True, limits=DEFAULT_LIMITS).ok
    assert receiver.requests[0].headers["Host"] == f"inside.example:{receiver.port}"


@pytest.mark.parametrize("name", ["HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"])
def test_no_proxy_of_the_environment_is_used(monkeypatch: pytest.MonkeyPatch, receiver: Receiver, name: str) -> None:
    with receiving() as proxy:
        monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.port}")
        assert post(receiver.url, b"{}", {}, private=True, limits=DEFAULT_LIMITS).ok
        assert not proxy.requests


def test_no_password_of_a_netrc_is_sent(monkeypatch: pytest.MonkeyPatch, receiver: Receiver, tmp_path: Any) -> None:
    (tmp_path / ".netrc").write_text("machine 127.0.0.1 login sam password S3CRET\n")
    monkeypatch.setenv("HOME", str(tmp_path))
    post(receiver.url, b"{}", {}, private=True, limits=DEFAULT_LIMITS)
    assert "Authorization" not in receiver.requests[0].headers


def _spoken(accepted: socket.socket, context: ssl.SSLContext | None) -> socket.socket:
    return accepted if context is None else context.wrap_socket(accepted, server_side=True)


def _heard(connection: socket.socket) -> None:
    """Read a whole request: what is left unread when a connection is closed breaks it."""
    heard = b""
    while not heard.endswith(b"{}"):
        heard += connection.recv(65_536)


@contextmanager
def host(talk: Callable[[socket.socket], None], *, context: ssl.SSLContext | None = None) -> Iterator[int]:
    """A host that reads a request and then says what it likes; gives its port."""
    server = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        with suppress(OSError):
            while True:
                accepted, _ = server.accept()
                with suppress(OSError), accepted, _spoken(accepted, context) as connection:
                    connection.settimeout(30)
                    _heard(connection)
                    talk(connection)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield int(server.getsockname()[1])
    finally:
        server.shutdown(socket.SHUT_RDWR)
        server.close()
        thread.join(10)


def dripping(head: bytes, drops: bytes) -> Callable[[socket.socket], None]:
    def talk(connection: socket.socket) -> None:
        connection.sendall(head)
        for _ in range(400):
            connection.sendall(drops)
            time.sleep(0.05)

    return talk


def sent(port: int, monkeypatch: pytest.MonkeyPatch) -> tuple[Outcome, float]:
    """What came of it, and in how many seconds: of two, as a busy machine is not as busy each time."""
    monkeypatch.setattr(SECONDS, 0.5)
    took = []
    for _ in range(2):
        begun = time.monotonic()
        outcome = post(f"http://127.0.0.1:{port}/x", b"{}", {}, private=True, limits=HURRIED)
        took.append(time.monotonic() - begun)
        if took[-1] < QUICK:
            break
    return outcome, min(took)


@pytest.mark.parametrize("head", [b"", b"H", b"HTTP/1.1 200 OK\r\nX: "])
def test_a_head_that_drips_is_given_up(monkeypatch: pytest.MonkeyPatch, head: bytes) -> None:
    with host(dripping(head, b"1" if head.endswith(b" ") else b"")) as port:
        outcome, seconds = sent(port, monkeypatch)
    assert (outcome.ok, outcome.words) == (False, "The host did not answer in time.")
    assert seconds < QUICK


@pytest.mark.parametrize(
    ("status", "ok"), [(b"200 OK", True), (b"204 No Content", True), (b"500 No", False), (b"410 Gone", False)]
)
@pytest.mark.parametrize("drops", [b"a", b"a" * 65_536])
def test_a_body_without_end_changes_nothing(
    monkeypatch: pytest.MonkeyPatch, status: bytes, ok: bool, drops: bytes
) -> None:
    """What answered has answered: a message that was taken is not sent again because its answer has no end."""
    with host(dripping(b"HTTP/1.1 " + status + b"\r\nContent-Length: 999999999\r\n\r\n", drops)) as port:
        outcome, seconds = sent(port, monkeypatch)
    assert outcome.ok is ok
    assert seconds < QUICK


def test_a_head_without_end(monkeypatch: pytest.MonkeyPatch) -> None:
    with host(dripping(b"HTTP/1.1 200 OK\r\n", b"X: " + b"a" * 60_000 + b"\r\n")) as port:
        outcome, seconds = sent(port, monkeypatch)
    assert not outcome.ok
    assert seconds < QUICK


@pytest.mark.parametrize(
    "answer", [b"SSH-2.0-OpenSSH_9.6\r\n", b"-ERR unknown command\r\n", b"HTTP/9.9 200 OK\r\n\r\n", b""]
)
def test_what_is_not_http(monkeypatch: pytest.MonkeyPatch, answer: bytes) -> None:
    with host(lambda connection: connection.sendall(answer)) as port:
        outcome, _ = sent(port, monkeypatch)
    assert (outcome.ok, outcome.status) == (False, 0)
    assert "SSH" not in outcome.words
    assert "ERR" not in outcome.words


OURS, OTHERS = trustme.CA(), trustme.CA()


@pytest.mark.parametrize(
    ("certificate", "words"),
    [
        (OTHERS.issue_cert("127.0.0.1"), "The host's certificate is not trusted."),
        (OURS.issue_cert("elsewhere.example"), "The host's certificate is for another name."),
        (
            OURS.issue_cert("127.0.0.1", not_after=datetime.now(UTC) - timedelta(days=1)),
            "The host's certificate has expired.",
        ),
        (OURS.issue_cert("127.0.0.1"), ""),
    ],
)
def test_certificates(monkeypatch: pytest.MonkeyPatch, certificate: trustme.LeafCert, words: str) -> None:
    """The system's authorities count, of which one is ours here."""
    ours = OURS.cert_pem.bytes().decode()
    monkeypatch.setattr(
        "scanner.sources.registry.transport.tls_context", lambda _extra, **more: tls_context(ours, **more)
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate.configure_cert(context)
    with host(lambda to: to.sendall(b"HTTP/1.1 204 No Content\r\n\r\n"), context=context) as port:
        outcome = post(f"https://127.0.0.1:{port}/x", b"{}", {}, private=True, limits=HURRIED)
    assert outcome.words == (words or "Delivered.")


@pytest.mark.parametrize("value", ["x\r\nX-Evil: 1", "x\nX-Evil: 1", "x\x00y"])
def test_no_header_is_written_into_a_request(receiver: Receiver, value: str) -> None:
    outcome = post(receiver.url, b"{}", {"Plimsoll-Kind": value}, private=True, limits=DEFAULT_LIMITS)
    assert not outcome.ok
    assert not receiver.requests
