from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scanner.domain.files import PrivilegedFile
from scanner.platforms.kubernetes import (
    pod_security_restricted,
    run_as_non_root,
    run_as_non_root_before_1_34,
)
from tests.scanner.domain.identity_rows import ROWS, Row
from tests.support.facts import facts as an_image
from tests.support.files import entry_point, file_facts, node, program

MESSAGES = {
    "K-0": "container has runAsNonRoot and image will run as root",
    "K-N": "container has runAsNonRoot and image has non-numeric user ({name}), cannot verify user is non-root",
    "K-R": "container has runAsNonRoot and image has an invalid user id ({name}). (Must be 1-(2147483647)): "
    "must be between 0 and 2147483647, inclusive",
}


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"row{row.number}")
def test_kubelet_1_34(row: Row) -> None:
    answer = run_as_non_root(row.user)
    if row.kubelet == "pass":
        assert answer.answer == "admit"
    else:
        assert answer.answer == "refuse"
        assert answer.message == MESSAGES[row.kubelet].format(name=row.user.partition(":")[0])


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"row{row.number}")
def test_kubelet_before(row: Row) -> None:
    admitted = row.kubelet_before == "pass"
    assert run_as_non_root_before_1_34(row.user).answer == ("admit" if admitted else "refuse")


@given(st.text(max_size=20))
def test_only_a_number_above_0_is_admitted(user: str) -> None:
    half = user.partition(":")[0]
    digits = half.lstrip("+").lstrip("0")
    if run_as_non_root(user).answer == "admit":
        assert digits.isascii()
        assert digits.isdigit()


@pytest.mark.parametrize(
    ("user", "answer"), [("ContainerAdministrator", "refuse"), ("containeradministrator", "refuse"), ("", "admit")]
)
def test_windows_knows_one_root(user: str, answer: str) -> None:
    assert run_as_non_root(user, os="windows").answer == answer


@pytest.mark.parametrize(
    ("user", "passwd", "answer", "words"),
    [
        ("app", b"app:x:1000:1000:::\n", "refuse", "non-numeric user (app)"),
        ("1000", b"app:x:1000:1000:::\n", "admit", "uid 1000, gid 1000"),
        ("9999:9999", b"", "admit", "uid 9999, gid 0"),
        ("1000", b"x" * 70_000, "refuse", "token too long"),
        ("", None, "refuse", "will run as root"),
        ("1000", b"app:x:1000:-1:::\n", "refuse", "setgroups: invalid argument"),
    ],
)
def test_restricted(user: str, passwd: bytes | None, answer: str, words: str) -> None:
    found = pod_security_restricted(replace(an_image(user, passwd=passwd), files=STARTS))
    assert found.answer == answer
    assert words in found.message


FILES = {"/run": node("-rwxr-xr-x"), "/mine": node("-rwx------", 1000, 1000)}
RUN, MINE = program("/run", FILES), program("/mine", FILES)
STARTS = file_facts(FILES, entry=entry_point(RUN))


def test_restricted_executes_the_command_as_the_image_s_user() -> None:
    starts_for_its_owner = file_facts(FILES, entry=entry_point(MINE))
    assert pod_security_restricted(replace(an_image("1000"), files=starts_for_its_owner)).answer == "admit"
    found = pod_security_restricted(replace(an_image("1001"), files=starts_for_its_owner))
    assert (found.answer, found.message) == ("refuse", 'exec: "/mine": permission denied')


def test_restricted_drops_all_capabilities() -> None:
    assert RUN.walk.place is not None
    bind = PrivilegedFile(RUN.walk.place, bytes.fromhex("0100000200040000000000000000000000000000"))
    found = pod_security_restricted(replace(an_image("1000"), files=replace(STARTS, privileged=(bind,))))
    assert (found.answer, found.message) == ("refuse", "exec /run: operation not permitted")


def test_restricted_is_unknown_before_files_were_read() -> None:
    assert pod_security_restricted(an_image("1000")).answer == "unknown"
