from __future__ import annotations

import pytest

from scanner.domain.facts import ReadState
from scanner.rules.nr204_account_files_malformed import RULE
from tests.support.answers import answer, evidence, fix
from tests.support.demo.families import ALPINE, DEBIAN, UBI, Family
from tests.support.facts import APP, APP_GROUP, facts


@pytest.mark.parametrize(
    "line",
    [
        "1001:x:7:7::/:",
        "web:x: 1000:1000::/:",
        "web:x:1000:many::/:",
        "app:x:5:5::/:",
        "web:x:1001:5::/:",
        "# users",
        "+::::::",
        "web:x:5",
        "x" * 70_000,
        "web:x:4294967296:1::/:",
    ],
)
def test_violated_by_passwd(line: str) -> None:
    assert answer(RULE, facts("9000:9000", f"{APP}{line}\n")) == "violated"


@pytest.mark.parametrize("line", ["1001:x:0:", "web:x:many:", "app:x:5:", "web", "+:::"])
def test_violated_by_group(line: str) -> None:
    assert answer(RULE, facts("9000:9000", APP, f"{APP_GROUP}{line}\n")) == "violated"


@pytest.mark.parametrize("base", [DEBIAN, ALPINE, UBI], ids=lambda base: base.name)
def test_ok_as_distributions_write_them(base: Family) -> None:
    assert answer(RULE, facts("9000:9000", base.passwd, base.group)) == "ok"


@pytest.mark.parametrize(("passwd", "group"), [(None, None), ("", ""), (APP + "\n\n", "# comment\n" + APP_GROUP)])
def test_ok(passwd: str | None, group: str | None) -> None:
    assert answer(RULE, facts("9000:9000", passwd, group)) == "ok"


@pytest.mark.parametrize("state", [ReadState.LINK_LOOP, ReadState.TOO_LARGE])
def test_unknown(state: ReadState) -> None:
    assert answer(RULE, facts("9000", "", passwd_state=state)) == "unknown"
    assert answer(RULE, facts("9000", APP, "", group_state=state)) == "unknown"


def test_unknown_where_lines_are_too_many_to_compare() -> None:
    many = "".join(f"a{at}:x:{at}:1::/:\n" for at in range(1, 21_000))
    assert answer(RULE, facts("9000", many)) == "unknown"


def test_shows_line_and_problem() -> None:
    found = evidence(RULE, facts("9000", f"{APP}web:x: 7:7::/:\n"))
    assert (found["path"], found["line"], found["text"]) == ("/etc/passwd", 3, "web:x: 7:7::/:")
    assert found["problem"] == "its uid ' 7' is no plain number: runtimes take it as 0"


def test_fix_takes_out_what_is_no_account() -> None:
    advice = fix(RULE, facts("9000", f"{DEBIAN.passwd}# users\n+::::::\n", APP_GROUP + "+:::\n"))
    assert "RUN sed -i '19d;20d;' /etc/passwd" in advice
    assert "RUN sed -i '3d;' /etc/group" in advice


def test_fix_without_a_shell() -> None:
    assert "RUN" not in fix(RULE, facts("9000", "# users\n" + APP, history=["COPY passwd /etc/passwd"]))


def test_hostile_text_is_escaped_and_short() -> None:
    finding = RULE.check(facts("9000", "".join(f"`$(x)`\x1b[2J{at}\n" for at in range(5_000))), None)
    assert "And 4,998 more." in str(finding.reason)
    assert len(finding.evidence) == 20
    assert "\x1b" not in f"{finding.reason}{finding.fix}{finding.evidence}"
    assert len(finding.fix) < 2_000
