"""Children that die, that end, that will not end."""

import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from compliance.localstack.processes import ProcessName
from compliance.localstack.stack import ROOT
from compliance.localstack.supervisor import Child, Supervisor

FOR_EVER = "import time; time.sleep(600)"
DEAF = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('deaf', flush=True); time.sleep(600)"


class Stage:
    """A supervisor whose lines are kept, stopped when a line has been said often enough."""

    def __init__(self, *children: Child) -> None:
        self.lines: list[str] = []
        self.supervisor = Supervisor(children, self.lines.append, first_wait=0.05)

    def run_until(self, words: str, times: int = 1, seconds: float = 60) -> str:
        give_up = time.monotonic() + seconds
        self.supervisor.run(
            lambda: self.text.count(words) >= times or time.monotonic() > give_up, self.supervisor.ask_to_stop
        )
        return self.text

    @property
    def text(self) -> str:
        return "".join(self.lines)


def python(name: str, program: str, *, once: bool = False, patience: float = 10) -> Child:
    return Child(name, [sys.executable, "-c", program], once=once, patience=patience)


def test_each_line_names_its_child() -> None:
    told = Stage(python("web", "print('up')\nprint('é')\n" + FOR_EVER), python("worker", FOR_EVER)).run_until("é")
    assert "web    | up\nweb    | é\n" in told


def test_work_that_is_done_is_told_after_its_last_line() -> None:
    stage = Stage(python("scan", "for n in range(500): print(n)", once=True))
    give_up = time.monotonic() + 60

    def ended(name: str, seconds: float) -> None:
        stage.lines.append(f"{name} {seconds > 0}")
        stage.supervisor.ask_to_stop()

    stage.supervisor.run(lambda: time.monotonic() > give_up, stage.supervisor.ask_to_stop, ended)
    assert stage.lines[-2:] == ["scan | 499\n", "scan True"]


def test_a_dead_child_is_started_again_and_waits_longer_each_time() -> None:
    told = Stage(python("worker", "print('hello'); raise SystemExit(3)")).run_until("hello", times=4)
    waits = [line.rpartition(" in ")[2] for line in told.splitlines() if "status 3" in line]
    assert waits[:3] == ["0.05 s", "0.1 s", "0.2 s"]


def test_a_killed_child_is_started_again(tmp_path: Path) -> None:
    seen = tmp_path / "seen"
    program = f"import os, pathlib\nseen = pathlib.Path({str(seen)!r})\n"
    program += "if seen.exists(): print('again')\nseen.touch()\n"
    told = Stage(python("worker", program + "os.kill(os.getpid(), 9)")).run_until("again")
    assert "ended with status -9" in told


@pytest.mark.parametrize(("status", "said"), [(0, False), (2, True)])
def test_work_done_once_is_not_repeated(status: int, said: bool) -> None:
    stage = Stage(python("scan", f"print('scanned'); raise SystemExit({status})", once=True), python("web", FOR_EVER))
    over: list[float] = []

    def is_over() -> bool:
        """A second after it has ended: time enough for another round."""
        if not over and "scanned" in stage.text and (not said or "failed with status" in stage.text):
            over.append(time.monotonic() + 1)
        return bool(over) and time.monotonic() > over[0]

    stage.supervisor.run(is_over, stage.supervisor.ask_to_stop)
    told = stage.text
    assert told.count("scanned") == 1
    assert ("failed with status 2" in told) is said


@pytest.mark.parametrize("status", [0, 1])
def test_a_child_waits_for_the_work_it_comes_after(status: int) -> None:
    work = python("demo", f"import time; time.sleep(0.5); print('played'); raise SystemExit({status})", once=True)
    worker = replace(python("worker", "print('at work')\n" + FOR_EVER), after="demo")

    told = Stage(worker, work).run_until("at work")

    assert told.index("played") < told.index("at work")


def test_children_stop_in_the_order_given() -> None:
    polite = "import signal, sys\nsignal.signal(signal.SIGTERM, lambda *_: (print('bye'), sys.exit()))\n"
    polite += "print('ready')\n"
    stage = Stage(*(python(name, polite + FOR_EVER) for name in ("web", "beat", "worker")))
    stage.run_until("ready", times=3)
    give_up = time.monotonic() + 60
    while stage.text.count("bye") < 3 and time.monotonic() < give_up:
        time.sleep(0.05)  # the readers may still be handing over the last lines
    assert [line.split()[0] for line in stage.text.splitlines() if "bye" in line] == ["web", "beat", "worker"]


def test_one_that_will_not_end_is_killed_with_all_it_started() -> None:
    program = (
        f"import subprocess, sys; p = subprocess.Popen([sys.executable, '-c', {FOR_EVER!r}]); print('pid', p.pid)\n"
    )
    stage = Stage(python("worker", program + DEAF, patience=0.3))
    told = stage.run_until("deaf")
    grandchild = int(told.partition("pid ")[2].split()[0])
    give_up = time.monotonic() + 60
    while ProcessName.of(grandchild) and time.monotonic() < give_up:
        time.sleep(0.05)
    assert ProcessName.of(grandchild) is None


PROGRAM = """
import sys
from compliance.localstack.supervisor import Child, Supervisor
child = Child("web", [sys.executable, "-c", "import os, time; print(os.getpid()); time.sleep(600)"])
Supervisor([child], lambda words: print(words, end="", flush=True)).run(lambda: False, lambda: None)
print("stopped")
"""


@pytest.mark.parametrize(
    ("how", "last"), [(signal.SIGINT, "stopped"), (signal.SIGTERM, "stopped"), (signal.SIGKILL, "")]
)
def test_no_child_outlives_the_supervisor(how: signal.Signals, last: str) -> None:
    with subprocess.Popen([sys.executable, "-c", PROGRAM], cwd=ROOT, stdout=subprocess.PIPE, text=True) as supervisor:
        assert supervisor.stdout
        child = ProcessName.of(int(supervisor.stdout.readline().partition("|")[2]))
        assert child
        os.kill(supervisor.pid, how)
        rest = supervisor.stdout.read()
    give_up = time.monotonic() + 60
    while child.runs() and time.monotonic() < give_up:
        time.sleep(0.05)
    assert not child.runs()
    assert rest.strip() == last
