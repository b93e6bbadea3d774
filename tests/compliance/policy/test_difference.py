from __future__ import annotations

from dataclasses import replace

import pytest

from compliance.policy.difference import Difference, diff_policies
from scanner.domain.policy import Policy, RuleSetting
from scanner.domain.verdict import Severity
from scanner.policies import BASELINE, KUBERNETES, POLICIES, STRICT


def with_rule(rule: str, setting: RuleSetting) -> Policy:
    return replace(KUBERNETES, settings={**KUBERNETES.settings, rule: setting})


@pytest.mark.parametrize(
    ("after", "expected"),
    [
        (KUBERNETES, []),
        (replace(KUBERNETES, title="Ours"), [Difference("", "title", KUBERNETES.title, "Ours")]),
        (with_rule("NR105", RuleSetting(enabled=False)), [Difference("NR105", "rule", "on", "off")]),
        (with_rule("NR105", RuleSetting()), [Difference("NR105", "verdict", "fails", "does not fail")]),
        (with_rule("NR107", RuleSetting(threshold=500)), [Difference("NR107", "threshold", "1000", "500")]),
        # Written down otherwise, and the same.
        (with_rule("NR107", RuleSetting(threshold=1000)), []),
        (with_rule("NR107", RuleSetting(severity=Severity.MEDIUM)), []),
        (
            with_rule("NR108", RuleSetting(fails=True, severity=Severity.HIGH)),
            [
                Difference("NR108", "verdict", "does not fail", "fails"),
                Difference("NR108", "severity", "low", "high"),
            ],
        ),
        # A hint decides nothing, whatever is said of it.
        (with_rule("NR501", RuleSetting(fails=True)), []),
    ],
)
def test_differences(after: Policy, expected: list[Difference]) -> None:
    assert list(diff_policies(KUBERNETES, after)) == expected


def test_a_severity_that_fails_shows_at_every_rule_it_reaches() -> None:
    found = diff_policies(BASELINE, replace(BASELINE, fails_at=Severity.CRITICAL))
    assert found[0] == Difference("", "fails at", "named rules only", "critical")
    assert {difference.what for difference in found[1:]} <= {"verdict"}


@pytest.mark.parametrize("policy", POLICIES, ids=lambda policy: policy.name)
def test_both_ways_round(policy: Policy) -> None:
    there, back = diff_policies(policy, STRICT), diff_policies(STRICT, policy)
    assert [(each.rule, each.what, each.after, each.before) for each in there] == [
        (each.rule, each.what, each.before, each.after) for each in back
    ]
