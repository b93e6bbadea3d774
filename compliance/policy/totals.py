"""A repository in numbers, from the counts of its tags."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from scanner.domain.score import grade
from scanner.domain.verdict import Verdict


class Shown(StrEnum):
    """What tags and repositories show: a verdict, or that nothing but waived violations fails them."""

    FAIL = "fail"
    UNKNOWN = "unknown"
    WAIVED = "waived"
    PASS = "pass"
    NOT_APPLICABLE = "not_applicable"


@dataclass(frozen=True, slots=True)
class Totals:
    """Counts of listed tags by what they show; ``score`` is the mean of those that pass or fail.

    :param protected_fails: whether a protected tag is among those that fail.
    :param waived: neither passed nor failed: they have no part in the grade.
    """

    passed: int
    failed: int
    unknown: int
    not_applicable: int
    score: Decimal | None
    protected_fails: bool = False
    waived: int = 0

    @property
    def tags(self) -> int:
        """All of them."""
        return self.evaluated + self.not_applicable

    @property
    def evaluated(self) -> int:
        """Those that could run."""
        return self.passed + self.failed + self.unknown + self.waived

    @property
    def shown(self) -> Shown:
        """The worst of its tags."""
        counts = (
            (Shown.FAIL, self.failed),
            (Shown.UNKNOWN, self.unknown),
            (Shown.WAIVED, self.waived),
            (Shown.PASS, self.passed),
        )
        return next((shown for shown, count in counts if count), Shown.NOT_APPLICABLE)

    @property
    def grade(self) -> str:
        """A letter, or nothing while there is no score."""
        verdicts = [Verdict.UNKNOWN] * self.unknown + [Verdict.PASS] * (self.passed + self.failed)
        score = None if self.score is None else float(self.score)
        found = grade(score, verdicts, protected_tag_fails=self.protected_fails)
        return found.letter if found else ""
