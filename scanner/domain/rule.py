"""The shape of a rule. Each rule is one file in ``scanner.rules`` that ends in ``RULE = Rule(...)``."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from scanner.domain.facts import ImageFacts
from scanner.domain.verdict import Evidence, Outcome, Severity, Verdict


class Category(StrEnum):
    """What a rule asks about; the first digit of its id."""

    IDENTITY = "Identity"
    ACCOUNTS = "Accounts"
    ARBITRARY_UID = "Arbitrary uid"
    PRIVILEGES = "Privileges"
    HABITS = "Build habits"


@dataclass(frozen=True, slots=True)
class Finding:
    """What a check answers.

    :param reason: one sentence; required for *unknown* and *not applicable*.
    :param fix: Markdown for this image; only for *violated*.
    :param below: for a rule with a threshold: the image's own number. The rule is violated where it is less than the
        threshold and *ok* where it is not, whatever the threshold; ``None`` where no threshold changes the answer.
    """

    outcome: Outcome
    reason: str | None = None
    evidence: tuple[Evidence, ...] = ()
    fix: str = ""
    severity: Severity | None = None
    below: int | None = None


@dataclass(frozen=True, slots=True)
class PlatformSummary:
    """One platform of an index, as a rule that compares platforms sees it.

    :param identity: uid, gid and groups on Docker in one word; the start error where it does not start.
    """

    platform: str
    digest: str
    verdict: Verdict
    identity: str


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
    :param decides: ``False`` for hints and habits, which no policy can make an image fail on.
    :param across: for a rule about an index: compares its platforms, and then ``check`` is *not applicable*.
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
    decides: bool = True
    across: Callable[[Sequence[PlatformSummary]], Finding] | None = None

    @property
    def category(self) -> Category:
        """Its group on pages."""
        return tuple(Category)["12345".index(self.id[2])]


def ok(reason: str | None = None) -> Finding:
    """The image is fine."""
    return Finding(Outcome.OK, reason)


def unknown(reason: str) -> Finding:
    """The rule cannot tell."""
    return Finding(Outcome.UNKNOWN, reason)


def not_applicable(reason: str) -> Finding:
    """The question does not arise for this image."""
    return Finding(Outcome.NOT_APPLICABLE, reason)
