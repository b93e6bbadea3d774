"""Keep a few processes running in the foreground: prefix what they say, restart what dies, stop them in order."""

import contextlib
import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from compliance.localstack.parent_death import ends_with_parent

LOOK_SECONDS = 0.2
HEALTHY_SECONDS = 60.0  # one that ran this long has not failed in a row
LONGEST_WAIT_SECONDS = 30.0
LAST_WORDS_SECONDS = 5.0


@dataclass(frozen=True)
class Child:
    """One process to keep; `once` is for work that ends and is not repeated."""

    name: str
    command: Sequence[str]
    environment: Mapping[str, str] = field(default_factory=dict)  # besides our own
    once: bool = False
    patience: float = 10.0  # seconds between asking it to end and killing it
    after: str = ""  # the name of work to be done once before this one starts, well or badly


@dataclass
class _Running:
    child: Child
    process: subprocess.Popen[str] | None = None
    reader: threading.Thread | None = None
    began: float = 0.0
    failures: int = 0
    restart_at: float = 0.0
    finished: bool = False


class Supervisor:
    """Starts children in the order given, and stops them in the same order."""

    def __init__(self, children: Sequence[Child], write: Callable[[str], object], *, first_wait: float = 1.0) -> None:
        self._all = [_Running(child) for child in children]
        self._write = write
        self._first_wait = first_wait
        self._told_to_stop = threading.Event()
        self._speaking = threading.Lock()
        self._ended: Callable[[str, float], None] = lambda name, seconds: None
        self._width = max((len(child.name) for child in children), default=0)

    def ask_to_stop(self) -> None:
        """Let `run` return; safe in a signal handler."""
        self._told_to_stop.set()

    def run(
        self,
        ready: Callable[[], bool],
        announce: Callable[[], None],
        ended: Callable[[str, float], None] = lambda name, seconds: None,
    ) -> None:
        """Start the children and watch them until told to stop, by `ask_to_stop`, Ctrl-C or SIGTERM; then stop them.

        `announce` is called once, when `ready` first says so; `ended` with the name and the seconds of each child of
        the kind `once`, after its last line.
        """
        self._ended = ended
        before = {how: signal.signal(how, lambda *_: self.ask_to_stop()) for how in (signal.SIGINT, signal.SIGTERM)}
        announced = False
        try:
            while not self._told_to_stop.is_set():
                self.look()
                if not announced and ready():
                    announce()
                    announced = True
                self._told_to_stop.wait(LOOK_SECONDS)
        finally:
            self.stop()
            for how, handler in before.items():
                signal.signal(how, handler)

    def look(self) -> None:
        """Notice who has ended; start again whose time has come."""
        now = time.monotonic()
        for running in self._all:
            if running.process is not None and running.process.poll() is not None:
                self._note_end(running, running.process.returncode, now)
            due = running.process is None and not running.finished and now >= running.restart_at
            if due and not self._waits(running):
                self._spawn(running)

    def _waits(self, running: _Running) -> bool:
        return any(other.child.name == running.child.after and not other.finished for other in self._all)

    def stop(self) -> None:
        """Stop one after the other, each with its patience."""
        for running in self._all:
            running.finished = True
            if running.process is not None:
                _end(running.process, running.child.patience)
                running.process = None

    def _spawn(self, running: _Running) -> None:
        child = running.child
        running.began = time.monotonic()
        # A session of its own: Ctrl-C must reach us alone, or all would end at once and in no order.
        running.process = process = subprocess.Popen(
            [*ends_with_parent(signal.SIGTERM), *child.command],
            env={**os.environ, **child.environment, "PYTHONUNBUFFERED": "1"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            start_new_session=True,
        )
        running.reader = threading.Thread(target=self._repeat, args=(child.name, process), daemon=True)
        running.reader.start()

    def _repeat(self, name: str, process: subprocess.Popen[str]) -> None:
        if process.stdout is None:
            raise AssertionError("children are started with a pipe")
        with process.stdout as lines:
            for line in lines:
                self.say(name, line.rstrip("\n"))

    def say(self, name: str, words: str) -> None:
        """Write one line in the name of a child."""
        with self._speaking:
            self._write(f"{name:<{self._width}} | {words}\n")

    def _note_end(self, running: _Running, status: int, now: float) -> None:
        running.process = None
        if running.child.once:
            running.finished = True
            if status != 0:
                self.say(running.child.name, f"failed with status {status}")
            if running.reader is not None:
                running.reader.join(LAST_WORDS_SECONDS)
            self._ended(running.child.name, now - running.began)
            return
        running.failures = 1 if now - running.began > HEALTHY_SECONDS else running.failures + 1
        wait = min(self._first_wait * 2 ** (running.failures - 1), LONGEST_WAIT_SECONDS)
        running.restart_at = now + wait
        self.say(running.child.name, f"ended with status {status}; starting it again in {wait:g} s")


def _end(process: subprocess.Popen[str], patience: float) -> None:
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(patience)
    # Whatever is left of its group, such as a pool process, has no parent to end it any more.
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
