"""A process named so that a reused pid is not mistaken for it."""

import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

POLL_SECONDS = 0.05


@dataclass(frozen=True)
class ProcessName:
    """A pid together with the moment it began, in whatever form this system tells it."""

    pid: int
    began: str

    @classmethod
    def of(cls, pid: int) -> "ProcessName | None":
        """Name a running process; None when there is none, or only its zombie."""
        began = _began(pid)
        return cls(pid, began) if began else None

    def runs(self) -> bool:
        return _began(self.pid) == self.began

    def end(self, how: signal.Signals, patience: float) -> None:
        """Send a signal and wait; kill what has not ended after `patience` seconds."""
        give_up = time.monotonic() + patience
        self._send(how)
        while self.runs():
            if time.monotonic() > give_up:
                self._send(signal.SIGKILL)
                give_up = time.monotonic() + patience
            time.sleep(POLL_SECONDS)

    def _send(self, how: signal.Signals) -> None:
        if self.runs():
            try:
                os.kill(self.pid, how)
            except ProcessLookupError:
                return


def _began(pid: int) -> str:
    if sys.platform != "linux":
        command = ["ps", "-o", "stat=,lstart=", "-p", str(pid)]
        told = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False).stdout.strip()
        return "" if told.startswith("Z") else told.partition(" ")[2]
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return ""
    # The program's name, in brackets, may itself hold brackets and blanks: fields are counted after the last one.
    fields = stat.rpartition(")")[2].split()
    return "" if fields[0] in {"Z", "X"} else fields[19]
