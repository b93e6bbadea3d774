from __future__ import annotations

import pytest

from scanner.domain.facts import ReadState
from scanner.domain.verdict import Severity
from scanner.rules.nr202_account_remapped import RULE
from tests.support.answers import answer, evidence, fix
from tests.support.facts import APP, ROOT_LINE, digest, facts, remapped


@pytest.mark.parametrize(
    "later",
    [
        APP.replace("1001:1001", "1002:1001"),
        APP.replace("1001:1001", "1001:0"),
        APP.replace("1001:1001", "0:1001"),
        APP.replace("1001:1001", " 1001:1001"),
        "app:x:5:5::/:\n" + APP,
    ],
)
def test_violated(later: str) -> None:
    assert answer(RULE, facts("1001", versions=[APP, later])) == "violated"


def test_a_change_that_was_taken_back_still_happened() -> None:
    versions = [APP, APP.replace("1001", "0"), APP]
    assert answer(RULE, facts("1001", versions=versions)) == "violated"


def test_removing_the_file_in_between_hides_nothing() -> None:
    assert answer(RULE, facts("1001", versions=[APP, None, APP.replace("1001", "0")])) == "violated"


@pytest.mark.parametrize(
    "versions",
    [
        [APP],
        [ROOT_LINE, APP],
        [APP, ROOT_LINE],
        [APP, APP.replace("/bin/sh", "/bin/bash")],
        [APP, APP + "app:x:0:0::/:\n"],  # the first line wins
        [APP, APP.replace("1001", "01001")],
        [APP, APP.replace("\n", "\r\n")],
        ["", APP],
    ],
)
def test_ok(versions: list[str]) -> None:
    assert answer(RULE, facts("1001", versions=versions)) == "ok"


def test_ok_without_a_file() -> None:
    assert answer(RULE, facts("1001", None)) == "ok"


@pytest.mark.parametrize("state", [ReadState.LINK_LOOP, ReadState.TOO_LARGE])
def test_unknown(state: ReadState) -> None:
    assert answer(RULE, facts("1001", "", passwd_state=state)) == "unknown"


def test_unknown_where_a_layer_has_a_line_too_long() -> None:
    assert answer(RULE, facts("1001", versions=["x" * 70_000, APP])) == "unknown"


def test_shows_both_lines_both_layers_and_both_instructions() -> None:
    found = evidence(RULE, remapped())
    assert (found["before_layer"], found["layer"]) == (digest(101), digest(102))
    assert (found["before_text"], found["text"]) == (
        "app:x:1001:1001::/home/app:/bin/sh",
        "app:x:0:0::/home/app:/bin/sh",
    )
    assert (found["before_line"], found["line"]) == (2, 2)
    assert found["before_created_by"] == "/bin/sh -c useradd --uid 1001 app"
    assert found["created_by"] == "/bin/sh -c sed -i -e 's/1001/0/g' /etc/passwd"


@pytest.mark.parametrize(
    ("later", "severity"),
    [("0:1001", Severity.CRITICAL), ("4294967296:1001", Severity.CRITICAL), ("1002:1001", None), ("1001:0", None)],
)
def test_critical_when_the_uid_became_0(later: str, severity: Severity | None) -> None:
    finding = RULE.check(facts("1001", versions=[APP, APP.replace("1001:1001", later)]), None)
    assert finding.severity is severity


def test_the_worst_change_comes_first() -> None:
    before = "a:x:5:5::/:\nb:x:6:6::/:\n"
    assert evidence(RULE, facts("1001", versions=[before, "a:x:7:7::/:\nb:x:0:6::/:\n"]))["account"] == "b"


def test_fix_names_the_instruction() -> None:
    assert "Layer 3 was made by `/bin/sh -c sed -i -e 's/1001/0/g' /etc/passwd`" in fix(RULE, remapped())


def test_unknown_where_there_are_too_many_lines_to_compare() -> None:
    assert answer(RULE, facts("1001", versions=[APP, APP + "a:x:1:1::/:\n" * 20_001])) == "unknown"
