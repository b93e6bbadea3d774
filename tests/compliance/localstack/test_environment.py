"""The environment, completed where nobody set it, and only there."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from cryptography.fernet import Fernet

from compliance.localstack.environment import LocalEnvironment
from compliance.localstack.stack import ROOT

SERVERS = {"DATABASE_URL": "postgres://db.test/x", "REDIS_URL": "redis://cache.test"}


def variables(file: Path) -> set[str]:
    return {line.partition("=")[0] for line in file.read_text().splitlines()}


def test_named_servers_win_and_nothing_is_started(tmp_path: Path) -> None:
    found = LocalEnvironment(tmp_path, given=SERVERS).complete()
    assert set(found) == {"SECRET_KEY", "PLIMSOLL_CREDENTIAL_KEYS"}
    assert not (tmp_path / "stack").exists()


@pytest.mark.parametrize(("named", "other"), [("DATABASE_URL", "valkey"), ("REDIS_URL", "postgres")])
def test_where_one_server_is_named_only_the_other_is_started(tmp_path: Path, named: str, other: str) -> None:
    environment = LocalEnvironment(tmp_path, given={named: SERVERS[named]})
    found = environment.complete()
    assert SERVERS.keys() - found.keys() == {named}
    assert {path.stem for path in (tmp_path / "stack").glob("*.log")} == {"keeper", other}
    environment.leave()


def test_a_file_that_holds_the_address_counts_as_named(tmp_path: Path) -> None:
    given = {f"{name}_FILE": f"/run/secrets/{name}" for name in SERVERS}
    assert not SERVERS.keys() & LocalEnvironment(tmp_path, given=given).complete().keys()


def test_keys_are_made_once(tmp_path: Path) -> None:
    first = LocalEnvironment(tmp_path, given=SERVERS).complete()
    assert LocalEnvironment(tmp_path, given=SERVERS).complete() == first
    Fernet(first["PLIMSOLL_CREDENTIAL_KEYS"])
    assert len(first["SECRET_KEY"]) >= 50
    assert (tmp_path / "env").stat().st_mode & 0o777 == 0o600


def test_two_machines_have_different_keys(tmp_path: Path) -> None:
    one, other = (LocalEnvironment(tmp_path / name, given=SERVERS).complete() for name in "ab")
    assert not set(one.values()) & set(other.values())


def test_addresses_are_known_to_a_second_terminal_while_the_servers_run(tmp_path: Path) -> None:
    environment = LocalEnvironment(tmp_path, given={})
    found = environment.complete()
    assert set(found) == variables(tmp_path / "env")
    assert SERVERS.keys() <= found.keys()
    environment.leave()
    assert variables(tmp_path / "env") == {"SECRET_KEY", "PLIMSOLL_CREDENTIAL_KEYS"}


def localstack(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "compliance.localstack", "--folder", str(folder), *arguments]
    without = {key: value for key, value in os.environ.items() if key not in SERVERS}
    return subprocess.run(command, cwd=ROOT, env=without, capture_output=True, text=True, timeout=120)


def test_the_command_line_starts_tells_and_stops(tmp_path: Path) -> None:
    assert localstack(tmp_path, "status").stdout == "not running\n"
    assert localstack(tmp_path, "start").stdout.startswith("running: Postgres at 127.0.0.1:")
    shown = localstack(tmp_path, "env").stdout
    assert "export DATABASE_URL=postgres://" in shown
    assert localstack(tmp_path, "status").returncode == 0
    assert localstack(tmp_path, "stop").stdout == "stopped\n"
    assert localstack(tmp_path, "env").returncode == 1


@pytest.mark.parametrize(
    ("program", "status"), [("raise SystemExit(3)", 3), ("import os; os.kill(os.getpid(), 9)", 137)]
)
def test_run_ends_as_its_command_ends_and_leaves_nothing(tmp_path: Path, program: str, status: int) -> None:
    done = localstack(tmp_path, "run", "--temporary", "--", sys.executable, "-c", program)
    assert done.returncode == status
    assert list(tmp_path.iterdir()) == []


def test_nothing_here_imports_django() -> None:
    program = (
        "import sys, compliance.localstack.__main__, compliance.localstack.supervisor; print('django' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"
