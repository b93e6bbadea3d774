from __future__ import annotations

import pytest

from scanner.domain.rule import PlatformSummary
from scanner.domain.verdict import Outcome, Verdict
from scanner.rules.nr112_platforms_disagree import RULE, check
from tests.support.clean import clean

PASS, FAIL, UNKNOWN, IDLE = Verdict.PASS, Verdict.FAIL, Verdict.UNKNOWN, Verdict.NOT_APPLICABLE


def platforms(*said: tuple[Verdict, str]) -> list[PlatformSummary]:
    return [
        PlatformSummary(f"linux/arch{at}", f"sha256:{at}", verdict, identity)
        for at, (verdict, identity) in enumerate(said)
    ]


@pytest.mark.parametrize(
    ("said", "outcome"),
    [
        ([], "ok"),
        ([(PASS, "1:1")], "ok"),
        ([(PASS, "1:1"), (PASS, "1:1")], "ok"),
        ([(FAIL, "0:0"), (FAIL, "0:0")], "ok"),
        ([(PASS, "1:1"), (FAIL, "1:1")], "violated"),
        ([(PASS, "1:1"), (PASS, "2:2")], "violated"),
        ([(FAIL, "0:0"), (FAIL, "does not start: no")], "violated"),
        ([(PASS, "1:1"), (PASS, "1:1 groups 0")], "violated"),
        ([(PASS, "1:1"), (UNKNOWN, "")], "unknown"),
        ([(PASS, "1:1"), (UNKNOWN, "1:1")], "unknown"),
        ([(UNKNOWN, ""), (UNKNOWN, "")], "unknown"),
        ([(PASS, "1:1"), (PASS, "")], "unknown"),
        ([(PASS, "1:1"), (UNKNOWN, "2:2")], "violated"),
        ([(PASS, "1:1"), (UNKNOWN, ""), (FAIL, "0:0")], "violated"),
        ([(PASS, "1:1"), (IDLE, "")], "ok"),
        ([(PASS, "1:1"), (IDLE, ""), (PASS, "1:1")], "ok"),
        ([(IDLE, ""), (IDLE, "")], "ok"),
    ],
)
def test_platforms_are_compared(said: list[tuple[Verdict, str]], outcome: str) -> None:
    assert RULE.across is not None
    finding = RULE.across(platforms(*said))
    assert finding.outcome.value == outcome
    assert finding.reason or finding.outcome is Outcome.OK


def test_the_finding_names_platforms_that_are_alike_together() -> None:
    assert RULE.across is not None
    finding = RULE.across(platforms((PASS, "1:1"), (FAIL, "0:0"), (PASS, "1:1"), (FAIL, "does not start: no")))
    assert finding.reason == (
        "The platforms of this index differ: linux/arch0, linux/arch2 starts as 1:1 (pass); "
        "linux/arch1 starts as 0:0 (fail); linux/arch3 says `does not start: no` (fail)."
    )
    assert finding.evidence[1] == {
        "platform": "linux/arch1",
        "digest": "sha256:1",
        "identity": "0:0",
        "verdict": "fail",
    }
    assert finding.fix.startswith(finding.reason)


def test_hostile_names_are_shown_as_they_are_and_not_without_end() -> None:
    assert RULE.across is not None
    hostile = [PlatformSummary("\x1b[31m" * 1000, f"sha256:{at}", PASS, f"{at}:1") for at in range(1000)]
    finding = RULE.across(hostile)
    assert "\x1b" not in str(finding)
    assert len(finding.evidence) == 20
    assert len(finding.reason or "") < 10_000


def test_one_image_has_nothing_to_be_compared_with() -> None:
    assert check(clean("")).outcome is Outcome.NOT_APPLICABLE
