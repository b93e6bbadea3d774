"""What a rule answers, and what follows for an image and a tag."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

Evidence = Mapping[str, str | int | None]
"""Flat facts a person can check: ``layer``, ``path``, ``line``, ``text``, ``declared`` …"""


class Outcome(StrEnum):
    """A rule's answer. *Unknown* says that the rule could not tell, and is never read as *ok*."""

    OK = "ok"
    VIOLATED = "violated"
    UNKNOWN = "unknown"
    NOT_APPLICABLE = "not_applicable"


class Severity(StrEnum):
    """How much a violated rule weighs."""

    CRITICAL = "critical"
    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"
    INFO = "info"

    @property
    def weight(self) -> int:
        """Points taken from 100."""
        return _WEIGHTS[self]

    @property
    def rank(self) -> int:
        """0 for critical, growing as it matters less."""
        return list(Severity).index(self)


_WEIGHTS: Mapping[Severity, int] = {
    Severity.CRITICAL: 100,
    Severity.HIGH: 30,
    Severity.MEDIUM: 10,
    Severity.LOW: 3,
    Severity.INFO: 0,
}


class Verdict(StrEnum):
    """Of an image or a tag under a policy."""

    PASS = "pass"
    FAIL = "fail"
    UNKNOWN = "unknown"
    NOT_APPLICABLE = "not_applicable"


_WORST_FIRST = (Verdict.FAIL, Verdict.UNKNOWN, Verdict.PASS, Verdict.NOT_APPLICABLE)


def worst(verdicts: Iterable[Verdict]) -> Verdict:
    """A tag's verdict from its platforms'; nothing to judge is *not applicable*."""
    seen = set(verdicts)
    return next((verdict for verdict in _WORST_FIRST if verdict in seen), Verdict.NOT_APPLICABLE)


@dataclass(frozen=True, slots=True)
class RuleResult:
    """One rule's answer for one image.

    :param severity: as the policy counts it; ``None`` where the policy has the rule switched off.
    :param evidence: empty unless violated; several places come as several mappings.
    :param fix: what to change in *this* image, as Markdown with code blocks; empty unless violated.
    :param reason: why it is unknown or not applicable, or one sentence on the violation.
    """

    rule: str
    slug: str
    outcome: Outcome
    severity: Severity
    evidence: tuple[Evidence, ...] = ()
    fix: str = ""
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Judgement:
    """An image under a policy.

    :param score: 0 to 100, or ``None`` while unknown or not applicable.
    :param failed_on: ids of the rules that decided a *fail*.
    """

    verdict: Verdict
    score: int | None
    results: tuple[RuleResult, ...] = field(default_factory=tuple)
    failed_on: tuple[str, ...] = ()
