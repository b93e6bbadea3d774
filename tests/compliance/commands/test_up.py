"""`manage.py up`, as `make run` starts it."""

import os
import queue
import re
import secrets
import signal
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psycopg
import pytest

from compliance.localstack.ports import free_port
from compliance.localstack.processes import ProcessName
from compliance.localstack.stack import ROOT
from tests.support.images import image
from tests.support.real_registry import running_registry

pytestmark = pytest.mark.worker


class Up:
    """A running `manage.py up` and what it has said."""

    def __init__(self, database_url: str, port: int, *arguments: str) -> None:
        command = [sys.executable, "manage.py", "up", "--no-demo", "--concurrency", "1", "--port", str(port)]
        command += arguments
        self.address = f"http://127.0.0.1:{port}"
        self.text = ""
        self._lines: queue.Queue[str] = queue.Queue()
        self.process = subprocess.Popen(
            command,
            cwd=ROOT,
            env={**os.environ, "DATABASE_URL": database_url},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout
        with self.process.stdout as lines:
            for line in lines:
                self._lines.put(line)

    def wait_for(self, words: str, seconds: float = 200, *, times: int = 1) -> str:
        give_up = time.monotonic() + seconds
        while self.text.count(words) < times:
            assert time.monotonic() < give_up, f"never said {words!r}:\n{self.text}"
            try:
                self.text += self._lines.get(timeout=0.2)
            except queue.Empty:
                assert self.process.poll() is None, f"ended early:\n{self.text}"
        return self.text

    def children(self) -> dict[str, ProcessName]:
        told = subprocess.run(
            ["ps", "-ww", "--ppid", str(self.process.pid), "-o", "pid=,args="],
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        found = {}
        for line in told.splitlines():
            pid, _, words = line.strip().partition(" ")
            for name in ("gunicorn", "worker", "beat"):
                if name in words.split() or f"-m {name}" in words:
                    found[name] = ProcessName.of(int(pid))
        return {name: process for name, process in found.items() if process}

    def end(self, how: signal.Signals) -> int:
        self.process.send_signal(how)
        return self.process.wait(60)

    def rest(self) -> str:
        """What it said until it ended, which is read a moment later."""
        self._reader.join(60)
        return "".join(self._lines.queue)


@pytest.fixture(autouse=True)
def static_root(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Of its own: two that collect static files into one folder at once take them from each other."""
    monkeypatch.setenv("STATIC_ROOT", str(tmp_path))


@pytest.fixture
def database_url() -> Iterator[str]:
    """A database of its own on the session's server."""
    server = urlsplit(os.environ["DATABASE_URL"])
    name = f"up_{secrets.token_hex(4)}"
    with psycopg.connect(urlunsplit(server), autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}".encode())
        yield urlunsplit(server._replace(path=f"/{name}"))
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())


def test_up_serves_restarts_what_dies_and_stops_cleanly(database_url: str) -> None:
    up = Up(database_url, free_port())
    try:
        assert "Log in as admin with the password " in up.wait_for("Ctrl-C stops everything")
        assert urllib.request.urlopen(f"{up.address}/readyz", timeout=60).status == 200
        before = up.children()
        assert set(before) == {"gunicorn", "worker", "beat"}
        os.kill(before["worker"].pid, signal.SIGKILL)
        up.wait_for("ended with status -9; starting it again")
        assert up.end(signal.SIGINT) == 0
        assert not any(child.runs() for child in before.values())
    finally:
        up.process.kill()
        up.process.wait()


def test_the_password_is_shown_once_and_stored_only_hashed(database_url: str) -> None:
    for first in (True, False):
        up = Up(database_url, free_port())
        told = up.wait_for("Ctrl-C stops everything")
        assert up.end(signal.SIGTERM) == 0
        assert ("with the password" in told) is first
        if first:
            password = told.partition("with the password ")[2].split()[0]
    assert "changepassword admin" in told
    dump = stored_text(database_url)
    assert "admin" in dump
    assert password not in dump


@pytest.mark.realregistry
def test_a_registry_is_added_scanned_and_summed_up_beside_the_address(
    database_url: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    with running_registry(tmp_path_factory.mktemp("registry")) as registry:
        registry.push("shop/cart", "1", image(user="0"))
        up = Up(database_url, free_port(), "--registry", registry.url)
        try:
            up.wait_for("1 fail, 0 unknown, 0 waived, 0 not applicable.")
            last = up.wait_for("Ctrl-C stops everything", times=2).partition("\nScanned ")[2]
            assert re.match(rf"{registry.host} in \d+\.\d s: 1 repositories, 1 tags: 0 pass, 1 fail", last)
            assert f"Plimsoll is at http://localhost:{up.address.rpartition(':')[2]}/" in last
            assert up.end(signal.SIGINT) == 0
        finally:
            up.process.kill()
            up.process.wait()


def test_a_taken_port_is_named(database_url: str) -> None:
    taken = urlsplit(os.environ["REDIS_URL"]).port
    assert taken
    up = Up(database_url, taken)
    assert up.process.wait(60) == 1
    assert f"Something else listens on port {taken}" in up.rest()


def stored_text(database_url: str) -> str:
    with psycopg.connect(database_url) as connection:
        rows = connection.execute("SELECT username, password, email, first_name, last_name FROM compliance_user")
        return repr(rows.fetchall())
