"""A repository in numbers, from the counts of its tags."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from scanner.domain.score import grade
from scanner.domain.verdict import Verdict, worst


@dataclass(frozen=True, slots=True)
class Totals:
    """Counts of listed tags by verdict; ``score`` is the mean of those that have one.

    :param protected_fails: whether a protected tag is among those that fail.
    """

    passed: int
    failed: int
    unknown: int
    not_applicable: int
    score: Decimal | None
    protected_fails: bool = False

    @property
    def tags(self) -> int:
        """All of them."""
        return self.evaluated + self.not_applicable

    @property
    def evaluated(self) -> int:
        """Those that could run."""
        return self.passed + self.failed + self.unknown

    @property
    def verdict(self) -> Verdict:
        """The worst of its tags."""
        counts = {
            Verdict.PASS: self.passed,
            Verdict.FAIL: self.failed,
            Verdict.UNKNOWN: self.unknown,
        }
        return worst(verdict for verdict, count in counts.items() if count)

    @property
    def grade(self) -> str:
        """A letter, or nothing while there is no score."""
        verdicts = [Verdict.UNKNOWN] * self.unknown + [Verdict.PASS] * (self.passed + self.failed)
        score = None if self.score is None else float(self.score)
        found = grade(score, verdicts, protected_tag_fails=self.protected_fails)
        return found.letter if found else ""
