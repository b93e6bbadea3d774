"""One Valkey (or Redis) on one data folder."""

import signal
import socket
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

from compliance.localstack.binaries import find_valkey
from compliance.localstack.parent_death import ends_with_parent
from compliance.localstack.ports import free_port
from compliance.localstack.problems import ServerFailed
from compliance.localstack.secret_files import read_or_make, write_secret

START_SECONDS = 30
STOP_SIGNAL = signal.SIGTERM


@dataclass(frozen=True)
class RunningValkey:
    """A started server, and how to reach it."""

    process: subprocess.Popen[bytes]
    port: int
    url: str


class Valkey:
    """Writes the configuration and starts the server."""

    def __init__(self, folder: Path, *, fast: bool) -> None:
        self._folder = folder
        self._fast = fast
        self._password = read_or_make(folder / "valkey.password")
        self._log = folder / "valkey.log"

    def start(self, port: int | None = None) -> RunningValkey:
        """Start on a port, by default a random free one.

        :raises LocalStackError: when it does not come up.
        """
        port = port or free_port()
        data = self._folder / "valkey"
        data.mkdir(mode=0o700, exist_ok=True)
        configuration = self._folder / "valkey.conf"
        # In a file and not in the arguments: every user of the machine can read those.
        write_secret(configuration, self._configuration(port, data))
        with self._log.open("ab") as log:
            process = subprocess.Popen(
                [*ends_with_parent(STOP_SIGNAL), str(find_valkey()), str(configuration)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        self._wait(process, port)
        return RunningValkey(process, port, f"redis://:{self._password}@127.0.0.1:{port}/0")

    def _configuration(self, port: int, data: Path) -> str:
        lines = {
            "bind": "127.0.0.1",
            "port": str(port),
            "dir": f'"{data}"',
            "requirepass": self._password,
            "daemonize": "no",
            "save": '""',
            "appendonly": "no" if self._fast else "yes",
            "maxmemory-policy": "noeviction",  # an evicted key would be a lost message
            "loglevel": "warning",
        }
        return "".join(f"{key} {value}\n" for key, value in lines.items())

    def _wait(self, process: subprocess.Popen[bytes], port: int) -> None:
        give_up = time.monotonic() + START_SECONDS
        while not self._answers(port):
            if process.poll() is not None or time.monotonic() > give_up:
                process.kill()
                words = self._log.read_text(errors="replace")[-2000:]
                raise ServerFailed(f"Valkey did not start. {self._log} ends with:\n{words}")
            time.sleep(0.02)

    def _answers(self, port: int) -> bool:
        try:
            with socket.create_connection(("127.0.0.1", port), timeout=2) as connection:
                connection.sendall(f"AUTH {self._password}\r\nPING\r\n".encode())
                told = b""
                while told.count(b"\r\n") < 2 and (more := connection.recv(256)):
                    told += more
        except OSError:
            return False
        return told == b"+OK\r\n+PONG\r\n"
