from __future__ import annotations

import pytest

from scanner.rules.nr307_primary_group_not_root import RULE
from tests.support.answers import answer, fix
from tests.support.facts import facts

OWN = "app:x:1001:1001::/:\n"
ZERO = "app:x:1001:0::/:\n"


@pytest.mark.parametrize(
    ("user", "passwd", "expected"),
    [
        ("app", OWN, "violated"),
        ("1001", OWN, "violated"),
        ("1001:1001", ZERO, "violated"),
        ("app", ZERO, "ok"),
        ("1001:0", OWN, "ok"),
        ("9999", OWN, "ok"),
        ("", OWN, "not_applicable"),
        ("0:5", OWN, "not_applicable"),
        ("nosuch", OWN, "unknown"),
        ("app:nosuch", OWN, "unknown"),
    ],
)
def test_outcome(user: str, passwd: str, expected: str) -> None:
    assert answer(RULE, facts(user, passwd)) == expected


def test_evidence_is_what_decides() -> None:
    by_account = RULE.check(facts("app", OWN), None)
    assert by_account.evidence[1]["line"] == 1
    assert "the primary group of the account" in str(by_account.reason)
    by_user = RULE.check(facts("9999:7"), None)
    assert len(by_user.evidence) == 1
    assert "because USER asks for `7`" in str(by_user.reason)


def test_fix_changes_the_account_too() -> None:
    advice = fix(RULE, facts("app", "root:x:0:0::/:\n" + OWN))
    assert "USER 1001:0" in advice
    assert r"RUN sed -i 's/^\(app:[^:]*:[^:]*\):[^:]*:/\1:0:/' /etc/passwd" in advice


def test_fix_never_writes_a_hostile_name_into_a_command() -> None:
    assert "RUN" not in fix(RULE, facts("1001", "a/e;x:x:1001:1001::/:\n"))
