from __future__ import annotations

import pytest

from scanner.domain.facts import ReadState
from scanner.rules.nr105_user_not_numeric import RULE
from tests.support.answers import answer, fix
from tests.support.facts import facts, remapped


@pytest.mark.parametrize("user", ["app", "app:app", "app:1000", "app:", "app:nosuch"])
def test_violated(user: str) -> None:
    assert answer(RULE, facts(user)) == "violated"


@pytest.mark.parametrize("user", ["", "0", "1001", "+1001", "01001", "9999:app", "-1", "99999999999999999999"])
def test_ok(user: str) -> None:
    assert answer(RULE, facts(user)) == "ok"


@pytest.mark.parametrize("user", ["root", "nosuch", " app"])
def test_not_applicable(user: str) -> None:
    assert answer(RULE, facts(user)) == "not_applicable"


def test_not_applicable_to_root_in_disguise() -> None:
    assert answer(RULE, remapped()) == "not_applicable"


@pytest.mark.parametrize("state", [ReadState.LINK_LOOP, ReadState.TOO_LARGE])
def test_a_name_nobody_can_look_up_is_still_a_name(state: ReadState) -> None:
    assert answer(RULE, facts("app", "", passwd_state=state)) == "violated"


@pytest.mark.parametrize(
    ("user", "line"),
    [("app", "USER 1001"), ("app:0", "USER 1001:0"), ("app:app", "USER 1001:1001"), ("app:", "USER 1001")],
)
def test_fix_keeps_the_identity(user: str, line: str) -> None:
    assert line in fix(RULE, facts(user)).splitlines()
