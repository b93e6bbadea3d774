"""What a baseline accepted, and what it did not."""

from __future__ import annotations

import pytest

from compliance.remediation.baseline import why_new
from scanner.domain.verdict import Severity

CRITICAL, HIGH, LOW = Severity.CRITICAL.rank, Severity.HIGH.rank, Severity.LOW.rank
ROOT_NOW = "A tag that ran as another user before runs as root now."


@pytest.mark.parametrize(
    ("was", "became", "scanned", "turned", "opens", "why"),
    [
        (HIGH, HIGH, True, False, False, None),
        (HIGH, LOW, True, False, False, None),
        (HIGH, CRITICAL, True, False, False, "It got worse than what was accepted: critical, and high before."),
        (LOW, HIGH, True, False, False, "It got worse than what was accepted: high, and low before."),
        (HIGH, CRITICAL, False, False, False, None),
        (CRITICAL, CRITICAL, True, True, False, ROOT_NOW),
        (HIGH, CRITICAL, True, True, False, ROOT_NOW),
        (HIGH, CRITICAL, False, True, False, ROOT_NOW),
        (HIGH, HIGH, True, False, True, ""),
        (HIGH, HIGH, False, False, True, ""),
        (HIGH, CRITICAL, True, False, True, ""),
    ],
    ids=[
        "as it was",
        "better",
        "worse",
        "worse, and not the worst",
        "a policy calls it worse",
        "a regression of what was critical",
        "a regression",
        "a regression that judging again finds",
        "fixed and back",
        "a policy asks for it again",
        "back, and worse",
    ],
)
def test_why_it_is_new(was: int, became: int, scanned: bool, turned: bool, opens: bool, why: str | None) -> None:
    assert why_new(was, became, scanned=scanned, turned=turned, opens=opens) == why
