"""The process that owns the servers: `python -m compliance.localstack.keeper FOLDER OPTIONS`.

It ends, and the servers before it, when the last user of the stack is gone, when it is told to (SIGTERM), or when a
server cannot be brought back.
"""

import argparse
import fcntl
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from dataclasses import asdict
from pathlib import Path

from compliance.localstack import postgres, valkey
from compliance.localstack.files import StackFiles
from compliance.localstack.postgres import Postgres, RunningPostgres
from compliance.localstack.privileges import forget_elsewhere
from compliance.localstack.problems import LocalStackError
from compliance.localstack.processes import ProcessName
from compliance.localstack.secret_files import write_secret
from compliance.localstack.valkey import RunningValkey, Valkey

LOOK_SECONDS = 0.25
STOP_SECONDS = 20
RESTARTS = 5


class Keeper:
    """Starts the servers that are wanted, brings back one that dies, stops them in order."""

    def __init__(self, files: StackFiles, *, fast: bool) -> None:
        self._files = files
        self._postgres_server = Postgres(files.folder, fast=fast)
        self._valkey_server = Valkey(files.folder, fast=fast)
        self._postgres: RunningPostgres | None = None
        self._valkey: RunningValkey | None = None
        self._restarts = 0
        self.told_to_stop = threading.Event()

    def keep(self) -> None:
        """Run until told to stop.

        :raises LocalStackError: when a server does not start, or has died too often.
        """
        try:
            self._start()
            while not self.told_to_stop.wait(LOOK_SECONDS):
                if self._one_died() or self._one_is_wanted():
                    self._start()
        finally:
            self._files.state.unlink(missing_ok=True)
            self._stop()

    def _start(self) -> None:
        # A server that comes back does so on its old port: its users hold the address.
        state: dict[str, object] = {"keeper": _name(os.getpid())}
        if self._files.wanted("postgres").exists():
            if self._postgres is None or self._postgres.process.poll() is not None:
                self._postgres = self._postgres_server.start(self._postgres.port if self._postgres else None)
            state |= {"postgres": _name(self._postgres.process.pid), "database_url": self._postgres.url}
        if self._files.wanted("valkey").exists():
            if self._valkey is None or self._valkey.process.poll() is not None:
                self._valkey = self._valkey_server.start(self._valkey.port if self._valkey else None)
            state |= {"valkey": _name(self._valkey.process.pid), "redis_url": self._valkey.url}
        write_secret(self._files.state, json.dumps(state, indent=1))

    def _one_is_wanted(self) -> bool:
        running = {"postgres": self._postgres, "valkey": self._valkey}
        return any(server is None and self._files.wanted(name).exists() for name, server in running.items())

    def _one_died(self) -> bool:
        running = (self._postgres, self._valkey)
        dead = [server for server in running if server is not None and server.process.poll() is not None]
        self._restarts += len(dead)
        if self._restarts > RESTARTS:
            raise LocalStackError(
                f"The local servers died {self._restarts} times; see the logs in {self._files.folder}."
            )
        return bool(dead)

    def _stop(self) -> None:
        for server, how in ((self._valkey, valkey.STOP_SIGNAL), (self._postgres, postgres.STOP_SIGNAL)):
            if server is None:
                continue
            server.process.send_signal(how)
            try:
                server.process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                server.process.kill()
                server.process.wait()


def wait_for_last_user(files: StackFiles, keeper: Keeper) -> None:
    """Return the keeper to rest once nobody holds the users' lock, unless it was asked to stay."""
    with files.users.open("a") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        if files.stay.exists():
            return
        keeper.told_to_stop.set()
        # Held until this process ends, so that the next user waits for the servers to be down.
        while True:
            time.sleep(STOP_SECONDS)


def main(arguments: list[str] | None = None) -> int:
    """Keep the stack of one folder."""
    parser = argparse.ArgumentParser(prog="python -m compliance.localstack.keeper")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--fast", action="store_true", help="no durability; for tests")
    parser.add_argument("--temporary", action="store_true", help="remove the folder at the end")
    options = parser.parse_args(arguments)
    if told := _detach():
        sys.stdout.write(f"{told}\n")
        return 0
    files = StackFiles(options.folder)
    keeper = Keeper(files, fast=options.fast)
    signal.signal(signal.SIGTERM, lambda *_: keeper.told_to_stop.set())
    threading.Thread(target=wait_for_last_user, args=(files, keeper), daemon=True).start()
    try:
        keeper.keep()
    except LocalStackError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    finally:
        if options.temporary:
            forget_elsewhere(files.folder / "postgres")
            shutil.rmtree(files.folder, ignore_errors=True)
    return 0


def _detach() -> int:
    """Go on in a process that is nobody's child; the one that was started gets its pid, and it gets 0.

    In a session of its own, Ctrl-C does not reach it: it reaches the users, and they leave in order.
    """
    if pid := os.fork():
        return pid
    os.setsid()
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)  # whoever started us reads our output to its end
    os.close(nowhere)
    return 0


def _name(pid: int) -> dict[str, object]:
    name = ProcessName.of(pid)
    return asdict(name) if name else {}


if __name__ == "__main__":
    sys.exit(main())
