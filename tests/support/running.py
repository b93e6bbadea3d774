"""The product as ``manage.py up`` starts it: web, beat and worker, each to be killed and started again."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType

from compliance.localstack.ports import free_port
from compliance.management.commands.up import servers
from compliance.project.celery import app
from tests.support.workers import ROOT, environment

_SECONDS_TO_START = 120.0


@dataclass(slots=True)
class Part:
    """One program with its children."""

    command: Sequence[str]
    environment: Mapping[str, str]
    log: Path
    started: list[subprocess.Popen[bytes]] = field(default_factory=list)

    @property
    def pid(self) -> int:
        """Of the program itself."""
        return self.started[-1].pid

    def start(self) -> None:
        """Start it, for the first time or again."""
        with self.log.open("ab") as log:
            process = subprocess.Popen(
                self.command, cwd=ROOT, env=self.environment, stdout=log, stderr=log, start_new_session=True
            )
        self.started.append(process)

    def kill_main(self) -> None:
        """``kill -9`` the program and let its children find out for themselves."""
        self.started[-1].kill()
        self.started[-1].wait(60)

    def kill(self) -> None:
        """``kill -9`` the program and all that it has started, now and before."""
        for process in self.started:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait(60)

    def kill_child(self) -> None:
        """``kill -9`` one child."""
        os.kill(self.children()[0], signal.SIGKILL)

    def children(self) -> list[int]:
        """Pids."""
        return [int(pid) for pid in Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text().split()]

    def cpu_seconds(self) -> float:
        """Processor time that it and its children have had."""
        return sum(_cpu(pid) for pid in [self.pid, *self.children()])

    def peak_mib(self) -> float:
        """The most that any process of it had resident so far, in MiB."""
        return max(_peak(pid) for pid in [self.pid, *self.children()])


@dataclass(slots=True)
class Running:
    """Three parts and where the web listens."""

    port: int
    web: Part
    beat: Part
    worker: Part

    def revive(self) -> None:
        """Start again what ended by itself, as `manage.py up` and Compose do.

        Kombu 5.7 ends a worker that loses the queue between taking a message and acknowledging it (AttributeError).
        """
        for part in (self.web, self.beat, self.worker):
            if part.started[-1].poll() is not None:
                part.start()

    def wait(self) -> None:
        """Until the web answers."""
        deadline = time.monotonic() + _SECONDS_TO_START
        while exchange(self.port, request("GET", "/healthz"))[0] != 200:
            if time.monotonic() > deadline:
                raise RuntimeError(f"the web did not start: {self.web.log.read_text()[-2_000:]}")
            time.sleep(0.1)

    def wait_for_worker(self) -> None:
        """Until it takes messages."""
        deadline = time.monotonic() + _SECONDS_TO_START
        while not app.control.ping(timeout=1.0):
            if time.monotonic() > deadline:
                raise RuntimeError(f"the worker did not start: {self.worker.log.read_text()[-2_000:]}")


@contextmanager
def running(
    folder: Path, *, concurrency: int = 2, settings: Mapping[str, str] = MappingProxyType({})
) -> Iterator[Running]:
    """Start all of it on the database of this process; kill it in the end.

    :param folder: for logs.
    """
    port = free_port()
    commands = {child.name: child for child in servers(port, concurrency, folder=folder)}
    parts = {
        name: Part(child.command, {**environment(**child.environment), **settings}, folder / f"{name}.log")
        for name, child in commands.items()
    }
    product = Running(port, **parts)
    try:
        for part in parts.values():
            part.start()
        product.wait()
        yield product
    finally:
        for part in parts.values():
            part.kill()


def request(method: str, path: str, body: bytes = b"", headers: Mapping[str, str] | None = None) -> bytes:
    """One request as bytes, on a connection of its own."""
    found = {"Host": "localhost", "Connection": "close", "Content-Length": str(len(body)), **(headers or {})}
    lines = [f"{method} {path} HTTP/1.1", *(f"{name}: {value}" for name, value in found.items())]
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + body


def exchange(port: int, raw: bytes, seconds: float = 30.0) -> tuple[int, bytes]:
    """Send a request; return the status and the body of the answer, or 0 where none came."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=seconds) as connected:
            connected.sendall(raw)
            answer = b"".join(iter(lambda: connected.recv(65_536), b""))
    except OSError:
        return 0, b""
    head, _, body = answer.partition(b"\r\n\r\n")
    return (int(head[9:12]), body) if head.startswith(b"HTTP/1.1 ") else (0, b"")


def _peak(pid: int) -> float:
    with suppress(OSError):
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) / 1024
    return 0.0


def _cpu(pid: int) -> float:
    with suppress(OSError):
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    return 0.0
