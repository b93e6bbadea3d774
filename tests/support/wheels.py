"""The pinned requirements as wheels for Debian's own Python, fetched by pip and kept under `.local/cache`."""

import fcntl
import hashlib
import platform
import re
import shutil
import subprocess
import sys
from pathlib import Path

from tests.support.debian import CACHE

ROOT = Path(__file__).parents[2]
OLDEST_GLIBC, NEWEST_GLIBC = 5, 36  # bookworm has 2.36


def wheelhouse(python: str = "3.11") -> Path:
    """Return a folder that holds a wheel of every requirement, made once per lock."""
    lock = (ROOT / "requirements.txt").read_text()
    folder = CACHE / f"wheels-{python}-{hashlib.sha256(lock.encode()).hexdigest()[:12]}"
    folder.parent.mkdir(parents=True, exist_ok=True)
    with folder.with_suffix(".lock").open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        if not folder.exists():
            unfinished = folder.with_suffix(".unfinished")
            shutil.rmtree(unfinished, ignore_errors=True)
            unfinished.mkdir()
            _download(without_markers(lock), unfinished, python)
            unfinished.rename(folder)
    return folder


def without_markers(lock: str) -> str:
    """Return the lock as a Linux of any Python sees it: pip would judge the markers by the Python it runs on."""
    entries = re.split(r"\n(?=\S)", lock)
    elsewhere = re.compile(r"^[^\n]*sys_platform == '(win32|emscripten)'")
    return "\n".join(re.sub(r"^(\S+) ;[^\n]*(\\\n)", r"\1 \2", one) for one in entries if not elsewhere.match(one))


def _download(requirements: str, folder: Path, python: str) -> None:
    names = folder / "requirements.in"
    names.write_text(requirements)
    machine = platform.machine()
    platforms = [f"manylinux_2_{minor}_{machine}" for minor in range(NEWEST_GLIBC, OLDEST_GLIBC - 1, -1)]
    platforms += [f"manylinux2014_{machine}", f"manylinux2010_{machine}", f"manylinux1_{machine}"]
    command = [
        sys.executable,
        "-m",
        "pip",
        "download",
        "--quiet",
        "--require-hashes",
        "--no-deps",
        "--dest",
        str(folder),
    ]
    command += ["--only-binary=:all:", "--python-version", python, *(f"--platform={name}" for name in platforms)]
    command += ["--dest", str(folder), "--requirement", str(names)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=600)
    if done.returncode != 0:
        raise RuntimeError(f"pip could not fetch the wheels: {done.stderr[-2000:]}")
    names.unlink()
