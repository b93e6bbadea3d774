from __future__ import annotations

import pytest

from scanner.domain.facts import ReadState
from scanner.rules.nr102_root_by_request import RULE
from tests.support.answers import answer, evidence
from tests.support.facts import APP, ROOT_LINE, facts


@pytest.mark.parametrize("user", ["0", "00", "+0", "-0", "0:0", "0:1000", "0:", "0:nosuch", "000000000000000000000000"])
def test_zero_in_any_spelling(user: str) -> None:
    assert answer(RULE, facts(user)) == "violated"


@pytest.mark.parametrize("user", ["root", "root:", "root:root", "root:app", "root:nosuch"])
def test_root_by_name(user: str) -> None:
    assert answer(RULE, facts(user)) == "violated"


@pytest.mark.parametrize("user", ["", ":0", "app", "1001", "toor"])
def test_ok(user: str) -> None:
    assert answer(RULE, facts(user, APP + "toor:x:0:0::/root:/bin/sh\n")) == "ok"


def test_an_account_named_root_that_is_not_uid_0() -> None:
    assert answer(RULE, facts("root", "root:x:1000:1000::/:/bin/sh\n")) == "ok"


@pytest.mark.parametrize(
    ("user", "passwd", "state"),
    [
        ("root", None, None),
        ("root", "toor:x:0:0::/:/bin/sh\n", None),
        ("Root", ROOT_LINE, None),
        ("root", "", ReadState.LINK_LOOP),
        ("root", "", ReadState.TOO_LARGE),
        ("root", ROOT_LINE + "x" * 70_000 + "\n", None),
    ],
)
def test_unknown_where_nothing_starts(user: str, passwd: str | None, state: ReadState | None) -> None:
    assert answer(RULE, facts(user, passwd, passwd_state=state)) == "unknown"


@pytest.mark.parametrize("state", [ReadState.LINK_LOOP, ReadState.TOO_LARGE])
def test_zero_needs_no_account_file(state: ReadState) -> None:
    assert answer(RULE, facts("0", "", passwd_state=state)) == "violated"


def test_evidence_shows_the_line_of_a_name() -> None:
    finding = RULE.check(facts("root"), None)
    assert finding.evidence[1]["line"] == 1
    assert evidence(RULE, facts("00"))["declared"] == "00"
