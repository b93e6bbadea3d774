from __future__ import annotations

import pytest

from scanner.domain.facts import ReadState
from scanner.rules.nr110_root_group import RULE
from tests.support.answers import answer, fix
from tests.support.facts import APP, facts


@pytest.mark.parametrize(
    ("user", "how"),
    [("9999", "fell back"), ("9999:", "fell back"), ("app:0", "asks for it"), ("app:root", "asks for it")],
)
def test_says_how(user: str, how: str) -> None:
    assert answer(RULE, facts(user)) == "violated"
    assert how in str(RULE.check(facts(user), None).reason)


def test_primary_group_of_the_account() -> None:
    finding = RULE.check(facts("app", "app:x:1001:0::/:\n"), None)
    assert "primary group is 0" in str(finding.reason)
    assert finding.evidence[1]["line"] == 1


def test_membership() -> None:
    finding = RULE.check(facts("app", group="root:x:0:app\n"), None)
    assert "`root` in `/etc/group` lists the account" in str(finding.reason)


def test_membership_in_a_group_whose_gid_wraps() -> None:
    assert answer(RULE, facts("app", group="big:x:4294967296:app\n")) == "violated"


@pytest.mark.parametrize("user", ["app", "1001", "9999:9999", "app:app"])
def test_ok(user: str) -> None:
    assert answer(RULE, facts(user, APP)) == "ok"


@pytest.mark.parametrize("user", ["", "0", "root"])
def test_not_applicable_to_root(user: str) -> None:
    assert answer(RULE, facts(user)) == "not_applicable"


@pytest.mark.parametrize("user", ["nosuch", "app:nosuch", "-1"])
def test_unknown_where_nothing_starts(user: str) -> None:
    assert answer(RULE, facts(user)) == "unknown"


def test_unknown_where_groups_cannot_be_read() -> None:
    assert answer(RULE, facts("app", group="", group_state=ReadState.LINK_LOOP)) == "unknown"


@pytest.mark.parametrize("user", ["app", "app:0"])
def test_fix_ends_the_membership_that_kubernetes_adds(user: str) -> None:
    advice = fix(RULE, facts(user, group="root:x:0:app\n"))
    assert "Take the account out of the group" in advice
    assert "RUN gpasswd --delete app root\nUSER 1001:1001\n" in advice


def test_fix_on_alpine() -> None:
    passwd = "guest:x:405:100::/:\napp:x:1001:1001::/:\n"
    assert "RUN delgroup app root\n" in fix(RULE, facts("app", passwd, group="root:x:0:app\n"))


def test_fix_without_a_line_for_names_that_cannot_be_written() -> None:
    advice = fix(RULE, facts("app", group="$(x):x:0:app\n"))
    assert "Take the account out of the group" in advice
    assert "RUN" not in advice


def test_fix_speaks_of_no_membership_where_there_is_none() -> None:
    assert "Take the account out" not in fix(RULE, facts("9999"))
