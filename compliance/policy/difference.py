"""What one policy does otherwise than another, rule by rule: what counts, not how it is written down."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from scanner.domain.policy import Policy
from scanner.domain.rule import Rule
from scanner.judge import counts_against
from scanner.rulebook import RULES


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that differs.

    :param rule: its id; empty for what is said of the policy as a whole.
    :param what: ``title``, ``fails at``, ``rule``, ``verdict``, ``severity`` or ``threshold``.
    """

    rule: str
    what: str
    before: str
    after: str


def diff_policies(before: Policy, after: Policy, rules: Sequence[Rule] = RULES) -> tuple[Difference, ...]:
    """Every difference, in the order of the rulebook; none where both judge every image alike."""
    found = [
        Difference("", "title", before.title, after.title),
        Difference("", "fails at", *(str(policy.fails_at or "named rules only") for policy in (before, after))),
    ]
    for rule in rules:
        found.extend(_of_rule(rule, before, after))
    return tuple(difference for difference in found if difference.before != difference.after)


def _of_rule(rule: Rule, before: Policy, after: Policy) -> Iterator[Difference]:
    settings = before.setting(rule.id), after.setting(rule.id)
    yield Difference(rule.id, "rule", *("on" if setting.enabled else "off" for setting in settings))
    if not all(setting.enabled for setting in settings):
        return  # what else is said of a rule that is off says nothing
    severities = [setting.severity or rule.severity for setting in settings]
    counted = [
        counts_against(policy, rule, severity) for policy, severity in zip((before, after), severities, strict=True)
    ]
    yield Difference(rule.id, "verdict", *("fails" if fails else "does not fail" for fails in counted))
    yield Difference(rule.id, "severity", *(severity.value for severity in severities))
    thresholds = (rule.threshold if setting.threshold is None else setting.threshold for setting in settings)
    yield Difference(rule.id, "threshold", *("" if threshold is None else str(threshold) for threshold in thresholds))
