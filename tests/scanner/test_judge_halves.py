"""Asking once and weighing later says what judging at once says."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scanner.domain.facts import ImageFacts
from scanner.domain.outline import Outline, dump_outline, load_outline
from scanner.domain.policy import Policy, RuleSetting
from scanner.domain.rule import Finding, Rule
from scanner.domain.verdict import Outcome, Severity, Verdict
from scanner.judge import NOT_RUNNABLE, UNREAD, apply, ask, judge, outline
from scanner.policies import POLICIES, STRICT
from scanner.rulebook import RULES
from tests.support.clean import clean
from tests.support.facts import APP, P0, P0_GROUP, facts, remapped

TWIN = APP + "toor:x:0:0::/:\n"
USERS = st.sampled_from(
    ["", "0", "app", "root", "nosuch", "-1", "999", "1001", "1001:0", "9000:9000", "20000:20000", "web", "4242", "0:5"]
)
FACTS = st.one_of(
    st.builds(clean, USERS, st.sampled_from([APP, TWIN, None])),
    st.builds(facts, USERS, st.just(P0), st.just(P0_GROUP)),
    st.builds(lambda user: dataclasses.replace(clean(user), files=None), USERS),
    st.just(remapped()),
)
SETTINGS = st.builds(
    RuleSetting,
    st.booleans(),
    st.booleans(),
    st.none() | st.sampled_from(Severity),
    st.none() | st.integers(0, 30_000),
)
POLICY = st.builds(
    Policy,
    st.just("mine"),
    st.just("Mine"),
    st.dictionaries(st.sampled_from([rule.id for rule in RULES]), SETTINGS),
    st.none() | st.sampled_from(Severity),
)
HINTS = [rule for rule in RULES if not rule.decides]


def raising(rule: Rule) -> Rule:
    def check(_facts: ImageFacts, _threshold: int | None) -> Finding:
        raise RecursionError("hostile")

    return dataclasses.replace(rule, check=check)


def agrees(image: ImageFacts, policy: Policy, rules: tuple[Rule, ...]) -> None:
    judged = judge(image, policy, rules)
    applied = apply(policy, load_outline(dump_outline(outline(ask(image, rules)))), rules)
    violated = tuple(result.rule for result in judged.results if result.outcome is Outcome.VIOLATED)
    found = (applied.verdict, applied.score, applied.failed_on, applied.violated)
    assert found == (judged.verdict, judged.score, judged.failed_on, violated)


@given(FACTS, POLICY, st.sets(st.integers(0, len(RULES) - 1), max_size=3))
def test_both_ways_say_the_same(image: ImageFacts, policy: Policy, broken: set[int]) -> None:
    agrees(image, policy, tuple(raising(rule) if at in broken else rule for at, rule in enumerate(RULES)))


@pytest.mark.parametrize("policy", POLICIES, ids=lambda policy: policy.name)
@given(image=FACTS)
def test_so_they_do_under_what_is_shipped(image: ImageFacts, policy: Policy) -> None:
    agrees(image, policy, RULES)


@given(FACTS, st.integers(0, 30_000))
def test_a_threshold_decides_as_the_rule_itself_does(image: ImageFacts, threshold: int) -> None:
    for rule in (rule for rule in RULES if rule.threshold is not None):
        asked = rule.check(image, rule.threshold)
        if asked.below is not None:
            assert (rule.check(image, threshold).outcome is Outcome.VIOLATED) is (asked.below < threshold)
        else:
            assert rule.check(image, threshold).outcome is asked.outcome


def test_asking_looks_at_every_rule() -> None:
    assert list(ask(clean("10001"))) == [rule.id for rule in RULES]


@pytest.mark.parametrize(("settled", "verdict"), [(UNREAD, Verdict.UNKNOWN), (NOT_RUNNABLE, Verdict.NOT_APPLICABLE)])
@given(policy=POLICY)
def test_what_is_settled_no_policy_changes(settled: Outline, verdict: Verdict, policy: Policy) -> None:
    applied = apply(policy, settled)
    assert (applied.verdict, applied.score, applied.violated) == (verdict, None, ())


def test_a_rule_nobody_asked_is_unknown() -> None:
    asked = outline(ask(clean("10001:10001")))
    answers = {rule: answer for rule, answer in asked.answers.items() if rule != "NR101"}
    applied = apply(STRICT, Outline(asked.revision, answers))
    assert (applied.verdict, applied.unsure_of) == (Verdict.UNKNOWN, ("NR101",))


@pytest.mark.parametrize("rule", HINTS, ids=lambda rule: rule.id)
@pytest.mark.parametrize("outcome", [Outcome.VIOLATED, Outcome.UNKNOWN])
def test_a_hint_decides_nothing_whatever_the_policy_says(rule: Rule, outcome: Outcome) -> None:
    said: Mapping[str, RuleSetting] = {rule.id: RuleSetting(fails=True, severity=Severity.CRITICAL)}
    policy = Policy("mine", "Mine", said, fails_at=Severity.INFO)
    hinting = dataclasses.replace(rule, check=lambda _facts, _threshold: Finding(outcome, "It may."))
    assert judge(clean("10001:10001"), policy, (hinting,)).verdict is Verdict.PASS
    agrees(clean("10001:10001"), policy, (hinting,))


def test_there_are_hints() -> None:
    assert {"NR115", "NR501", "NR502"} <= {rule.id for rule in HINTS}
