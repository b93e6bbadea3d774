"""Real servers: started, joined, left, killed, brought back."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import psycopg
import pytest
import redis

from compliance.localstack import Addresses, LocalStack
from compliance.localstack.processes import ProcessName
from compliance.localstack.stack import ROOT

USER = """
from pathlib import Path
from compliance.localstack import LocalStack
print(LocalStack(Path({folder!r}), fast=True, temporary={temporary}).start(), flush=True)
input()
"""


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path / "a folder with blanks" / "stack"
    LocalStack(tmp_path / "a folder with blanks" / "stack").stop()


def state(folder: Path) -> dict[str, Any]:
    read: dict[str, Any] = json.loads((folder / "state.json").read_text())
    return read


def answers(addresses: Addresses) -> bool:
    with psycopg.connect(addresses.database_url) as connection:
        one = connection.execute("select 1").fetchone()
    with redis.from_url(addresses.redis_url) as client:
        return one == (1,) and bool(client.ping())


def eventually(condition: Callable[[], bool], seconds: float = 60) -> bool:
    give_up = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > give_up:
            return False
        time.sleep(0.05)
    return True


def gone(name: dict[str, Any]) -> Callable[[], bool]:
    return lambda: not ProcessName(name["pid"], name["began"]).runs()


def test_both_servers_answer_and_are_gone_after_the_last_user(folder: Path) -> None:
    stack = LocalStack(folder, fast=True)
    with stack as addresses:
        assert answers(addresses)
        before = state(folder)
    assert stack.status() is None
    assert all(gone(before[name])() for name in ("keeper", "postgres", "valkey"))


def test_what_was_stored_is_there_the_next_time(folder: Path) -> None:
    with (
        LocalStack(folder) as addresses,
        psycopg.connect(addresses.database_url) as connection,
        redis.from_url(addresses.redis_url) as client,
    ):
        connection.execute("create table kept as select 7 as number")
        client.set("kept", "7")
    with (
        LocalStack(folder) as addresses,
        psycopg.connect(addresses.database_url) as connection,
        redis.from_url(addresses.redis_url) as client,
    ):
        assert connection.execute("select number from kept").fetchone() == (7,)
        assert client.get("kept") == b"7"


def test_a_second_user_joins_and_the_servers_stay_for_it(folder: Path) -> None:
    first, second = LocalStack(folder, fast=True), LocalStack(folder, fast=True)
    addresses = first.start()
    assert second.start() == addresses
    first.leave()
    assert answers(addresses)
    second.leave()
    assert second.status() is None


def test_a_second_user_gets_the_server_that_the_first_had_no_need_of(folder: Path) -> None:
    first, second = LocalStack(folder, fast=True), LocalStack(folder, fast=True)
    assert list(first.start(servers=["valkey"]).environment) == ["REDIS_URL"]
    addresses = second.start()
    assert answers(addresses)
    assert addresses.redis_url == json.loads((folder / "state.json").read_text())["redis_url"]
    first.leave()
    second.leave()
    assert second.status() is None


def test_two_processes_starting_at_once_share_one_stack(folder: Path) -> None:
    program = USER.format(folder=str(folder), temporary=False)
    children = [
        subprocess.Popen(
            [sys.executable, "-c", program], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        for _ in range(2)
    ]
    told = [child.stdout.readline() for child in children if child.stdout]
    for child in children:
        child.communicate("\n", timeout=60)
    assert told[0] == told[1] != ""


def test_two_stacks_run_side_by_side(folder: Path) -> None:
    with LocalStack(folder, fast=True) as one, LocalStack(folder.with_name("other"), fast=True) as other:
        assert one.database_url != other.database_url
        assert answers(one)
        assert answers(other)


def test_a_killed_user_leaves_nothing_running(folder: Path) -> None:
    program = USER.format(folder=str(folder), temporary=True)
    with subprocess.Popen(
        [sys.executable, "-c", program], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as child:
        assert child.stdout
        child.stdout.readline()
        before = state(folder)
        child.kill()
    assert eventually(gone(before["keeper"]))
    assert gone(before["postgres"])()
    assert not folder.exists()


@pytest.mark.parametrize("victim", ["postgres", "valkey"])
def test_a_server_that_dies_comes_back_at_its_address(folder: Path, victim: str) -> None:
    with LocalStack(folder, fast=True) as addresses:
        killed = state(folder)[victim]
        os.kill(killed["pid"], signal.SIGKILL)
        assert eventually(lambda: (folder / "state.json").exists() and state(folder)[victim]["pid"] != killed["pid"])
        assert answers(addresses)


def test_after_everything_was_killed_it_starts_again(folder: Path) -> None:
    stack = LocalStack(folder)
    stack.start()
    before = state(folder)
    for name in ("keeper", "postgres", "valkey"):
        with suppress(ProcessLookupError):  # it ends with its keeper, maybe sooner
            os.kill(before[name]["pid"], signal.SIGKILL)
    assert eventually(lambda: stack.status() is None)
    assert answers(stack.start())
    stack.leave()


def test_servers_end_with_a_killed_keeper(folder: Path) -> None:
    stack = LocalStack(folder, fast=True)
    stack.start()
    before = state(folder)
    os.kill(before["keeper"]["pid"], signal.SIGKILL)
    assert eventually(gone(before["postgres"]))
    assert eventually(gone(before["valkey"]))


def test_a_reused_pid_is_not_taken_for_ours(folder: Path) -> None:
    stack = LocalStack(folder, fast=True)
    stack.start()
    before = state(folder)
    stack.leave()
    own = {"pid": os.getpid(), "began": "1"}
    (folder / "state.json").write_text(json.dumps(before | {"keeper": own, "postgres": own, "valkey": own}))
    assert stack.status() is None
    assert answers(stack.start())
    stack.leave()


def test_a_stack_told_to_stay_outlives_its_users_until_stopped(folder: Path) -> None:
    stack = LocalStack(folder, fast=True)
    addresses = stack.start(stay=True)
    stack.leave()
    time.sleep(0.5)
    assert answers(addresses)
    assert stack.stop()
    assert stack.status() is None
    assert not stack.stop()


def test_secrets_are_for_the_owner_only_and_never_in_arguments(folder: Path) -> None:
    with LocalStack(folder, fast=True) as addresses:
        secrets = [url.partition("@")[0].rpartition(":")[2] for url in addresses.environment.values()]
        files = [path for path in folder.iterdir() if path.is_file()]
        holding = [path for path in files if any(secret in path.read_text(errors="replace") for secret in secrets)]
        modes = {path.stat().st_mode & 0o777 for path in holding}
        arguments = [Path(f"/proc/{state(folder)[name]['pid']}/cmdline").read_text() for name in ("postgres", "valkey")]
    assert modes == {0o600}
    assert len(holding) >= 4
    assert not any(secret in words for secret in secrets for words in arguments)


def test_nobody_gets_in_without_the_password(folder: Path) -> None:
    with LocalStack(folder, fast=True) as addresses:
        wrong = addresses.database_url.replace("plimsoll:", "plimsoll:x", 1)
        with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
            psycopg.connect(wrong)
        place = addresses.redis_url.rpartition("@")[2]
        with redis.from_url(f"redis://{place}") as client, pytest.raises(redis.AuthenticationError):
            client.ping()


def test_permissions_of_parent_folders_are_left_alone(folder: Path) -> None:
    folder.parent.mkdir(mode=0o700)
    parents = [folder.parent, *folder.parent.parents]
    before = [(path.stat().st_mode, path.stat().st_uid) for path in parents]
    with LocalStack(folder, fast=True):
        assert [(path.stat().st_mode, path.stat().st_uid) for path in parents] == before
