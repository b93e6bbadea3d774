"""The web server as ``manage.py up`` starts it, with one process, asked over HTTP one request after the other."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path
from tempfile import TemporaryDirectory

from compliance.localstack.ports import free_port
from compliance.management.commands.up import servers
from tests.support.running import Part, exchange, request
from tests.support.workers import environment

_SECONDS_TO_START = 60.0
_PIECE = 65_536
_SECONDS_OF_REST = 0.1


class WebProcess:
    """One process, so that whatever a process keeps is kept for the next request too."""

    def __init__(self, part: Part, port: int) -> None:
        self._part = part
        self._connection = HTTPConnection("localhost", port, timeout=60)

    def ask(self, path: str, cookies: str) -> tuple[float, float]:
        """Milliseconds until all of a page is here, or the first piece of an export; and of processor time meanwhile.

        The processor time is in steps of 10 ms: only its sum over many requests says something.
        """
        spent, began = self._part.cpu_seconds(), time.perf_counter()
        self._connection.request("GET", path, headers={"Cookie": cookies})
        answer = self._connection.getresponse()
        if answer.chunked:
            answer.read1(_PIECE)
        else:
            answer.read()
        took = time.perf_counter() - began
        if answer.status != 200:
            raise SystemExit(f"{path} answered {answer.status}")
        if answer.chunked:
            self._connection.close()  # nobody waits for the rest of it
            self._come_to_rest()
        return took * 1_000, (self._part.cpu_seconds() - spent) * 1_000

    def _come_to_rest(self) -> None:
        """Until the process has noticed that nobody listens any more: the next request is not to wait for that."""
        before = -1.0
        while (spent := self._part.cpu_seconds()) != before:
            before = spent
            time.sleep(_SECONDS_OF_REST)


@contextmanager
def web_process() -> Iterator[WebProcess]:
    """Start it on the database of this process; kill it in the end."""
    from django.core.management import call_command
    from django.test import override_settings

    port = free_port()
    with TemporaryDirectory(prefix="plimsoll-web-") as name:
        folder = Path(name)
        with override_settings(STATIC_ROOT=folder / "static"):
            call_command("collectstatic", interactive=False, verbosity=0)
        child = servers(port, 1, folder=folder)[0]
        # It stays open for as long as one address is asked for.
        command = [*_one_process(child.command), "--keep-alive", "60"]
        part = Part(command, environment(**_settings(child.environment, folder)), folder / "web.log")
        part.start()
        try:
            _wait(part, port)
            yield WebProcess(part, port)
        finally:
            part.kill()


def _one_process(command: Sequence[str]) -> list[str]:
    at = command.index("--workers")
    return [*command[: at + 1], "1", *command[at + 2 :]]


def _settings(given: Mapping[str, str], folder: Path) -> dict[str, str]:
    return {**given, "STATIC_ROOT": str(folder / "static"), "ALLOWED_HOSTS": "localhost"}


def _wait(part: Part, port: int) -> None:
    deadline = time.monotonic() + _SECONDS_TO_START
    while exchange(port, request("GET", "/healthz"))[0] != 200:
        if time.monotonic() > deadline:
            raise SystemExit(f"the web did not start: {part.log.read_text()[-2_000:]}")
        time.sleep(0.1)
