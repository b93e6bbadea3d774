"""Facts and a policy in, a verdict out.

An answer that is missing is an answer: a rule that raises, or that says *unknown*, can never leave an image with the
verdict *pass* when the policy fails on that rule. (Peers log the error and print a clean image.)
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from scanner.domain.facts import ImageFacts
from scanner.domain.policy import Policy
from scanner.domain.problems import ScanProblem
from scanner.domain.rule import Finding, Rule, unknown
from scanner.domain.score import image_score
from scanner.domain.verdict import Judgement, Outcome, RuleResult, Severity, Verdict
from scanner.rulebook import RULES

REVISION = 1
"""Raise it with every change after which the same facts are judged otherwise: stored verdicts are then made anew."""


def judge(facts: ImageFacts, policy: Policy, rules: Sequence[Rule] = RULES) -> Judgement:
    """Ask every rule the policy has switched on, in the order of the rulebook."""
    results = tuple(_result(rule, facts, policy) for rule in rules if policy.setting(rule.id).enabled)
    deciding = [result for result in results if counts_against(policy, result.rule, result.severity)]
    failed_on = tuple(result.rule for result in deciding if result.outcome is Outcome.VIOLATED)
    if failed_on:
        verdict = Verdict.FAIL
    elif any(result.outcome is Outcome.UNKNOWN for result in deciding):
        verdict = Verdict.UNKNOWN
    else:
        verdict = Verdict.PASS
    return Judgement(verdict, image_score(verdict, results), results, failed_on)


def unknown_judgement(problem: ScanProblem) -> Judgement:
    """An image that could not be read: every rule is unknown, for the same reason."""
    return Judgement(Verdict.UNKNOWN, None, _all(Outcome.UNKNOWN, problem.message))


def not_applicable_judgement(kind: str) -> Judgement:
    """Something that cannot run.

    :param kind: what it is, in words: ``Helm chart``.
    """
    return Judgement(Verdict.NOT_APPLICABLE, None, _all(Outcome.NOT_APPLICABLE, f"No UNIX identity to judge: {kind}."))


def counts_against(policy: Policy, rule_id: str, severity: Severity) -> bool:
    """Whether a violation of this rule makes the verdict *fail*, and not knowing makes it *unknown*.

    :param severity: of the result, as the policy counts it.
    """
    if policy.setting(rule_id).fails:
        return True
    return policy.fails_at is not None and severity.rank <= policy.fails_at.rank


def _result(rule: Rule, facts: ImageFacts, policy: Policy) -> RuleResult:
    setting = policy.setting(rule.id)
    threshold = rule.threshold if setting.threshold is None else setting.threshold
    finding = _ask(rule, facts, threshold)
    severity: Severity = setting.severity or finding.severity or rule.severity
    return RuleResult(
        rule.id, rule.slug, finding.outcome, severity, tuple(finding.evidence), finding.fix, finding.reason
    )


def _ask(rule: Rule, facts: ImageFacts, threshold: int | None) -> Finding:
    try:
        finding = rule.check(facts, threshold)
    except Exception as error:  # whatever it is, it must not read as clean
        return unknown(f"The rule could not finish: {type(error).__name__}.")
    if finding.outcome is Outcome.UNKNOWN and not finding.reason:
        return unknown("The rule could not tell, and did not say why.")
    return finding


def _all(outcome: Outcome, reason: str, rules: Iterable[Rule] = RULES) -> tuple[RuleResult, ...]:
    return tuple(RuleResult(rule.id, rule.slug, outcome, rule.severity, reason=reason) for rule in rules)
