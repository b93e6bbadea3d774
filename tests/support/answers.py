"""What a rule said, in the shape tests compare."""

from __future__ import annotations

from scanner.domain.facts import ImageFacts
from scanner.domain.rule import Finding, Rule
from scanner.domain.verdict import Evidence, Outcome


def answer(rule: Rule, facts: ImageFacts, threshold: int | None = None) -> str:
    """The outcome, after checking that the finding is complete for it."""
    finding = rule.check(facts, rule.threshold if threshold is None else threshold)
    _assert_complete(finding)
    return finding.outcome.value


def evidence(rule: Rule, facts: ImageFacts) -> Evidence:
    """The first evidence of a violated rule."""
    finding = rule.check(facts, rule.threshold)
    assert finding.outcome is Outcome.VIOLATED
    return finding.evidence[0]


def fix(rule: Rule, facts: ImageFacts) -> str:
    """The advice of a violated rule."""
    finding = rule.check(facts, rule.threshold)
    assert finding.outcome is Outcome.VIOLATED
    return finding.fix


def _assert_complete(finding: Finding) -> None:
    violated = finding.outcome is Outcome.VIOLATED
    assert bool(finding.evidence) is violated
    assert bool(finding.fix) is violated
    assert finding.outcome is Outcome.OK or finding.reason
