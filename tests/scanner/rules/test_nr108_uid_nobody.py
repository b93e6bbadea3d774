from __future__ import annotations

import pytest

from scanner.domain.facts import ReadState
from scanner.rules.nr108_uid_nobody import RULE
from tests.support.answers import answer, evidence, fix
from tests.support.facts import facts

NOBODY = "nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin\n"


@pytest.mark.parametrize("user", ["65534", "65535", "065534:0", "+65535", "65534:app", "65534:nosuch", "nobody"])
def test_nobody(user: str) -> None:
    assert answer(RULE, facts(user, NOBODY)) == "violated"


@pytest.mark.parametrize("user", ["app", "1001:65534", "65533", "65536", "99999"])
def test_ok(user: str) -> None:
    assert answer(RULE, facts(user)) == "ok"


@pytest.mark.parametrize("user", ["", "0", "root"])
def test_not_applicable_to_root(user: str) -> None:
    assert answer(RULE, facts(user)) == "not_applicable"


def test_unknown() -> None:
    assert answer(RULE, facts("nosuch")) == "unknown"
    assert answer(RULE, facts("nobody", "", passwd_state=ReadState.TOO_LARGE)) == "unknown"


def test_evidence_has_the_line_of_the_account() -> None:
    finding = RULE.check(facts("nobody", NOBODY), None)
    assert [place.get("line") for place in finding.evidence] == [None, 1]
    assert evidence(RULE, facts("65534"))["declared"] == "65534"


def test_the_fix_names_another_account() -> None:
    assert "USER 1001:1001" in fix(RULE, facts("65534"))
    assert "USER 10001:10001" in fix(RULE, facts("nobody", NOBODY))
