"""A real containerd of our own, started without Docker: what `ctr run` makes of an image's USER."""

from __future__ import annotations

import contextlib
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from tests.oracle.cases import Fixture
from tests.oracle.engine_answers import Answer, Refused, oracle_image
from tests.scanner.domain.identity_rows import FILES, Row
from tests.support.images import docker_archive
from tests.support.static_id import parse_printed

_START_SECONDS = 30
_TRIES = 5
_REPOSITORY = "docker.io/library/row"


@contextlib.contextmanager
def running_containerd() -> Iterator[Path]:
    """Start one, give its folder, and end it."""
    with tempfile.TemporaryDirectory(prefix="plimsoll-ctd-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        options = ["--root", f"{folder}/root", "--state", f"{folder}/state", "--address", f"{folder}/c.sock"]
        with (folder / "log").open("wb") as log:
            # A test run that is killed outright must not leave a daemon behind.
            command = ["setpriv", "--pdeathsig", "TERM", "containerd", *options]
            process = subprocess.Popen(command, stdout=log, stderr=log)
        try:
            _wait_until_it_answers(folder)
            yield folder
        finally:
            process.terminate()
            process.wait(timeout=20)


def load(folder: Path, rows: list[Row]) -> None:
    """One image for each row, with its USER in the config."""
    archive = folder / "images.tar"
    archive.write_bytes(docker_archive({_name(row): oracle_image(_fixture(row), row.user) for row in rows}))
    done = _ctr(folder, "image", "import", "--snapshotter", "native", str(archive))
    assert done.returncode == 0, done.stderr


def ask(folder: Path, row: Row) -> Answer:
    """Start the row's container and hear what its process says.

    ctr 1.6 may end with 0 before it copied what a short process printed: that is no answer, and asked again
    under another id, as the first container may not be cleared away yet.
    """
    for attempt in range(_TRIES):
        done = _ctr(folder, "run", "--rm", "--snapshotter", "native", _name(row), f"row{row.number}-{attempt}")
        if done.returncode != 0:
            return Refused(done.stderr)
        if done.stdout:
            return parse_printed(done.stdout)
    raise AssertionError(f"row {row.number} started {_TRIES} times and printed nothing")


def _name(row: Row) -> str:
    return f"{_REPOSITORY}:{row.number}"


def _fixture(row: Row) -> Fixture:
    passwd, group = (None if data is None else data.decode("utf-8", "surrogateescape") for data in FILES[row.files])
    return Fixture(passwd, group)


def _wait_until_it_answers(folder: Path) -> None:
    give_up = time.monotonic() + _START_SECONDS
    while _ctr(folder, "version").returncode != 0:
        assert time.monotonic() < give_up, (folder / "log").read_text(errors="replace")[-2000:]
        time.sleep(0.1)


def _ctr(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = ["ctr", "--address", f"{folder}/c.sock", *arguments]
    return subprocess.run(command, capture_output=True, text=True, errors="replace", timeout=60, check=False)
