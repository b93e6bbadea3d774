"""What of an image makes findings under a policy, and what nobody can say: from stored outlines alone."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Final

from scanner.across import compare
from scanner.domain.outline import Outline, UnreadableOutline, load_outline
from scanner.domain.policy import Policy
from scanner.domain.rule import PlatformSummary, Rule
from scanner.domain.verdict import Outcome, Verdict
from scanner.judge import UNREAD, Weighed, apply, counts_against, weighed
from scanner.rulebook import RULES

LONGEST_SUBJECT: Final = 200
SUBJECT_KEPT: Final = 180

ABOUT_USER: Final = frozenset({*(f"NR{number}" for number in range(101, 109)), "NR110", "NR111", "NR113", "NR115"})
"""Rules about who runs: what USER says is the subject of their findings."""

RUNS_AS_ROOT: Final = frozenset({"NR101", "NR102", "NR103"})
"""Rules that a tag newly running as root violates."""

ACROSS: Final = frozenset(rule.id for rule in RULES if rule.across is not None)
"""Rules that compare platforms: their findings have none."""


@dataclass(frozen=True, slots=True)
class Cause:
    """A violated rule.

    :param rank: ``Severity.rank`` under the policy.
    :param decides: whether the policy fails what violates it.
    """

    rule: str
    rank: int
    decides: bool


@dataclass(frozen=True, slots=True)
class Causes:
    """Everything an image, or an index as a whole, is found to violate, and what nobody can say of it.

    :param unknown: rules that could not tell. Rules in neither are fine, or not asked for.
    :param blind: nothing at all can be said, by any rule.
    """

    violated: tuple[Cause, ...] = ()
    unknown: frozenset[str] = frozenset()
    blind: bool = False
    verdict: Verdict = Verdict.PASS


def causes_of(text: str, policy: Policy) -> Causes:
    """Read a stored outline under a policy; of one that cannot be read nothing is known."""
    asked = _loaded(text)
    applied = apply(policy, asked)
    if asked.settled is not None:
        return Causes(blind=asked.settled is Verdict.UNKNOWN, verdict=applied.verdict)
    said = list(weighed(policy, asked))
    return Causes(
        tuple(_cause(each) for each in said if each.outcome is Outcome.VIOLATED),
        frozenset(each.rule for each in said if each.outcome is Outcome.UNKNOWN),
        verdict=applied.verdict,
    )


def causes_across(platforms: Sequence[PlatformSummary], policy: Policy, rules: Sequence[Rule] = RULES) -> Causes:
    """What rules that compare platforms say of an index."""
    by_id = {rule.id: rule for rule in rules}
    results = compare(platforms, policy, rules).results
    said = [
        Weighed(each.rule, each.outcome, each.severity, counts_against(policy, by_id[each.rule], each.severity))
        for each in results
    ]
    return Causes(
        tuple(_cause(each) for each in said if each.outcome is Outcome.VIOLATED),
        frozenset(each.rule for each in said if each.outcome is Outcome.UNKNOWN),
    )


def asked_for(policy: Policy, rules: Iterable[Rule] = RULES) -> list[str]:
    """The rules that a policy has switched on."""
    return [rule.id for rule in rules if policy.setting(rule.id).enabled]


def subject_of(rule: str, declared_user: str) -> str:
    """What a finding of a rule is about; subjects that differ stay different when they are cut."""
    if rule not in ABOUT_USER:
        return ""
    if len(declared_user) <= LONGEST_SUBJECT:
        return declared_user
    mark = sha256(declared_user.encode()).hexdigest()[:16]
    return f"{declared_user[:SUBJECT_KEPT]} [{mark}]"


def _cause(each: Weighed) -> Cause:
    return Cause(each.rule, each.severity.rank, each.decides)


def _loaded(text: str) -> Outline:
    try:
        return load_outline(text)
    except UnreadableOutline:
        return UNREAD
