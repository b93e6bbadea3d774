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
    """Where a rule comes from; ``url`` stays empty where only the title is certain."""

    title: str
    url: str = ""


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule with its metadata beside its check.

    :param check: ``(facts, threshold) -> Finding``; pure. A check that raises counts as unknown.
    :param why: one sentence.
    :param decided: how the answer comes about, for the rule's page: a few sentences of Markdown.
    :param threshold: the default number, where the rule has one; ``threshold_means`` says what it is.
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
    decided: str
    threshold: int | None = None
    threshold_means: str = ""


def ok(reason: str | None = None) -> Finding:
    """The image is fine."""
    return Finding(Outcome.OK, reason)


def unknown(reason: str) -> Finding:
    """The rule cannot tell."""
    return Finding(Outcome.UNKNOWN, reason)


def not_applicable(reason: str) -> Finding:
    """The question does not arise for this image."""
    return Finding(Outcome.NOT_APPLICABLE, reason)
