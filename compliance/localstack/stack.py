"""One local stack in one folder: start or join it, leave it, stop it, ask about it."""

import contextlib
import fcntl
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

from compliance.localstack.files import SERVERS, StackFiles
from compliance.localstack.problems import ServerFailed
from compliance.localstack.processes import ProcessName

START_SECONDS = 120
STOP_SECONDS = 60
ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Addresses:
    """How to reach the servers, passwords included; empty for one that nobody wanted."""

    database_url: str
    redis_url: str

    @property
    def environment(self) -> dict[str, str]:
        both = {"DATABASE_URL": self.database_url, "REDIS_URL": self.redis_url}
        return {name: url for name, url in both.items() if url}


class LocalStack:
    """The stack of one folder, seen from one process.

    `fast` trades durability for speed; `temporary` removes the folder when the last user is gone.
    """

    def __init__(self, folder: Path, *, fast: bool = False, temporary: bool = False) -> None:
        self._files = StackFiles(folder.absolute())
        self._options = [*(["--fast"] if fast else []), *(["--temporary"] if temporary else [])]
        # A bare descriptor, because a use ends with `leave` or with the process, not when somebody drops the object.
        self._use: int | None = None

    def __enter__(self) -> Addresses:
        return self.start()

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self.leave()

    def start(self, *, stay: bool = False, servers: Collection[str] = SERVERS) -> Addresses:
        """Join the stack, starting what nobody has. With `stay` it outlives its users until `stop`.

        :raises LocalStackError: when the servers cannot run here.
        """
        self._files.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with _locked(self._files.starting):
            if stay:
                self._files.stay.touch()
            # First the lock, then the look: a keeper that is just leaving holds it until its servers are down.
            self._use = _shared_lock(self._files.users) if self._use is None else self._use
            if self.status() is None:
                self._end_leftovers()
                self._want(servers)
                return self._start_keeper(servers)
            self._want(servers)
            return self._wait_for(_process(self._state().get("keeper")), servers)

    def status(self) -> Addresses | None:
        """Return the addresses when the keeper and its servers run."""
        state = self._state()
        names = [_process(state.get(key)) for key in ("keeper", *SERVERS) if key == "keeper" or key in state]
        if not all(name and name.runs() for name in names):
            return None
        return Addresses(state.get("database_url", ""), state.get("redis_url", ""))

    def leave(self) -> None:
        """Stop using the stack; when nobody else does, return after the servers are down."""
        if self._use is None:
            return
        keeper = _process(self._state().get("keeper"))
        self._let_go()
        give_up = time.monotonic() + STOP_SECONDS
        while keeper and keeper.runs() and self._nobody_uses_it() and time.monotonic() < give_up:
            time.sleep(0.05)

    def stop(self) -> bool:
        """Stop the servers, whoever uses them; tell whether any ran."""
        self._files.stay.unlink(missing_ok=True)
        keeper = _process(self._state().get("keeper"))
        ran = keeper is not None and keeper.runs()
        if keeper:
            keeper.end(signal.SIGTERM, STOP_SECONDS)
        self._end_leftovers()
        self._let_go()
        return ran

    def _let_go(self) -> None:
        if self._use is not None:
            os.close(self._use)
            self._use = None

    def _state(self) -> dict[str, Any]:
        try:
            state = json.loads(self._files.state.read_text())
        except (FileNotFoundError, ValueError):
            return {}
        return state if isinstance(state, dict) else {}

    def _nobody_uses_it(self) -> bool:
        """Tell whether the keeper will end: it gets, or already has, the lock for itself."""
        if self._files.stay.exists():
            return False
        # Somebody else's shared lock is the one case in which we may share and may not have it alone.
        return not (self._may_lock(fcntl.LOCK_SH) and not self._may_lock(fcntl.LOCK_EX))

    def _may_lock(self, how: int) -> bool:
        try:
            with self._files.users.open("r+") as handle:  # never creates it: the folder may be about to go
                fcntl.flock(handle, how | fcntl.LOCK_NB)
        except (BlockingIOError, FileNotFoundError):
            return False
        return True

    def _end_leftovers(self) -> None:
        """End servers whose keeper was killed: they hold the data folder."""
        state = self._state()
        for key, how in (("valkey", signal.SIGTERM), ("postgres", signal.SIGINT)):
            if process := _process(state.get(key)):
                process.end(how, STOP_SECONDS)
        self._files.state.unlink(missing_ok=True)
        for server in SERVERS:
            self._files.wanted(server).unlink(missing_ok=True)

    def _want(self, servers: Collection[str]) -> None:
        for server in servers:
            self._files.wanted(server).touch()

    def _start_keeper(self, servers: Collection[str]) -> Addresses:
        command = [sys.executable, "-m", "compliance.localstack.keeper", str(self._files.folder), *self._options]
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        with self._files.log.open("w") as log:
            # It detaches itself and tells its pid: it belongs to all users, and outlives whoever was first.
            told = subprocess.run(
                command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=log, env=environment, check=False
            ).stdout
        return self._wait_for(ProcessName.of(int(told)) if told else None, servers)

    def _wait_for(self, keeper: ProcessName | None, servers: Collection[str]) -> Addresses:
        give_up = time.monotonic() + START_SECONDS
        while keeper and keeper.runs() and time.monotonic() < give_up:
            addresses = self.status()
            if addresses and self._state().keys() >= set(servers):
                return addresses
            time.sleep(0.02)
        if keeper:
            keeper.end(signal.SIGTERM, STOP_SECONDS)
        raise ServerFailed(_last_words(self._files.log))


def _last_words(log: Path) -> str:
    try:
        return log.read_text(errors="replace")[-3000:].strip() or "The local servers did not start."
    except FileNotFoundError:
        return "The local servers did not start, and their folder is gone."


def _process(told: object) -> ProcessName | None:
    if not isinstance(told, dict) or not isinstance(told.get("pid"), int):
        return None
    return ProcessName(told["pid"], str(told.get("began")))


def _shared_lock(path: Path) -> int:
    handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    fcntl.flock(handle, fcntl.LOCK_SH)
    return handle


@contextlib.contextmanager
def _locked(path: Path) -> Iterator[None]:
    with path.open("a") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
