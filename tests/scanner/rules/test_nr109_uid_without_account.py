from __future__ import annotations

import pytest

from scanner.domain.facts import ReadState
from scanner.rules.nr109_uid_without_account import RULE
from tests.support.answers import answer, evidence, fix
from tests.support.facts import facts


@pytest.mark.parametrize("user", ["9999", "+9999", "9999:9999", "9999:nosuch", "2147483647"])
@pytest.mark.parametrize("passwd", [None, "", "app:x:1001:1001::/:\n"])
def test_a_number_nobody_has(user: str, passwd: str | None) -> None:
    assert answer(RULE, facts(user, passwd)) == "violated"


@pytest.mark.parametrize("user", ["app", "1001", "1001:5", "01001"])
def test_ok(user: str) -> None:
    assert answer(RULE, facts(user)) == "ok"


@pytest.mark.parametrize(("user", "passwd"), [("", None), ("0", None), ("0:0", None), ("root", "root:x:0:0:::\n")])
def test_not_applicable_to_root(user: str, passwd: str | None) -> None:
    assert answer(RULE, facts(user, passwd)) == "not_applicable"


@pytest.mark.parametrize("user", ["nosuch", "-1"])
def test_unknown_where_nothing_starts(user: str) -> None:
    assert answer(RULE, facts(user)) == "unknown"


@pytest.mark.parametrize("state", [ReadState.LINK_LOOP, ReadState.TOO_LARGE])
def test_unknown_where_the_file_cannot_be_read(state: ReadState) -> None:
    assert answer(RULE, facts("9999", "", passwd_state=state)) == "unknown"


def test_evidence_says_what_became_of_the_file() -> None:
    found = evidence(RULE, facts("9999", None))
    assert (found["path"], found["state"]) == ("/etc/passwd", "missing")


def test_says_where_home_is() -> None:
    assert "HOME is `/` on Docker" in str(RULE.check(facts("9999"), None).reason)
    assert "says where HOME is: `/data`" in str(RULE.check(facts("9999", env=["HOME=/data"]), None).reason)


@pytest.mark.parametrize(
    ("user", "env", "lines"),
    [
        ("9999", (), ["useradd --uid 9999 --gid 9999", "ENV HOME=/tmp", "USER 9999:9999"]),
        ("9999:50", ("HOME=/data",), ["useradd --uid 9999 --gid 50", "USER 9999:50"]),
    ],
)
def test_the_fix_makes_the_account(user: str, env: tuple[str, ...], lines: list[str]) -> None:
    advice = fix(RULE, facts(user, env=env))
    assert all(line in advice for line in lines)
    assert ("ENV HOME" in advice) is not bool(env)


def test_where_nothing_can_run_the_account_is_copied() -> None:
    image = facts("9999", None, history=["COPY /server /server"])
    assert "from a build stage" in fix(RULE, image)
    assert "RUN" not in fix(RULE, image)
