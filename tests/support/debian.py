"""A minimal Debian as a tar archive, made from the package archive this machine already uses, once per machine."""

import contextlib
import fcntl
import hashlib
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

CACHE = Path(__file__).parents[2] / ".local" / "cache"
MINUTES = 10
# Lists and archives of packages are no part of a finished image, and would make every layer different.
LEFTOVERS = (
    "var/cache/apt/archives",
    "var/lib/apt/lists",
    "var/cache/apt/pkgcache.bin",
    "var/cache/apt/srcpkgcache.bin",
)


class DebianUnavailable(Exception):
    """No Debian can be made here; the message says why."""


def base_archive(packages: Sequence[str] = ()) -> Path:
    """Return the tar of `debootstrap --variant=minbase` with these packages besides; kept under `.local/cache`.

    :raises DebianUnavailable: when debootstrap is missing or fails.
    """
    suite = codename()
    wanted = hashlib.sha256(" ".join(sorted(packages)).encode()).hexdigest()[:12]
    archive = CACHE / f"debian-{suite}-{wanted}.tar"
    with _only_one(CACHE / f"debian-{suite}-{wanted}.lock"):
        if not archive.exists():
            _make(archive, suite, packages)
    return archive


def codename(os_release: Path = Path("/etc/os-release")) -> str:
    """Return the name of this machine's own release, which its own archive surely has."""
    found = re.search(r"^VERSION_CODENAME=\"?([a-z]+)", os_release.read_text(), re.MULTILINE)
    if not found:
        raise DebianUnavailable("This machine's /etc/os-release names no VERSION_CODENAME: debootstrap needs a Debian.")
    return found[1]


def archive_address(suite: str, apt: Path = Path("/etc/apt")) -> str:
    """Return the address apt itself fetches this release from.

    :raises DebianUnavailable: when apt knows none.
    """
    for source in [apt / "sources.list", *sorted((apt / "sources.list.d").glob("*"))]:
        text = source.read_text() if source.is_file() else ""
        one_line = re.search(rf"^deb\s+(?:\[[^\]]*\]\s+)?(\S+)\s+{suite}\s", text, re.MULTILINE)
        if one_line:
            return one_line[1]
        for paragraph in text.split("\n\n"):
            address = re.search(r"^URIs:\s*(\S+)", paragraph, re.MULTILINE)
            if address and re.search(rf"^Suites:.*\b{suite}\b(?!-)", paragraph, re.MULTILINE):
                return address[1]
    raise DebianUnavailable(f"apt on this machine names no archive for {suite}.")


def _make(archive: Path, suite: str, packages: Sequence[str]) -> None:
    if not shutil.which("debootstrap"):
        raise DebianUnavailable("Missing debootstrap. Install it: apt-get install debootstrap")
    with tempfile.TemporaryDirectory(prefix="plimsoll-debian-") as folder:
        root = Path(folder) / "root"
        command = ["debootstrap", "--variant=minbase", *([f"--include={','.join(packages)}"] if packages else [])]
        _run([*command, suite, str(root), archive_address(suite)])
        _forget_leftovers(root)
        unfinished = archive.with_suffix(".unfinished")
        _run(["tar", "--directory", str(root), "--sort=name", "--create", "--file", str(unfinished), "."])
        unfinished.replace(archive)


def _forget_leftovers(root: Path) -> None:
    for name in LEFTOVERS:
        path = root / name
        if path.is_dir():
            shutil.rmtree(path)
            path.mkdir()
        else:
            path.unlink(missing_ok=True)


def _run(command: list[str]) -> None:
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive", "LC_ALL": "C.UTF-8"}
    done = subprocess.run(command, capture_output=True, text=True, timeout=MINUTES * 60, env=environment, check=False)
    if done.returncode != 0:
        raise DebianUnavailable(
            f"{' '.join(command)}: exit {done.returncode}\n{done.stdout[-1500:]}\n{done.stderr[-1500:]}"
        )


@contextlib.contextmanager
def _only_one(lock: Path) -> Iterator[None]:
    lock.parent.mkdir(parents=True, exist_ok=True)
    with lock.open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
