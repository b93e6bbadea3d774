from __future__ import annotations

import pytest

from scanner.domain.score import FORMULA, Grade, grade, image_score, unknown_share
from scanner.domain.verdict import Outcome, RuleResult, Severity, Verdict

PASS, FAIL, UNKNOWN, NONE = Verdict.PASS, Verdict.FAIL, Verdict.UNKNOWN, Verdict.NOT_APPLICABLE


def violated(*severities: Severity) -> list[RuleResult]:
    return [RuleResult(f"T{at}", "t", Outcome.VIOLATED, severity) for at, severity in enumerate(severities)]


@pytest.mark.parametrize(
    ("severities", "score"),
    [
        ((), 100),
        ((Severity.INFO,), 100),
        ((Severity.LOW,), 97),
        ((Severity.MEDIUM,), 90),
        ((Severity.HIGH,), 70),
        ((Severity.CRITICAL,), 0),
        ((Severity.HIGH, Severity.MEDIUM, Severity.LOW), 57),
        ((Severity.HIGH,) * 4, 0),
        ((Severity.CRITICAL, Severity.HIGH), 0),
    ],
)
def test_score_of_an_image(severities: tuple[Severity, ...], score: int) -> None:
    assert image_score(FAIL, violated(*severities)) == score


@pytest.mark.parametrize("verdict", [UNKNOWN, NONE])
def test_no_score_without_a_judgement(verdict: Verdict) -> None:
    assert image_score(verdict, violated(Severity.LOW)) is None


def test_only_violations_cost_points() -> None:
    results = [RuleResult("T1", "t", outcome, Severity.HIGH) for outcome in Outcome if outcome is not Outcome.VIOLATED]
    assert image_score(PASS, results) == 100


@pytest.mark.parametrize(
    ("score", "letter"),
    [(100, "A"), (95, "A"), (94.99, "B"), (85, "B"), (84, "C"), (70, "C"), (69, "D"), (50, "D"), (49, "F"), (0, "F")],
)
def test_letters(score: float, letter: str) -> None:
    assert grade(score) == Grade(letter)


def test_no_letter_without_a_score() -> None:
    assert grade(None, [UNKNOWN]) is None


@pytest.mark.parametrize(
    ("score", "verdicts", "protected", "letter", "capped"),
    [
        (100, [PASS] * 9 + [UNKNOWN], False, "A", False),  # exactly 10 %
        (100, [PASS] * 8 + [UNKNOWN], False, "C", True),
        (100, [PASS] * 8 + [UNKNOWN] + [NONE] * 50, False, "C", True),  # charts do not dilute
        (60, [PASS] * 8 + [UNKNOWN], False, "D", False),
        (100, [PASS, FAIL], True, "D", True),
        (60, [PASS, FAIL], True, "D", False),
        (10, [PASS, FAIL], True, "F", False),
        (100, [PASS, UNKNOWN], True, "D", True),  # the lower cap wins
    ],
)
def test_caps(score: float, verdicts: list[Verdict], protected: bool, letter: str, capped: bool) -> None:
    found = grade(score, verdicts, protected_tag_fails=protected)
    assert found is not None
    assert (found.letter, found.capped_by is not None) == (letter, capped)


def test_unknown_share_of_nothing() -> None:
    assert unknown_share([NONE]) == 0


def test_formula_names_every_weight() -> None:
    for severity in Severity:
        assert f"{severity} {severity.weight}" in FORMULA
