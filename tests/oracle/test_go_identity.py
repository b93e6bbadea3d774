"""A second reading of the identity rules, in Go with Go's own ``strconv``, ``strings`` and ``bufio``, agrees with ours.

``PLIMSOLL_ORACLE_TIMES`` makes the run longer: 10 asks ten times as many.
"""

from __future__ import annotations

import os
import struct

import pytest

from scanner.domain.identity import AccountBytes, Identity, Runtime, resolve
from tests.oracle.cases import Case, crafted_cases, random_cases
from tests.oracle.go_program import ask_go

FIXTURES = 400 * int(os.environ.get("PLIMSOLL_ORACLE_TIMES", "1"))
USERS = 8

Asked = list[tuple[Case, str, str]]

# Building Go's standard library the first time belongs to whichever test comes first.
pytestmark = pytest.mark.timeout(400)


@pytest.fixture(scope="module")
def asked(tmp_path_factory: pytest.TempPathFactory) -> Asked:
    """Case, what Go says, what we say."""
    short = [case for case in crafted_cases() if "x" * 60_000 not in f"{case.fixture.passwd}{case.fixture.group}"]
    cases = [*short, *random_cases(FIXTURES, USERS)]
    said = ask_go("go_identity", [_question(case) for case in cases], tmp_path_factory.mktemp("go"))
    return list(zip(cases, said, map(_ours, cases), strict=True))


def _question(case: Case) -> bytes:
    parts = (_raw(case.user), _raw(case.fixture.passwd), _raw(case.fixture.group))
    return b"".join(struct.pack("<I", len(part)) + part for part in parts)


def _raw(text: str | None) -> bytes:
    return (text or "").encode("utf-8", "surrogateescape")


def _ours(case: Case) -> str:
    accounts = AccountBytes(_raw(case.fixture.passwd), _raw(case.fixture.group))
    answer = resolve(Runtime.DOCKER, case.user, accounts).answer
    if not isinstance(answer, Identity):
        return "error"
    return ",".join((f"{answer.uid}:{answer.gid}", *map(str, answer.groups)))


def test_the_cases_reach_root_others_and_refusals(asked: Asked) -> None:
    said = [go for _, go, _ in asked]
    assert len(said) > 3_000
    assert min(said.count("error"), sum(go.startswith("0:") for go in said)) > 300


def test_no_case_on_which_go_and_we_differ(asked: Asked) -> None:
    differ = [case for case in asked if case[1] != case[2] and not _is_surrogate(case[0])]
    assert differ == []


def _is_surrogate(case: Case) -> bool:
    """A USER that is not UTF-8 cannot be in a config; Docker's engine gets it from the command line only."""
    return any("\ud800" <= char <= "\udfff" for char in case.user)
