"""Facts and a policy in, a verdict out.

Two halves: ``ask`` puts every rule's question to an image, whatever the policy; ``apply`` weighs the answers under one.
What lies between them, an ``Outline``, is stored, so that a changed policy never opens the facts again. ``judge`` is
both at once and gives the evidence as well.

An answer that is missing is an answer: a rule that raises, or that says *unknown*, can never leave an image with the
verdict *pass* when the policy fails on that rule. (Peers log the error and print a clean image.)
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from scanner.domain.facts import ImageFacts
from scanner.domain.outline import Answer, Outline
from scanner.domain.policy import Policy
from scanner.domain.problems import ScanProblem
from scanner.domain.rule import Finding, Rule, unknown
from scanner.domain.score import image_score, score_without
from scanner.domain.verdict import Judgement, Outcome, RuleResult, Severity, Verdict
from scanner.rulebook import RULES

REVISION = 4
"""Raise it with every change after which the same facts are judged otherwise: stored verdicts are then made anew."""

UNREAD = Outline(REVISION, settled=Verdict.UNKNOWN)
"""Of an image that could not be read."""

NOT_RUNNABLE = Outline(REVISION, settled=Verdict.NOT_APPLICABLE)
"""Of something that cannot run."""


@dataclass(frozen=True, slots=True)
class Applied:
    """An outline under a policy: ``Judgement`` without its results.

    :param failed_on: ids of the rules that decided a *fail*; ``unsure_of`` of those that decided an *unknown*.
    :param violated: ids of all violated rules.
    """

    verdict: Verdict
    score: int | None
    failed_on: tuple[str, ...] = ()
    violated: tuple[str, ...] = ()
    unsure_of: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Weighed:
    """One rule's answer under a policy.

    :param decides: whether a violation makes the verdict *fail*, and not knowing *unknown*.
    """

    rule: str
    outcome: Outcome
    severity: Severity
    decides: bool


def judge(facts: ImageFacts, policy: Policy, rules: Sequence[Rule] = RULES) -> Judgement:
    """Ask every rule the policy has switched on, in the order of the rulebook."""
    results = (_result(rule, facts, policy) for rule in rules if policy.setting(rule.id).enabled)
    return decide(policy, results, rules, unconfirmed=facts.from_toc)


def decide(
    policy: Policy, results: Iterable[RuleResult], rules: Sequence[Rule] = RULES, *, unconfirmed: bool = False
) -> Judgement:
    """Draw the verdict from results whose severities are the policy's.

    :param unconfirmed: ``ImageFacts.from_toc``.
    """
    results = tuple(results)
    by_id = {rule.id: rule for rule in rules}
    deciding = [result for result in results if counts_against(policy, by_id[result.rule], result.severity)]
    failed_on = tuple(result.rule for result in deciding if result.outcome is Outcome.VIOLATED)
    verdict = _verdict(failed_on, unconfirmed or any(result.outcome is Outcome.UNKNOWN for result in deciding))
    return Judgement(verdict, image_score(verdict, results), results, failed_on)


def ask(facts: ImageFacts, rules: Sequence[Rule] = RULES) -> dict[str, Finding]:
    """What every rule says, by id, under its own threshold; no policy has a say in it."""
    return {rule.id: ask_rule(rule, facts, rule.threshold) for rule in rules}


def outline(findings: Mapping[str, Finding], *, unconfirmed: bool = False) -> Outline:
    """Sum up what ``ask`` found.

    :param unconfirmed: ``ImageFacts.from_toc``.
    """
    answers = {rule: _answer(finding) for rule, finding in findings.items()}
    return Outline(REVISION, answers, unconfirmed=unconfirmed)


def apply(policy: Policy, asked: Outline, rules: Sequence[Rule] = RULES) -> Applied:
    """Weigh answers under a policy: the same verdict, score and rules as ``judge``.

    A rule that has no answer, because it is newer than the outline, is *unknown*.
    """
    if asked.settled is not None:
        return Applied(asked.settled, None)
    said = list(weighed(policy, asked, rules))
    violated = [each for each in said if each.outcome is Outcome.VIOLATED]
    failed_on = tuple(each.rule for each in violated if each.decides)
    unsure_of = tuple(each.rule for each in said if each.decides and each.outcome is Outcome.UNKNOWN)
    verdict = _verdict(failed_on, asked.unconfirmed or bool(unsure_of))
    score = score_without(verdict, (each.severity for each in violated))
    return Applied(verdict, score, failed_on, tuple(each.rule for each in violated), unsure_of)


def weighed(policy: Policy, asked: Outline, rules: Sequence[Rule] = RULES) -> Iterator[Weighed]:
    """What each rule that the policy has switched on says, in the order of the rulebook; nothing of what is settled."""
    if asked.settled is not None:
        return
    for rule in rules:
        setting = policy.setting(rule.id)
        if not setting.enabled:
            continue
        answer = asked.answers.get(rule.id, _NO_ANSWER)
        outcome = _outcome(answer, rule.threshold if setting.threshold is None else setting.threshold)
        # What is not violated weighs nothing: there the answer's own severity would only raise what an unknown does.
        own = answer.severity if outcome is Outcome.VIOLATED else None
        severity = setting.severity or own or rule.severity
        yield Weighed(rule.id, outcome, severity, counts_against(policy, rule, severity))


def unknown_judgement(problem: ScanProblem) -> Judgement:
    """An image that could not be read: every rule is unknown, for the same reason."""
    return Judgement(Verdict.UNKNOWN, None, _all(Outcome.UNKNOWN, problem.message))


def not_applicable_judgement(kind: str) -> Judgement:
    """Something that cannot run.

    :param kind: what it is, in words: ``Helm chart``.
    """
    return Judgement(Verdict.NOT_APPLICABLE, None, _all(Outcome.NOT_APPLICABLE, f"No UNIX identity to judge: {kind}."))


def counts_against(policy: Policy, rule: Rule, severity: Severity) -> bool:
    """Whether a violation of this rule makes the verdict *fail*, and not knowing makes it *unknown*.

    Hints and habits never do, whatever the policy says.

    :param severity: of the result, as the policy counts it.
    """
    setting = policy.setting(rule.id)
    if not rule.decides or not setting.enabled:
        return False
    return setting.fails or (policy.fails_at is not None and severity.rank <= policy.fails_at.rank)


def ask_rule(rule: Rule, facts: ImageFacts, threshold: int | None) -> Finding:
    """One rule's answer; whatever goes wrong in it is *unknown*."""
    try:
        finding = rule.check(facts, threshold)
    except Exception as error:  # whatever it is, it must not read as clean
        return unknown(f"The rule could not finish: {type(error).__name__}.")
    if finding.outcome is Outcome.UNKNOWN and not finding.reason:
        return unknown("The rule could not tell, and did not say why.")
    if facts.from_toc and (finding.outcome is not Outcome.VIOLATED or finding.below is not None):
        # What a threshold of a policy makes of a number could be an "ok" as well.
        return unknown(_UNCONFIRMED)
    return finding


def rule_result(rule: Rule, finding: Finding, policy: Policy) -> RuleResult:
    """A finding with the severity the policy gives it."""
    # What is not violated weighs nothing: there the finding's own severity would only raise what an unknown does.
    own = finding.severity if finding.outcome is Outcome.VIOLATED else None
    severity: Severity = policy.setting(rule.id).severity or own or rule.severity
    return RuleResult(
        rule.id, rule.slug, finding.outcome, severity, tuple(finding.evidence), finding.fix, finding.reason
    )


_UNCONFIRMED = "Only tables of contents have been read, which can show a violation but not that there is none."
_NO_ANSWER = Answer(Outcome.UNKNOWN)


def _verdict(failed_on: Sequence[str], unsure: bool) -> Verdict:
    if failed_on:
        return Verdict.FAIL
    return Verdict.UNKNOWN if unsure else Verdict.PASS


def _answer(finding: Finding) -> Answer:
    counts = finding.outcome is Outcome.VIOLATED or finding.below is not None
    severity = finding.severity if counts else None
    return Answer(finding.outcome, severity, finding.below)


def _outcome(answer: Answer, threshold: int | None) -> Outcome:
    if answer.below is None or threshold is None:
        return answer.outcome
    return Outcome.VIOLATED if answer.below < threshold else Outcome.OK


def _result(rule: Rule, facts: ImageFacts, policy: Policy) -> RuleResult:
    setting = policy.setting(rule.id)
    threshold = rule.threshold if setting.threshold is None else setting.threshold
    return rule_result(rule, ask_rule(rule, facts, threshold), policy)


def _all(outcome: Outcome, reason: str, rules: Iterable[Rule] = RULES) -> tuple[RuleResult, ...]:
    return tuple(RuleResult(rule.id, rule.slug, outcome, rule.severity, reason=reason) for rule in rules)
