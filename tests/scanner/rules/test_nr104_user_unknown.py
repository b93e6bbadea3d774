from __future__ import annotations

import pytest

from scanner.domain.facts import ReadState
from scanner.rules.nr104_user_unknown import RULE
from tests.support.answers import answer, evidence, fix
from tests.support.facts import ROOT_LINE, facts


@pytest.mark.parametrize(
    "user",
    [
        "nosuch",
        "nosuch:0",
        "app:nosuch",
        ":nosuch",
        " app",
        "app ",
        "1000 ",
        "0x3e8",
        "1e3",
        "1_000",
        "APP",
        "１０００",
        "app\n",
    ],
)
def test_violated(user: str) -> None:
    assert answer(RULE, facts(user)) == "violated"


@pytest.mark.parametrize(
    ("user", "passwd"), [("root", None), ("app", None), ("app", ""), ("root", "\ufeff" + ROOT_LINE)]
)
def test_violated_without_the_line(user: str, passwd: str | None) -> None:
    assert answer(RULE, facts(user, passwd)) == "violated"


@pytest.mark.parametrize("user", ["", "app", "1001", "9999", "app:app", "9999:9999", ":1000", "app:777:x"])
def test_ok(user: str) -> None:
    assert answer(RULE, facts(user)) == "ok"


@pytest.mark.parametrize("user", ["-1", "2147483648", "99999999999999999999", "1000:-1"])
def test_not_applicable_to_numbers_out_of_range(user: str) -> None:
    assert answer(RULE, facts(user)) == "not_applicable"


@pytest.mark.parametrize("state", [ReadState.LINK_LOOP, ReadState.TOO_LARGE])
@pytest.mark.parametrize("user", ["app", "1001", "app:app"])
def test_unknown_where_accounts_cannot_be_read(user: str, state: ReadState) -> None:
    assert answer(RULE, facts(user, "", passwd_state=state)) == "unknown"
    assert answer(RULE, facts(user, group="", group_state=state)) == "unknown"


def test_unknown_where_a_line_is_too_long() -> None:
    assert answer(RULE, facts("app", ROOT_LINE + "x" * 70_000 + "\napp:x:1:1::/:\n")) == "unknown"
    assert answer(RULE, facts("app", group="x" * (2**20 + 1) + "\n")) == "unknown"


def test_not_regular_is_missing() -> None:
    assert answer(RULE, facts("app", "", passwd_state=ReadState.NOT_REGULAR)) == "violated"


def test_evidence_has_the_runtimes_words() -> None:
    found = evidence(RULE, facts("nosuch"))
    assert found["message"] == "unable to find user nosuch: no matching entries in passwd file"
    assert found["path"] == "/etc/passwd"
    assert evidence(RULE, facts("app:nosuch"))["path"] == "/etc/group"


def test_fix_for_a_group_keeps_the_user() -> None:
    assert "USER 1001:1001" in fix(RULE, facts("app:nosuch"))


@pytest.mark.parametrize("user", ["1001", "01001:app"])
def test_unknown_where_only_docker_overlooks_what_stands_in_place_of_the_file(user: str) -> None:
    # Docker takes a folder for a missing file; containerd ends with a read error.
    assert answer(RULE, facts(user, "", passwd_state=ReadState.NOT_REGULAR)) == "unknown"
