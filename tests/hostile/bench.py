"""A registry, the process that scans, and a place where nothing may be left."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.hostile.case import Case, run
from tests.hostile.scan_worker import REPOSITORY
from tests.support.demo_registry import DemoRegistry, Faults
from tests.support.images import Stored
from tests.support.oci_layout import OciLayout

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True, slots=True)
class Scanned:
    """What came of an image and what it cost; ``cpu_seconds`` are those of the worker and its children together."""

    outcome: str
    message: str
    seconds: float
    cpu_seconds: float
    child_bytes: int
    worker_bytes: int
    grown_bytes: int
    descriptors: int


@dataclass(slots=True)
class Bench:
    """Scans images one after another."""

    registry: DemoRegistry
    layout: OciLayout
    worker: subprocess.Popen[str]
    scratch: Path
    at_first: Scanned | None = None

    def scan(self, case: Case) -> Scanned:
        """Push an image and scan it."""
        stored = case.make()
        self.push(stored)
        self.registry.faults = Faults(**dict(case.faults))  # type: ignore[arg-type]  # names of its own fields
        try:
            return self.ask(case.limits)
        finally:
            self.registry.faults = Faults()
            self.forget(stored)

    def control(self) -> Scanned:
        """Scan a healthy image."""
        self.push(run())
        return self.ask({})

    def descriptors(self) -> int:
        """How many the worker has after a scan, were none ever lost."""
        if self.at_first is None:
            self.at_first = self.control()
        return self.at_first.descriptors

    def push(self, stored: Stored) -> None:
        """As it is: a blob's bytes need not be those of its digest."""
        for digest, content in {**stored.blobs, stored.digest: stored.body}.items():
            self._blob(digest).write_bytes(content)
        self.layout.tag(REPOSITORY, "1", stored.descriptor())

    def forget(self, stored: Stored) -> None:
        """Take its blobs away: those of bombs would fill a disk."""
        for digest in (*stored.blobs, stored.digest):
            self._blob(digest).unlink(missing_ok=True)

    def _blob(self, digest: str) -> Path:
        return self.layout.folder / "blobs" / "sha256" / digest.removeprefix("sha256:")

    def ask(self, limits: Mapping[str, float], login: tuple[str, str] | None = None) -> Scanned:
        """What the worker says of the image."""
        assert self.worker.stdin is not None
        assert self.worker.stdout is not None
        order: dict[str, Any] = {"url": self.registry.url, "tag": "1", "limits": dict(limits)}
        if login:
            order["login"] = login
        self.worker.stdin.write(json.dumps(order) + "\n")
        self.worker.stdin.flush()
        line = self.worker.stdout.readline()
        assert line, f"the worker ended with {self.worker.wait(5)}"
        return Scanned(**json.loads(line))


@contextmanager
def bench(folder: Path, serve: type[DemoRegistry] = DemoRegistry) -> Iterator[Bench]:
    """All of it, ended at the end."""
    layout, scratch = OciLayout(folder / "layout"), folder / "scratch"
    scratch.mkdir()
    environment = {**os.environ, "TMPDIR": str(scratch), "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "tests.hostile.scan_worker"]
    with (
        serve(layout.folder).running() as registry,
        subprocess.Popen(
            command, cwd=scratch, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        ) as worker,
    ):
        registry.auth = "none"
        yield Bench(registry, layout, worker, scratch)
        assert worker.stdin is not None
        worker.stdin.close()
        worker.wait(10)
