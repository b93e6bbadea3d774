"""When work that met a passing fault is tried again, and when it is given up."""

from __future__ import annotations

from datetime import timedelta

from scanner.domain.problems import ScanProblem, Unavailable

MOST_ATTEMPTS = 3
"""Tries without any progress before a piece of work ends as failed."""

PATIENCE = timedelta(hours=6)
"""How long a registry may put us off by rate limits before the scan is given up."""

_FIRST_WAIT = timedelta(seconds=15)
_LONGEST_WAIT = timedelta(minutes=15)


def retry_in(problem: ScanProblem, attempts: int, waited: timedelta) -> timedelta | None:
    """How long to wait before the next try, or ``None`` to give up.

    :param attempts: how often it was tried without progress, this time included.
    :param waited: time since the work was asked for.
    """
    if not isinstance(problem, Unavailable):
        return None
    # A registry that says when to come back is not broken, so its answers do not count as failed attempts.
    if problem.code == "rate-limited":
        return None if waited > PATIENCE else _asked_for(problem) or wait_after(attempts)
    if attempts >= MOST_ATTEMPTS:
        return None
    return _asked_for(problem) or wait_after(attempts)


def wait_after(attempts: int) -> timedelta:
    """15 s, 30 s, 60 s … but no more than 15 minutes."""
    doublings = min(max(attempts - 1, 0), 10)
    return min(_FIRST_WAIT * (1 << doublings), _LONGEST_WAIT)


def _asked_for(problem: Unavailable) -> timedelta | None:
    if problem.retry_after is None:
        return None
    seconds = min(max(problem.retry_after, 1.0), PATIENCE.total_seconds())
    return timedelta(seconds=seconds)
