from __future__ import annotations

from datetime import timedelta

import pytest

from compliance.policy.retry import OwnLimit, pause_after, pause_when_limited, retry_in
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
    (Unavailable("rate-limited", "429"), 1, timedelta(minutes=20), 5 * 60),
    (Unavailable("rate-limited", "429"), 1, timedelta(hours=5), 15 * 60),
    (Unavailable("rate-limited", "429", retry_after=1e9), 1, SOON, 3_600),
    (Unavailable("server-error", "503", retry_after=1e9), 1, SOON, 3_600),
    (Unavailable("rate-limited", "429", retry_after=-5), 1, SOON, 1),
    (OwnLimit("rate-limited", "ours", retry_after=30), 9, timedelta(days=2), 30),
]


@pytest.mark.parametrize(("problem", "attempts", "waited", "seconds"), CASES)
def test_retry_in(problem: ScanProblem, attempts: int, waited: timedelta, seconds: float | None) -> None:
    answer = retry_in(problem, attempts, waited)

    assert answer == (None if seconds is None else timedelta(seconds=seconds))


PAUSES = [(0, None), (4, None), (5, 30), (6, 60), (7, 120), (10, 960), (11, 1_800), (500, 1_800)]


@pytest.mark.parametrize(("failures", "seconds"), PAUSES)
def test_a_failing_registry_is_left_alone_longer_each_time(failures: int, seconds: int | None) -> None:
    least, most = pause_after(failures, 0.0), pause_after(failures, 0.999)

    assert least == (None if seconds is None else timedelta(seconds=seconds))
    assert seconds is None or (least is not None and most is not None and least < most < least * 1.2)


@pytest.mark.parametrize(("asked", "seconds"), [(None, 30), (7.0, 7), (0.0, 1), (1e9, 3_600)])
def test_a_registry_that_limits_us_is_left_alone(asked: float | None, seconds: int) -> None:
    assert pause_when_limited(Unavailable("rate-limited", "429", retry_after=asked)) == timedelta(seconds=seconds)
