from __future__ import annotations

from datetime import timedelta

import pytest

from compliance.policy.retry import retry_in
from scanner.domain.problems import Refused, ScanProblem, Unavailable

SOON = timedelta(minutes=1)
LIMITED = Unavailable("rate-limited", "429", retry_after=40)

CASES = [
    (Refused("denied", "403"), 1, SOON, None),
    (Unavailable("server-error", "503"), 1, SOON, 15),
    (Unavailable("server-error", "503"), 2, SOON, 30),
    (Unavailable("server-error", "503"), 3, SOON, None),
    (Unavailable("server-error", "503", retry_after=7), 1, SOON, 7),
    (Unavailable("server-error", "503", retry_after=0), 1, SOON, 1),
    (LIMITED, 1, SOON, 40),
    (LIMITED, 9, SOON, 40),
    (LIMITED, 1, timedelta(hours=7), None),
    (Unavailable("rate-limited", "429"), 9, SOON, 15 * 60),
]


@pytest.mark.parametrize(("problem", "attempts", "waited", "seconds"), CASES)
def test_retry_in(problem: ScanProblem, attempts: int, waited: timedelta, seconds: float | None) -> None:
    answer = retry_in(problem, attempts, waited)

    assert answer == (None if seconds is None else timedelta(seconds=seconds))
