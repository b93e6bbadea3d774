"""How Postgres, which refuses to run as root, is run when we are root, without opening anybody's folders.

1. A user namespace in which root is called nobody: no copy, no chown, no new account.
2. Where that is forbidden (most containers): programs and data under /var/tmp, owned by nobody, run as nobody.
"""

import hashlib
import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from compliance.localstack.binaries import PostgresPrograms

NOBODY = 65534
NAMESPACE = ("unshare", "--user", f"--map-user={NOBODY}", f"--map-group={NOBODY}")
ELSEWHERE = Path("/var/tmp")  # noqa: S108  # survives a restart, and nobody can reach it; the folder's name is ours


@dataclass(frozen=True)
class Footing:
    """Where Postgres lives and as whom it runs."""

    programs: Path
    data: Path
    prefix: tuple[str, ...] = ()
    account: int | None = None


def find_footing(postgres: PostgresPrograms, data: Path) -> Footing:
    """Return a way to run Postgres on this data folder as somebody who is not root."""
    if os.geteuid() != 0:
        return Footing(postgres.bin, data)
    elsewhere = _folder_elsewhere(data)
    # Data once written as nobody stay so, even if namespaces work again today.
    if not (elsewhere / "data" / "PG_VERSION").exists() and namespaces_work():
        return Footing(postgres.bin, data, prefix=NAMESPACE)
    return _dropped(postgres, elsewhere)


def namespaces_work() -> bool:
    """Try the very command that would be used; kernels, containers and old versions of `unshare` forbid it."""
    if not shutil.which("unshare"):
        return False
    return subprocess.run([*NAMESPACE, "true"], capture_output=True, timeout=30, check=False).returncode == 0


def forget_elsewhere(data: Path) -> None:
    """Remove what `find_footing` put outside of the stack's own folder."""
    shutil.rmtree(_folder_elsewhere(data), ignore_errors=True)


def _folder_elsewhere(data: Path) -> Path:
    return ELSEWHERE / f"plimsoll-{hashlib.sha256(str(data.resolve()).encode()).hexdigest()[:16]}"


def _dropped(postgres: PostgresPrograms, folder: Path) -> Footing:
    folder.mkdir(mode=0o711, exist_ok=True)
    if folder.is_symlink() or folder.stat().st_uid != 0:
        raise PermissionError(f"{folder} is somebody else's: remove it.")
    data = folder / "data"
    data.mkdir(mode=0o700, exist_ok=True)
    os.chown(data, NOBODY, NOBODY)
    programs = _copy_wheel(postgres, folder) if postgres.wheel_folders else postgres.bin
    return Footing(programs, data, account=NOBODY)


def _copy_wheel(postgres: PostgresPrograms, folder: Path) -> Path:
    package = postgres.wheel_folders[0]
    copy = folder / f"programs-{postgres.major}"
    if not copy.exists():
        unfinished = folder / "programs.unfinished"
        shutil.rmtree(unfinished, ignore_errors=True)
        for source in postgres.wheel_folders:
            shutil.copytree(source, unfinished / source.name, symlinks=True)
        # A wheel installed under a strict umask is readable by its owner only.
        for path in (unfinished, *unfinished.rglob("*")):
            os.chown(path, NOBODY, NOBODY, follow_symlinks=False)
        unfinished.rename(copy)
    return copy / package.name / postgres.bin.relative_to(package)
