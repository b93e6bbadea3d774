"""Real workers in processes of their own, on the test's database."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from django.db import connection

ROOT = Path(__file__).resolve().parents[2]


def environment(**settings: str) -> dict[str, str]:
    """What makes another process use the test's database and queue."""
    database = connection.settings_dict
    address = f"{database['USER']}:{database['PASSWORD']}@{database['HOST']}:{database['PORT']}"
    return {
        **os.environ,
        "DATABASE_URL": f"postgres://{address}/{database['NAME']}",
        "LOG_LEVEL": "WARNING",
        **settings,
    }


@contextmanager
def worker(
    folder: Path, *, before: Sequence[str] = (), beat: bool = True, **settings: str
) -> Iterator[subprocess.Popen[bytes]]:
    """A worker with two processes, and a beat, in a process group of their own.

    :param before: a program that starts it, such as one that enters a network namespace.
    """
    hurried = {"PLIMSOLL_LEASE_SECONDS": "2", "PLIMSOLL_TICK_SECONDS": "0.5", "PLIMSOLL_SCAN_CONNECTIONS": "2"}
    command = [*before, sys.executable, "-m", "celery", "-A", "compliance.project", "worker", "-c", "2"]
    command += ["--without-mingle", "--without-gossip", *(["-B", "-s", str(folder / "beat")] if beat else [])]
    with (folder / "worker.log").open("ab") as log:
        process = subprocess.Popen(
            command,
            cwd=ROOT,
            env=environment(**{**hurried, **settings}),
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    try:
        yield process
    finally:
        kill(process)


def kill(process: subprocess.Popen[bytes]) -> None:
    """End a worker and its children without a word."""
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait(60)
