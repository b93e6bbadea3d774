"""Numbers from verdicts: an image's score, a repository's score, a letter.

The score says how far an image is from clean; the verdict says whether it is good enough. Where they disagree the
verdict is right, which is why the caps below tie the letter to it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction

from scanner.domain.verdict import Outcome, RuleResult, Severity, Verdict

HIGHEST = 100
GRADES: tuple[tuple[int, str], ...] = ((95, "A"), (85, "B"), (70, "C"), (50, "D"), (0, "F"))
UNKNOWN_SHARE_CAP = Fraction(1, 10)
"""More unknown tags than this cap the grade at C."""

_WORST_FIRST = "FDCBA"

FORMULA = (
    f"Score of an image = {HIGHEST} − the weights of its violated rules ("
    + ", ".join(f"{severity} {severity.weight}" for severity in Severity)
    + "), never below 0; no score while the verdict is unknown or not applicable. "
    "Score of a repository = the mean over its tags that have one. Grade: "
    + ", ".join(f"{letter} from {least}" for least, letter in GRADES[:-1])
    + ", else F; a failing protected tag caps the grade at D, more than 10 % unknown tags cap it at C."
)
"""The formula as the pages print it."""


@dataclass(frozen=True, slots=True)
class Grade:
    """A letter, and why it is not better than the score alone would make it."""

    letter: str
    capped_by: str | None = None


def image_score(verdict: Verdict, results: Iterable[RuleResult]) -> int | None:
    """0 to 100 for an image that was judged, ``None`` for one that was not."""
    return score_without(verdict, (result.severity for result in results if result.outcome is Outcome.VIOLATED))


def score_without(verdict: Verdict, violated: Iterable[Severity]) -> int | None:
    """The same from the severities of the violated rules."""
    if verdict in (Verdict.UNKNOWN, Verdict.NOT_APPLICABLE):
        return None
    return max(0, HIGHEST - sum(severity.weight for severity in violated))


def grade(score: float | None, verdicts: Sequence[Verdict] = (), *, protected_tag_fails: bool = False) -> Grade | None:
    """The letter of a repository, or of one image when no verdicts are given.

    :param verdicts: of all tags of the repository; those *not applicable* are not counted.
    :param protected_tag_fails: whether a tag somebody marked as protected has the verdict *fail*.
    """
    if score is None:
        return None
    letter = next(letter for least, letter in GRADES if score >= least)
    if protected_tag_fails and _better(letter, "D"):
        return Grade("D", "a protected tag fails")
    if unknown_share(verdicts) > UNKNOWN_SHARE_CAP and _better(letter, "C"):
        return Grade("C", "more than 10 % of the tags are unknown")
    return Grade(letter)


def unknown_share(verdicts: Iterable[Verdict]) -> Fraction:
    """The part of the counted tags whose verdict is *unknown*; 0 when nothing counts."""
    counted = [verdict for verdict in verdicts if verdict is not Verdict.NOT_APPLICABLE]
    unknown = sum(verdict is Verdict.UNKNOWN for verdict in counted)
    return Fraction(unknown, len(counted)) if counted else Fraction(0)


def _better(letter: str, cap: str) -> bool:
    return _WORST_FIRST.index(letter) > _WORST_FIRST.index(cap)
