"""One Postgres on one data folder."""

import contextlib
import os
import signal
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from compliance.localstack.binaries import PostgresPrograms, find_postgres
from compliance.localstack.parent_death import ends_with_parent
from compliance.localstack.ports import free_port
from compliance.localstack.privileges import Footing, find_footing
from compliance.localstack.problems import DataFromOtherVersion, ServerFailed
from compliance.localstack.secret_files import read_or_make

ACCOUNT = DATABASE = "plimsoll"
START_SECONDS = 60
ORPHAN_SECONDS = 10
FIRST_MAJOR_WITH_BUILTIN_LOCALES = 17
STOP_SIGNAL = signal.SIGINT  # "fast": roll back what is open, then a clean shutdown
SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",  # a socket's whole path must stay under 107 bytes; a data folder's need not
    "shared_buffers": "256MB",  # findings and tags of a large fleet stay in it; what is not used is not taken
    "max_connections": "100",
    "log_min_messages": "warning",
}
# A test that loses its database in a power cut is simply run again.
FAST_SETTINGS = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}


@dataclass(frozen=True)
class RunningPostgres:
    """A started server, and how to reach it."""

    process: subprocess.Popen[bytes]
    port: int
    url: str


class Postgres:
    """Makes the data folder when there is none, and starts the server on it."""

    def __init__(self, folder: Path, *, fast: bool) -> None:
        self._folder = folder
        self._fast = fast
        self._password = read_or_make(folder / "postgres.password")
        self._log = folder / "postgres.log"

    def start(self, port: int | None = None) -> RunningPostgres:
        """Start on a port, by default a random free one.

        :raises LocalStackError: when it does not come up.
        """
        programs = find_postgres()
        footing = find_footing(programs, self._folder / "postgres")
        self._make_data(programs, footing)
        forget_dead_server(footing.data)
        port = port or free_port()
        settings = {**SETTINGS, "port": str(port), **(FAST_SETTINGS if self._fast else {})}
        arguments = [part for key, value in settings.items() for part in ("-c", f"{key}={value}")]
        with self._log.open("ab") as log:
            process = _spawn(footing, "postgres", ["-D", str(footing.data), *arguments], log)
        self._wait(process, footing.data)
        return RunningPostgres(process, port, f"postgres://{ACCOUNT}:{self._password}@127.0.0.1:{port}/{DATABASE}")

    def _make_data(self, programs: PostgresPrograms, footing: Footing) -> None:
        version = footing.data / "PG_VERSION"
        if version.exists():
            if version.read_text().strip() != str(programs.major):
                raise DataFromOtherVersion(
                    f"{footing.data} was written by Postgres {version.read_text().strip()}, and this is "
                    f"{programs.major}. Dump it with the old version, or remove {self._folder} to begin anew."
                )
            return
        with tempfile.NamedTemporaryFile("w", prefix="plimsoll-") as password:
            password.write(self._password)
            password.flush()
            if footing.account is not None:
                os.chown(password.name, footing.account, -1)
            self._finish(_spawn(footing, "initdb", self._initdb_arguments(programs, footing, password.name)))
        # Needs no client library and no running server, unlike `createdb`.
        creation = _spawn(footing, "postgres", ["--single", "-D", str(footing.data), "postgres"], stdin=subprocess.PIPE)
        self._finish(creation, f"CREATE DATABASE {DATABASE}\n")

    def _initdb_arguments(self, programs: PostgresPrograms, footing: Footing, password_file: str) -> list[str]:
        arguments = ["-D", str(footing.data), f"--username={ACCOUNT}", f"--pwfile={password_file}"]
        arguments += ["--auth=scram-sha-256", "--encoding=UTF8", "--no-instructions"]
        if programs.major >= FIRST_MAJOR_WITH_BUILTIN_LOCALES:
            # The same order of words on every machine, whatever its C library sorts like.
            arguments += ["--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
        else:
            arguments += ["--locale=C.UTF-8"]
        return arguments + (["--no-sync"] if self._fast else [])

    def _finish(self, process: subprocess.Popen[bytes], words: str = "") -> None:
        output, _ = process.communicate(words.encode() or None, timeout=START_SECONDS)
        with self._log.open("ab") as log:
            log.write(output)
        if process.returncode != 0:
            raise ServerFailed(f"Postgres could not make its data folder:\n{output.decode(errors='replace')[-2000:]}")

    def _wait(self, process: subprocess.Popen[bytes], data: Path) -> None:
        give_up = time.monotonic() + START_SECONDS
        while not _says_ready(data, process.pid):
            if process.poll() is not None or time.monotonic() > give_up:
                process.kill()
                raise ServerFailed(f"Postgres did not start. {self._log} ends with:\n{_tail(self._log)}")
            time.sleep(0.02)


def _spawn(
    footing: Footing, program: str, arguments: list[str], log: IO[bytes] | None = None, stdin: int = subprocess.DEVNULL
) -> subprocess.Popen[bytes]:
    command = [*ends_with_parent(STOP_SIGNAL), *footing.prefix, str(footing.programs / program), *arguments]
    # Nobody may not enter the folder we stand in; and no PG* variable of the caller may steer our server.
    environment = {key: value for key, value in os.environ.items() if not key.startswith("PG")} | {"LC_ALL": "C"}
    return subprocess.Popen(
        command,
        cwd="/",
        env=environment,
        stdin=stdin,
        stdout=log or subprocess.PIPE,
        stderr=subprocess.STDOUT,
        user=footing.account,
        group=footing.account,
        extra_groups=None if footing.account is None else [],
    )


def forget_dead_server(data: Path) -> None:
    """Remove the pid file of a server that was killed, once none of its processes is left.

    Postgres does so itself, unless the pid lives on as a zombie or was given to some other process; all processes of
    a server stand in its data folder, so that can be told apart here. Only Linux shows it.
    """
    pid_file = data / "postmaster.pid"
    give_up = time.monotonic() + ORPHAN_SECONDS
    while pid_file.exists() and Path("/proc/self/cwd").exists():
        if not _somebody_stands_in(data):
            pid_file.unlink()
        elif time.monotonic() > give_up:
            return
        time.sleep(0.05)


def _somebody_stands_in(folder: Path) -> bool:
    for process in Path("/proc").glob("[0-9]*/cwd"):
        with contextlib.suppress(OSError):  # ended meanwhile, a zombie, or somebody else's
            if process.readlink() == folder.resolve():
                return True
    return False


def _says_ready(data: Path, pid: int) -> bool:
    try:
        lines = (data / "postmaster.pid").read_text().splitlines()
    except (FileNotFoundError, PermissionError):
        return False
    return len(lines) > 7 and lines[0] == str(pid) and lines[7].strip() == "ready"


def _tail(log: Path) -> str:
    return log.read_text(errors="replace")[-2000:]
