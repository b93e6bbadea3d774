from __future__ import annotations

import pytest

from scanner.domain.facts import ImageFacts
from scanner.domain.verdict import Outcome, Severity
from scanner.judge import judge
from scanner.policies import BASELINE, DEFAULT_POLICY, KUBERNETES, POLICIES, STRICT, policy_named
from scanner.rulebook import RULES
from tests.support.facts import APP, facts, remapped

TWIN = APP + "toor:x:0:0::/:\n"


@pytest.mark.parametrize(
    ("image", "baseline", "kubernetes", "strict"),
    [
        (facts("10001:10001"), "pass", "pass", "pass"),
        (facts("10001:0"), "pass", "pass", "pass"),
        (facts("10001"), "pass", "pass", "pass"),
        (facts("9999:9999"), "pass", "pass", "fail"),
        (facts("1001"), "pass", "pass", "fail"),
        (facts("999"), "pass", "pass", "fail"),
        (facts("app"), "pass", "fail", "fail"),
        (facts("1001", TWIN), "pass", "fail", "fail"),
        (facts("20000:20000", TWIN), "pass", "fail", "fail"),
        (facts("nosuch"), "fail", "fail", "fail"),
        (facts("-1"), "fail", "fail", "fail"),
        (facts(""), "fail", "fail", "fail"),
        (facts("0"), "fail", "fail", "fail"),
        (remapped(), "fail", "fail", "fail"),
    ],
    ids=lambda value: value.config.user or "none" if isinstance(value, ImageFacts) else value,
)
def test_verdicts(image: ImageFacts, baseline: str, kubernetes: str, strict: str) -> None:
    found = [judge(image, policy).verdict.value for policy in (BASELINE, KUBERNETES, STRICT)]
    assert found == [baseline, kubernetes, strict]


@pytest.mark.parametrize(
    ("policy", "severity", "score"),
    [(BASELINE, Severity.INFO, 100), (KUBERNETES, Severity.INFO, 100), (STRICT, Severity.LOW, 97)],
)
def test_group_zero_is_always_shown(policy: object, severity: Severity, score: int) -> None:
    assert policy in POLICIES
    judgement = judge(facts("10001:0"), next(known for known in POLICIES if known is policy))
    result = next(result for result in judgement.results if result.rule == "NR110")
    assert (result.outcome, result.severity, judgement.score) == (Outcome.VIOLATED, severity, score)


def test_policies_name_only_rules_that_exist() -> None:
    known = {rule.id for rule in RULES}
    for policy in POLICIES:
        assert set(policy.settings) <= known


def test_by_name() -> None:
    assert policy_named("strict") is STRICT
    assert policy_named(DEFAULT_POLICY) is KUBERNETES
    with pytest.raises(KeyError):
        policy_named("lenient")
