"""Requests as they come over a socket, to the web server that is deployed."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from http.client import HTTPConnection
from pathlib import Path

import pytest
from django.db import connection

from compliance.localstack.ports import free_port
from compliance.models import InboundEvent, Push
from compliance.webhooks.body import MOST_BYTES
from tests.support.hooks import Hook, pushed
from tests.support.rows import registry

ROOT = Path(__file__).resolve().parents[2]
BODY_SECONDS = 3.0
THREADS = 8

pytestmark = [pytest.mark.worker, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "web.log"


@pytest.fixture
def port(transactional_db: None, log: Path) -> Iterator[int]:
    """gunicorn as the Dockerfile starts it, with less workers, on the test's database."""
    database = connection.settings_dict
    address = f"{database['USER']}:{database['PASSWORD']}@{database['HOST']}:{database['PORT']}"
    environment = {**os.environ, "DATABASE_URL": f"postgres://{address}/{database['NAME']}", "LOG_LEVEL": "DEBUG"}
    environment["PLIMSOLL_HOOK_BODY_SECONDS"] = str(BODY_SECONDS)
    number = free_port()
    command = [sys.executable, "-m", "gunicorn", "compliance.project.wsgi", "--bind", f"127.0.0.1:{number}"]
    command += ["--worker-class", "gthread", "--workers", "1", "--threads", str(THREADS), "--access-logfile", "-"]
    command += ["--keep-alive", "60"]  # a connection that is closed is closed by what is tested
    with log.open("ab") as out:
        process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=out, stderr=out, start_new_session=True)
    try:
        _wait_for(number)
        yield number
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait(60)


def _wait_for(port: int) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            if ask(port, b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n") == 200:
                return
        except OSError:
            time.sleep(0.1)
    pytest.fail("gunicorn did not start")


def ask(port: int, raw: bytes) -> int:
    """Send bytes as they are; return the status of the answer."""
    with socket.create_connection(("127.0.0.1", port), timeout=60) as connected:
        with suppress(BrokenPipeError, ConnectionResetError):  # answered before all of it was read
            connected.sendall(raw)
        answer = connected.recv(200)
    return int(answer.split(b" ", 2)[1])


def request(path: str, body: bytes, *headers: str) -> bytes:
    lines = [f"POST {path} HTTP/1.1", "Host: localhost", "Connection: close", *headers]
    if not any(line.lower().startswith(("content-length", "transfer-encoding")) for line in headers):
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + body


def in_chunks(body: bytes, size: int = 1_000) -> bytes:
    parts = [body[at : at + size] for at in range(0, len(body), size)]
    return b"".join(f"{len(part):x}\r\n".encode() + part + b"\r\n" for part in parts) + b"0\r\n\r\n"


def test_over_a_socket(port: int, log: Path) -> None:
    hook = Hook(registry())
    proof, wrong = f"Authorization: Bearer {hook.secret}", "Authorization: Bearer wrong"
    large = b" " * (MOST_BYTES + 1)
    chunked = "Transfer-Encoding: chunked"
    asked = [
        (request(hook.path, pushed(), proof), 202),
        (request(hook.path.rstrip("/"), pushed(), proof), 202),
        (request(hook.path, in_chunks(pushed()), proof, chunked), 202),
        (request(hook.path, in_chunks(large, 65_536), proof, chunked), 413),
        (request(hook.path, large, proof), 413),
        (request(hook.path, b"", proof, "Content-Length: 99999999999999"), 413),
        (request(hook.path, pushed(), wrong), 401),
        (request(hook.path, pushed(), proof, proof), 401),
        (request(hook.path, pushed(), proof, wrong), 401),
        (request(hook.path, pushed(), "Authorization: B\xe9arer x"), 401),
        (request(hook.path, pushed(), proof, "Content-Encoding: gzip"), 415),
        (request(hook.path, b"\xff\x00", proof), 202),
        (request(hook.path, b"", proof, *[f"X-{at}: 1" for at in range(200)]), 431),
        (request(hook.path, pushed(), proof).replace(b"POST", b"GET", 1), 405),
    ]
    found = [ask(port, raw) for raw, _ in asked]

    assert found == [status for _, status in asked]
    assert InboundEvent.objects.count() == sum(status == 202 for _, status in asked)
    assert hook.secret not in log.read_text()


def test_the_secret_of_an_address_is_in_no_log(port: int, log: Path) -> None:
    hook = Hook(registry(), "quay")
    body = b'{"repository": "team/app", "updated_tags": ["1"]}'
    for path, status in (
        (f"{hook.path}{hook.secret}/", 202),
        (f"{hook.path}{hook.secret}?x={hook.secret}", 202),
        (f"{hook.path}{hook.secret}/more", 401),
        (f"//hooks/{hook.endpoint.key}/{hook.secret}", 202),
        (f"{hook.path}%{ord(hook.secret[0]):02x}{hook.secret[1:]}/", 202),
    ):
        assert ask(port, request(path, body)) == status, path

    assert hook.endpoint.key in log.read_text()
    assert hook.secret[1:] not in log.read_text()


def test_an_answer_says_how_long_it_is(port: int) -> None:
    with socket.create_connection(("127.0.0.1", port), timeout=60) as connected:
        connected.sendall(
            b"POST /hooks/nobody/ HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
        )
        head, _, body = b"".join(iter(lambda: connected.recv(65_536), b"")).partition(b"\r\n\r\n")
    assert f"content-length: {len(body)}".encode() in head.lower()
    assert b"chunked" not in head.lower()


def test_one_delivery_from_many_at_once(port: int) -> None:
    """At the same moment several may be stored; whoever gathers them finds them to be one."""
    hook = Hook(registry())
    raw = request(hook.path, pushed(event="the-same"), f"Authorization: Bearer {hook.secret}")
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _: ask(port, raw), range(100)))

    assert set(found) == {202}
    assert InboundEvent.objects.count() == 100
    assert 1 <= Push.objects.filter(state="waiting").count() <= 8


def drip(port: int, head: bytes, piece: bytes) -> tuple[int, float]:
    """Send the beginning of a request, then a piece of its body again and again; return the answer and its second."""
    began = time.monotonic()
    with socket.create_connection(("127.0.0.1", port), timeout=0.2) as connected:
        connected.sendall(head)
        while time.monotonic() - began < 30:
            with suppress(TimeoutError):
                answer = connected.recv(200)
                return int(answer.split(b" ", 2)[1]), time.monotonic() - began
            with suppress(BrokenPipeError, ConnectionResetError):
                connected.sendall(piece)
    pytest.fail("it was never answered")


def test_bodies_that_drip_do_not_keep_others_waiting(port: int) -> None:
    hook = Hook(registry())
    proof, began = f"Authorization: Bearer {hook.secret}", time.monotonic()
    long, chunked = "Content-Length: 100000", "Transfer-Encoding: chunked"
    kinds = [
        (long, b"", b" "),
        (long, b"", b""),
        (chunked, b"", b"1\r\n \r\n"),
        (chunked, b"5", b""),
        (chunked, b"f\r\n", b" "),
    ]
    drips = [(request(hook.path, body, proof, header), piece) for header, body, piece in kinds]
    with ThreadPoolExecutor(2 * THREADS) as pool:
        slow = [pool.submit(drip, port, *drips[at % len(drips)]) for at in range(THREADS)]
        time.sleep(0.5)  # until all threads are held
        quick = ask(port, request(hook.path, pushed(), proof))
        waited = time.monotonic() - began
        answers = [each.result() for each in slow]

    assert (quick, [status for status, _ in answers]) == (202, [408] * THREADS)
    assert all(BODY_SECONDS <= seconds < BODY_SECONDS + 5 for _, seconds in answers), answers
    assert waited < BODY_SECONDS + 5
    assert InboundEvent.objects.count() == 1


def test_a_body_in_pieces_that_is_there_in_time(port: int) -> None:
    hook = Hook(registry())
    whole = request(hook.path, pushed(), f"Authorization: Bearer {hook.secret}")
    with socket.create_connection(("127.0.0.1", port), timeout=60) as connected:
        for at in range(0, len(whole), 50):
            connected.sendall(whole[at : at + 50])
            time.sleep(0.02)
        assert connected.recv(200).split(b" ", 2)[1] == b"202"


def test_a_connection_that_goes_on_after_a_body_is_left_alone(port: int) -> None:
    hook = Hook(registry())
    connected = HTTPConnection("127.0.0.1", port, timeout=60)
    connected.connect()
    first = connected.sock
    for _ in range(4):
        connected.request("POST", hook.path, pushed(), {"Authorization": f"Bearer {hook.secret}"})
        answer = connected.getresponse()
        assert (answer.status, connected.sock) == (202, first)
        answer.read()
        time.sleep(BODY_SECONDS / 2.5)
    connected.close()
