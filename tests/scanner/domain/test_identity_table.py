"""The 115 rows, under the three runtimes."""

from __future__ import annotations

import pytest

from scanner.domain.identity import AccountBytes, Identity, Runtime, StartError, resolve
from tests.scanner.domain.identity_rows import FILES, ROWS, Row

# What runc 1.1 adds to the library's answer: it looks gids up by name too, and refuses ids above 2147483647.
RUNC_1_1 = {42: "1000:777 {7}", 85: "R-R", 86: "R-R", 87: "R-I"}

ERRORS = {
    "E-U": "unable to find user {user}: no matching entries in passwd file",
    "E-G": "unable to find group {group}: no matching entries in group file",
    "E-R": "uids and gids must be in range 0-2147483647",
    "E-L": "unable to find user {user}: bufio.Scanner: token too long",
    "R-R": "unable to setup user: uids and gids must be in range 0-2147483647",
    "R-I": "unable to setup user: invalid argument",
    "C-U": "no users found",
    "C-NX": "openat etc/passwd: no such file or directory",
    "C-RU": 'invalid USER value "{user}": uid out of range',
}


def answer(runtime: Runtime, row: Row) -> Identity | StartError:
    passwd, group = FILES[row.files]
    return resolve(runtime, row.user, AccountBytes(passwd, group)).answer


def shown(found: Identity | StartError) -> str:
    if isinstance(found, StartError):
        return found.message
    groups = f" {{{','.join(map(str, found.groups))}}}" if found.groups else ""
    return f"{found.uid}:{found.gid}{groups}"


def expected(row: Row, cell: str) -> str:
    user, _, rest = row.user.partition(":")
    return ERRORS[cell].format(user=user, group=rest.partition(":")[0]) if cell in ERRORS else cell


def name(row: Row) -> str:
    return f"row{row.number}"


def test_all_rows_are_here() -> None:
    assert [row.number for row in ROWS] == list(range(1, 116))
    assert {row.files for row in ROWS} == set(FILES)


@pytest.mark.parametrize("row", ROWS, ids=name)
def test_docker(row: Row) -> None:
    assert shown(answer(Runtime.DOCKER, row)) == expected(row, row.docker)


@pytest.mark.parametrize("row", ROWS, ids=name)
def test_docker_legacy(row: Row) -> None:
    found = answer(Runtime.DOCKER_LEGACY, row)
    wanted = expected(row, RUNC_1_1.get(row.number, row.library_0_4_0))
    if row.number == 113:
        wanted = "1000:1000 {10}"  # runc 1.1 hands over a set, and the primary gid is not counted beside itself
    assert shown(found) == wanted


@pytest.mark.parametrize("row", ROWS, ids=name)
def test_kubernetes(row: Row) -> None:
    wanted = expected(row, row.kubernetes)
    if row.kubernetes == "E-L":
        wanted = "bufio.Scanner: token too long"  # containerd passes the scanner's error on as it is
    assert shown(answer(Runtime.KUBERNETES, row)) == wanted
