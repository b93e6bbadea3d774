from __future__ import annotations

import pytest

from scanner.domain.facts import ReadState
from scanner.rules.nr101_root_by_default import RULE
from tests.support.answers import answer, evidence, fix
from tests.support.facts import APP, facts


@pytest.mark.parametrize("user", ["", ":", ":1000", ":app", ":nosuch", ":99999999999999999999"])
def test_violated(user: str) -> None:
    assert answer(RULE, facts(user)) == "violated"


@pytest.mark.parametrize("user", ["app", "1001", "0", "root", "9999", "app:"])
def test_ok(user: str) -> None:
    assert answer(RULE, facts(user)) == "ok"


@pytest.mark.parametrize("user", ["nosuch", "-1", "99999999999999999999", " "])
def test_not_applicable_where_nothing_starts(user: str) -> None:
    assert answer(RULE, facts(user)) == "not_applicable"


@pytest.mark.parametrize("state", [ReadState.MISSING, ReadState.LINK_LOOP, ReadState.TOO_LARGE])
def test_account_files_play_no_part(state: ReadState) -> None:
    assert answer(RULE, facts("", None, None, passwd_state=state)) == "violated"


def test_evidence_points_at_the_config() -> None:
    found = evidence(RULE, facts(":1000", history=["ADD file:1 in /", "USER :1000"]))
    assert (found["pointer"], found["declared"], found["instruction"]) == ("/config/User", ":1000", "USER :1000")


def test_fix_takes_the_account_the_image_has() -> None:
    assert "USER 1001:1001" in fix(RULE, facts("", APP))


def test_fix_without_a_shell_is_a_number_alone() -> None:
    advice = fix(RULE, facts("", None, None))
    assert "USER 10001:10001" in advice
    assert "RUN" not in advice
