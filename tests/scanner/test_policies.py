from __future__ import annotations

from dataclasses import replace

import pytest

from scanner.domain.facts import ImageFacts
from scanner.domain.policy import Policy
from scanner.domain.verdict import Outcome, Severity, Verdict
from scanner.judge import judge
from scanner.policies import BASELINE, DEFAULT_POLICY, KUBERNETES, OPENSHIFT, POLICIES, STRICT, policy_named
from scanner.rulebook import RULES
from tests.support.clean import clean
from tests.support.facts import APP, ROOT_LINE

TWIN = APP + "toor:x:0:0::/:\n"
REMAPPED = [ROOT_LINE, APP, APP.replace("1001", "0")]
NO_HOME = clean("10002", home="/bin")


@pytest.mark.parametrize(
    ("image", "baseline", "kubernetes", "openshift", "strict"),
    [
        (clean("10001:10001"), "pass", "pass", "pass", "pass"),
        (clean("10001:0"), "pass", "pass", "pass", "pass"),
        (clean("10001"), "pass", "pass", "pass", "pass"),
        (clean("9999:9999"), "pass", "pass", "pass", "fail"),
        (clean("1001"), "pass", "pass", "pass", "fail"),
        (clean("999"), "pass", "pass", "pass", "fail"),
        (clean("app"), "pass", "fail", "fail", "fail"),
        (clean("1001", TWIN), "pass", "fail", "fail", "fail"),
        (clean("20000:20000", TWIN), "pass", "fail", "fail", "fail"),
        (clean("nosuch"), "fail", "fail", "fail", "fail"),
        (clean("-1"), "fail", "fail", "fail", "fail"),
        (clean(""), "fail", "fail", "fail", "fail"),
        (clean("0"), "fail", "fail", "fail", "fail"),
        (clean("app", versions=REMAPPED), "fail", "fail", "fail", "fail"),
        # Facts of a release that looked at no files: what asks about them is unknown.
        (replace(clean("10002"), files=None), "pass", "pass", "unknown", "unknown"),
    ],
    ids=lambda value: value.config.user or "none" if isinstance(value, ImageFacts) else value,
)
def test_verdicts(image: ImageFacts, baseline: str, kubernetes: str, openshift: str, strict: str) -> None:
    found = [judge(image, policy).verdict.value for policy in (BASELINE, KUBERNETES, OPENSHIFT, STRICT)]
    assert found == [baseline, kubernetes, openshift, strict]


@pytest.mark.parametrize(
    ("policy", "severity", "score"),
    [(BASELINE, Severity.INFO, 100), (KUBERNETES, Severity.INFO, 100), (STRICT, Severity.LOW, 97)],
    ids=lambda value: value.name if isinstance(value, Policy) else str(value),
)
def test_group_zero_is_always_shown(policy: Policy, severity: Severity, score: int) -> None:
    judgement = judge(clean("10002"), policy)
    result = next(result for result in judgement.results if result.rule == "NR110")
    assert (result.outcome, result.severity, judgement.score) == (Outcome.VIOLATED, severity, score)


def test_openshift_wants_group_zero() -> None:
    assert judge(clean("10002"), OPENSHIFT).score == 100
    assert "NR110" not in {result.rule for result in judge(clean("10002"), OPENSHIFT).results}


def test_openshift_fails_on_what_keeps_any_uid_from_running() -> None:
    assert judge(NO_HOME, KUBERNETES).verdict is Verdict.PASS
    assert judge(NO_HOME, OPENSHIFT).failed_on == ("NR302",)


def test_a_policy_decides_by_what_it_fails_on_before_it() -> None:
    failing = [{rule for rule, setting in policy.settings.items() if setting.fails} for policy in POLICIES[:3]]
    assert failing[0] < failing[1] < failing[2]


def test_policies_name_only_rules_that_exist() -> None:
    known = {rule.id for rule in RULES}
    for policy in POLICIES:
        assert set(policy.settings) <= known


def test_by_name() -> None:
    assert policy_named("strict") is STRICT
    assert policy_named(DEFAULT_POLICY) is KUBERNETES
    with pytest.raises(KeyError):
        policy_named("lenient")
