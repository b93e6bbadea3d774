"""The 115 rows, under every runtime."""

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
    "C-G": "no groups found",
    "C-V": "invalid USER value {spec}",
    "C-NX": "openat etc/passwd: no such file or directory",
    "C-NX-G": "openat etc/group: no such file or directory",
    "C-RU": 'invalid USER value "{spec}": uid out of range',
    "C-RG": 'invalid USER value "{spec}": gid out of range',
    "C-L": "bufio.Scanner: token too long",
    "P-G": "unable to get gid {rest} from group file: no matching entries in group file",
    "B-U": 'determining run uid: user: unknown user error looking up user "{user}"',
    "B-G": 'determining run gid: group: unknown group error looking up group "{rest}"',
}

COLUMNS = {
    Runtime.DOCKER: "docker",
    Runtime.DOCKER_LEGACY: "library_0_4_0",
    Runtime.CONTAINERD: "containerd",
    Runtime.KUBERNETES: "kubernetes",
    Runtime.CRIO: "crio",
    Runtime.PODMAN: "podman",
    Runtime.BUILDAH: "buildah",
    Runtime.BUILDKIT: "buildkit",
}
WITHOUT_GROUPS = (Runtime.CONTAINERD, Runtime.BUILDAH)


def answer(runtime: Runtime, row: Row) -> Identity | StartError:
    passwd, group = FILES[row.files]
    return resolve(runtime, row.user, AccountBytes(passwd, group)).answer


def shown(found: Identity | StartError, *, groups: bool = True) -> str:
    if isinstance(found, StartError):
        return found.message
    told = f" {{{','.join(map(str, found.groups))}}}" if found.groups and groups else ""
    return f"{found.uid}:{found.gid}{told}"


def expected(row: Row, cell: str) -> str:
    user, _, rest = row.user.partition(":")
    quoted = user.replace("\n", "\\n")  # what Go's %q makes of the one row that has a newline
    words = ERRORS.get(cell, "")
    where = quoted if '"' in words else user
    return words.format(user=where, spec=row.user, rest=rest, group=rest.partition(":")[0]) if words else cell


def cell_of(runtime: Runtime, row: Row) -> str:
    cell = str(getattr(row, COLUMNS[runtime]))
    if runtime is Runtime.DOCKER_LEGACY:
        return RUNC_1_1.get(row.number, cell)
    if runtime in (Runtime.CONTAINERD, Runtime.KUBERNETES):
        # containerd passes the scanner's error on as it is, and opens the file it needs first.
        return {"E-L": "C-L", "C-NX": "C-NX-G" if row.user == "1000:app" else "C-NX"}.get(cell, cell)
    return cell


def test_all_rows_are_here() -> None:
    assert [row.number for row in ROWS] == list(range(1, 116))
    assert {row.files for row in ROWS} == set(FILES)
    assert set(COLUMNS) == set(Runtime)


@pytest.mark.parametrize("runtime", Runtime)
@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"row{row.number}")
def test_row(row: Row, runtime: Runtime) -> None:
    wanted = expected(row, cell_of(runtime, row))
    if (runtime, row.number) == (Runtime.DOCKER_LEGACY, 113):
        wanted = "1000:1000 {10}"  # runc 1.1 hands over a set, and the primary gid is not counted beside itself
    assert shown(answer(runtime, row), groups=runtime not in WITHOUT_GROUPS) == wanted


# The groups the two columns leave out: (row, containerd, Buildah).
GROUPS = [
    (1, (10,), (10,)),
    (8, (10, 998), (10, 998)),
    (12, (10, 998), ()),
    (20, (10,), ()),
    (23, (10, 998), ()),
    (33, (), ()),
    (68, (), ()),
    (84, (10,), None),  # the uid is 0 in the end, so it is root whose groups containerd takes
    (96, (10,), (10,)),
    (100, (10,), ()),
    (112, (), (10, 998)),
    (113, (10, 10, 1000), (10, 10, 1000)),
]


@pytest.mark.parametrize(("number", "containerd", "buildah"), GROUPS)
def test_groups(number: int, containerd: tuple[int, ...], buildah: tuple[int, ...] | None) -> None:
    direct, run = (answer(runtime, ROWS[number - 1]) for runtime in WITHOUT_GROUPS)
    assert isinstance(direct, Identity)
    assert direct.groups == containerd
    assert (run.groups if isinstance(run, Identity) else None) == buildah
