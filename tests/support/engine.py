"""A real Docker engine of our own: private socket, private data, no network, gone afterwards.

    with running_engine() as engine:
        engine.import_base("debian:bookworm")
        engine.docker("run", "--rm", "--network", "none", "debian:bookworm", "id")

The engine lives in its own folder under the temporary directory, so that any number of them, and the machine's own,
run side by side. It needs root and Debian's `docker.io`.
"""

import contextlib
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.support import debian

START_SECONDS = 30
STORAGE_DRIVERS = ("overlay2", "vfs")  # vfs copies every layer whole: some twenty times slower, but works on anything


class EngineUnavailable(Exception):
    """No engine can run here; the message says what to do."""


@dataclass(frozen=True)
class Engine:
    """A running engine; commands go to it through its socket only."""

    folder: Path

    @property
    def url(self) -> str:
        return f"unix://{self.folder}/docker.sock"

    @property
    def environment(self) -> dict[str, str]:
        """What a child needs in its environment to talk to this engine with the docker client or the docker SDK."""
        # The classic builder needs no network for its frontend, and `--network none` means what it says.
        return {
            **os.environ,
            "DOCKER_HOST": self.url,
            "DOCKER_BUILDKIT": "0",
            "DOCKER_CONFIG": str(self.folder / "client"),
        }

    def docker(
        self, *arguments: str, check: bool = True, timeout: float = 300, stdin: bytes | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Run one docker command.

        :raises AssertionError: with the engine's own words, when it fails and `check` is set.
        """
        done = subprocess.run(
            ["docker", *arguments], capture_output=True, input=stdin, timeout=timeout, env=self.environment, check=False
        )
        out, err = done.stdout.decode(errors="replace"), done.stderr.decode(errors="replace")
        if check and done.returncode != 0:
            raise AssertionError(f"docker {' '.join(arguments)}: exit {done.returncode}\n{out}\n{err}")
        return subprocess.CompletedProcess(done.args, done.returncode, out, err)

    def import_tar(self, archive: Path, name: str) -> None:
        self.docker("import", str(archive), name)

    def import_base(self, name: str = "debian:bookworm", packages: Sequence[str] = ()) -> None:
        """Import a minimal Debian made by debootstrap, with more packages when named; made once per machine."""
        self.import_tar(debian.base_archive(packages), name)

    def build(
        self, context: Path, tag: str, *, dockerfile: Path | None = None, build_args: Mapping[str, str] | None = None
    ) -> None:
        """Build with no network at all."""
        options = ["--file", str(dockerfile)] if dockerfile else []
        for key, value in (build_args or {}).items():
            options += ["--build-arg", f"{key}={value}"]
        self.docker("build", "--network", "none", "--tag", tag, *options, str(context), timeout=900)

    def run(self, image: str, *command: str, options: Sequence[str] = ()) -> str:
        """Run a container to its end without network and return what it printed."""
        return self.docker("run", "--rm", "--network", "none", *options, image, *command).stdout


@contextlib.contextmanager
def running_engine() -> Iterator[Engine]:
    """Start an engine, and leave nothing of it behind.

    :raises EngineUnavailable: with the command that installs what is missing.
    """
    _require_binaries()
    # The socket's whole path must stay under 107 bytes, so pytest's long folder names will not do.
    folder = Path(tempfile.mkdtemp(prefix="plimsoll-engine-"))
    try:
        process = _start(folder)
        try:
            yield Engine(folder)
        finally:
            _stop(process)
    finally:
        _unmount_below(folder)
        shutil.rmtree(folder, ignore_errors=True)


def _require_binaries() -> None:
    if os.geteuid() != 0:
        raise EngineUnavailable("A Docker engine of our own needs root: run `sudo make test`.")
    missing = [name for name in ("dockerd", "docker", "containerd", "runc") if not shutil.which(name)]
    if missing:
        raise EngineUnavailable(f"Missing {', '.join(missing)}. Install them: apt-get install docker.io")


def _start(folder: Path) -> subprocess.Popen[bytes]:
    words = ""
    for driver in STORAGE_DRIVERS:
        process = _spawn(folder, driver)
        if _wait_until_it_answers(process, folder):
            return process
        _stop(process)
        words = (folder / "log").read_text(errors="replace")[-2000:]
    raise EngineUnavailable(f"dockerd does not start here. Its last words:\n{words}")


def _spawn(folder: Path, driver: str) -> subprocess.Popen[bytes]:
    # The bridge and iptables would change the machine's own network; containers here run with `--network none`.
    arguments = ["--iptables=false", "--ip6tables=false", "--bridge=none", f"--storage-driver={driver}"]
    arguments += ["--host", f"unix://{folder}/docker.sock", "--data-root", str(folder / driver)]
    arguments += ["--exec-root", str(folder / "exec"), "--pidfile", str(folder / "pid")]
    # A test run that is killed outright must not leave an engine behind.
    command = ["setpriv", "--pdeathsig", "TERM", "dockerd", *arguments]
    with (folder / "log").open("wb") as log:
        return subprocess.Popen(command, stdout=log, stderr=log)


def _wait_until_it_answers(process: subprocess.Popen[bytes], folder: Path) -> bool:
    engine, give_up = Engine(folder), time.monotonic() + START_SECONDS
    while process.poll() is None and time.monotonic() < give_up:
        if engine.docker("version", check=False).returncode == 0:
            return True
        time.sleep(0.1)
    return False


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(timeout=20)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _unmount_below(folder: Path) -> None:
    mounts = [line.split()[1] for line in Path("/proc/self/mounts").read_text().splitlines()]
    for mount in sorted((m for m in mounts if m.startswith(f"{folder}/")), reverse=True):
        subprocess.run(["umount", "--lazy", mount], check=False)
