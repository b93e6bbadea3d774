"""The shape of a rule. Each rule is one file in ``scanner.rules`` that ends in ``RULE = Rule(...)``."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from scanner.domain.facts import ImageFacts
from scanner.domain.verdict import Evidence, Outcome, Severity


@dataclass(frozen=True, slots=True)
class Finding:
    """What a check answers.

    :param reason: one sentence; required for *unknown* and *not applicable*.
    :param fix: Markdown for this image; only for *violated*.
    """

    outcome: Outcome
    reason: str | None = None
    evidence: tuple[Evidence, ...] = ()
    fix: str = ""
    severity: Severity | None = None


@dataclass(frozen=True, slots=True)
class Example:
    """A small Dockerfile that violates the rule, or one that is fine."""

    title: str
    dockerfile: str


@dataclass(frozen=True, slots=True)
class Link:
    """Where a rule comes from."""

    title: str
    url: str = ""


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule with its metadata beside its check.

    :param check: ``(facts, threshold) -> Finding``; pure. A check that raises counts as unknown.
    :param why: one sentence.
    :param threshold: the default number, where the rule has one.
    """

    id: str
    slug: str
    title: str
    why: str
    severity: Severity
    references: tuple[Link, ...]
    violating: Example
    fine: Example
    check: Callable[[ImageFacts, int | None], Finding]
    threshold: int | None = None
