from __future__ import annotations

import pytest

from scanner.domain.facts import ReadState
from scanner.rules.nr201_second_root_account import RULE
from tests.support.answers import answer, evidence, fix
from tests.support.facts import APP, ROOT_LINE, facts


@pytest.mark.parametrize(
    "line", ["toor:x:0:0::/root:/bin/sh", "toor:x:::::", "toor:x: 5:5:::", "toor", "toor:x:4294967296:1:::", "+::::::"]
)
def test_violated(line: str) -> None:
    assert answer(RULE, facts("1001", f"{APP}{line}\n")) == "violated"


@pytest.mark.parametrize("passwd", [APP, None, "", "# comment\n" + APP, APP + "root:x:0:0::/:\n", "\n \n" + APP])
def test_ok(passwd: str | None) -> None:
    assert answer(RULE, facts("1001", passwd)) == "ok"


@pytest.mark.parametrize("state", [ReadState.LINK_LOOP, ReadState.TOO_LARGE])
def test_unknown(state: ReadState) -> None:
    assert answer(RULE, facts("1001", "", passwd_state=state)) == "unknown"


def test_unknown_where_a_line_is_too_long() -> None:
    assert answer(RULE, facts("1001", APP + "x" * 70_000)) == "unknown"


def test_says_which_line() -> None:
    found = evidence(RULE, facts("1001", APP + "toor:x:0:0::/root:/bin/sh\n"))
    assert (found["line"], found["text"]) == (3, "toor:x:0:0::/root:/bin/sh")


def test_fix_deletes_that_line_by_number() -> None:
    assert "sed -i '3d;' /etc/passwd" in fix(RULE, facts("1001", APP + "to$(reboot)or:x:0:0::/root:/bin/sh\n"))


def test_a_thousand_of_them_stay_readable() -> None:
    finding = RULE.check(facts("1001", "".join(f"r{at}:x:0:0::/:\n" for at in range(1_000))), None)
    assert "and 997 more" in str(finding.reason)
    assert len(finding.evidence) == 20


def test_the_fix_keeps_the_account_that_user_names() -> None:
    both = f"{ROOT_LINE}app:x:0:0::/app:/bin/sh\ntoor:x:0:0::/root:/bin/sh\n"
    assert "sed -i '3d;'" in fix(RULE, facts("app", both))
    assert "sed" not in fix(RULE, facts("app:app", f"{ROOT_LINE}app:x:0:0::/app:/bin/sh\n"))
