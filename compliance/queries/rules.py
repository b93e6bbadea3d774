"""Rules, read-only: what the rulebook says and how many tags violate it now."""

from __future__ import annotations

from dataclasses import dataclass

from compliance.access import Actor
from compliance.models import PolicyVersion
from compliance.policy.document import read_policy
from compliance.queries.violations import MOST_OF_EACH, Violations, count_violations
from scanner.domain.policy import Policy
from scanner.domain.rule import Category, Rule
from scanner.judge import counts_against
from scanner.rulebook import RULES


@dataclass(frozen=True, slots=True)
class RuleRow:
    """A rule and how many tags violate it."""

    rule: Rule
    violations: Violations


@dataclass(frozen=True, slots=True)
class RuleGroup:
    """The rules of one category."""

    category: Category
    rows: tuple[RuleRow, ...]


@dataclass(frozen=True, slots=True)
class Treatment:
    """What one policy does with one rule."""

    policy: str
    title: str
    enabled: bool
    fails: bool
    severity: str
    threshold: int | None


@dataclass(frozen=True, slots=True)
class RulePage:
    """A rule, how many tags violate it, what each policy makes of it."""

    rule: Rule
    violations: Violations
    treatments: tuple[Treatment, ...]


def list_rules(actor: Actor) -> tuple[RuleGroup, ...]:
    """Every rule by category, in the order of the rulebook, counted with one query."""
    counts = count_violations((rule.id for rule in RULES), actor, most=MOST_OF_EACH)
    groups = ((category, [rule for rule in RULES if rule.category is category]) for category in Category)
    return tuple(
        RuleGroup(category, tuple(RuleRow(rule, counts[rule.id]) for rule in rules))
        for category, rules in groups
        if rules
    )


def rule_page(rule_id: str, actor: Actor) -> RulePage | None:
    """One rule, or ``None``."""
    rule = next((rule for rule in RULES if rule.id == rule_id), None)
    if rule is None:
        return None
    return RulePage(rule, count_violations([rule.id], actor)[rule.id], tuple(_treatment(rule, p) for p in _current()))


def fails_on(policy: Policy, rule: Rule) -> bool:
    """Whether a violation of this rule, at the severity it usually has, makes an image fail."""
    return counts_against(policy, rule, policy.setting(rule.id).severity or rule.severity)


def _current() -> list[Policy]:
    versions = PolicyVersion.objects.exclude(current_of=None).order_by("policy__name")
    return [read_policy(version.document) for version in versions]


def _treatment(rule: Rule, policy: Policy) -> Treatment:
    setting = policy.setting(rule.id)
    return Treatment(
        policy.name,
        policy.title,
        setting.enabled,
        fails_on(policy, rule),
        str(setting.severity or rule.severity),
        setting.threshold if setting.threshold is not None else rule.threshold,
    )
