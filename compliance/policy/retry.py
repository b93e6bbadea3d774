"""When work that met a passing fault is tried again or given up, and how long a failing registry is left alone."""

from __future__ import annotations

from datetime import timedelta

from scanner.domain.problems import ScanProblem, Unavailable

MOST_ATTEMPTS = 3
"""Tries without any progress before a piece of work ends as failed."""

PATIENCE = timedelta(hours=6)
"""How long a registry may put us off by rate limits before the scan is given up."""

FAILURES_UNTIL_PAUSE = 5
"""In a row, of one registry; each is a listing or a turn at a repository, whose questions were already repeated."""

LONGEST_ASKED = timedelta(hours=1)
"""However long a registry asks us to wait, it is asked again after this."""

_FIRST_WAIT = timedelta(seconds=15)
_LONGEST_WAIT = timedelta(minutes=15)
_FIRST_PAUSE = timedelta(seconds=30)
_LONGEST_PAUSE = timedelta(minutes=30)
_JITTER = 0.2


class OwnLimit(Unavailable):
    """We are to ask no more for now, by a limit of the registry's settings; nothing is wrong with the registry."""


def retry_in(problem: ScanProblem, attempts: int, waited: timedelta) -> timedelta | None:
    """How long to wait before the next try, or ``None`` to give up.

    :param attempts: how often it was tried without progress, this time included.
    :param waited: time since the work was asked for.
    """
    if not isinstance(problem, Unavailable):
        return None
    # A registry that says when to come back is not broken, so its answers do not count as failed attempts.
    if isinstance(problem, OwnLimit):
        return _asked_for(problem) or _FIRST_WAIT
    if problem.code == "rate-limited":
        patient = max(wait_after(attempts), _longer_and_longer(waited))
        return None if waited > PATIENCE else _asked_for(problem) or patient
    if attempts >= MOST_ATTEMPTS:
        return None
    return _asked_for(problem) or wait_after(attempts)


def wait_after(attempts: int) -> timedelta:
    """15 s, 30 s, 60 s … but no more than 15 minutes."""
    doublings = min(max(attempts - 1, 0), 10)
    return min(_FIRST_WAIT * (1 << doublings), _LONGEST_WAIT)


def pause_after(failures: int, fraction: float) -> timedelta | None:
    """30 s after the fifth failure in a row, twice as long after each further one, at most half an hour; else none.

    :param fraction: a random number in [0, 1): up to a fifth is added, so that registries do not fall in step.
    """
    if failures < FAILURES_UNTIL_PAUSE:
        return None
    doublings = min(failures - FAILURES_UNTIL_PAUSE, 10)
    return min(_FIRST_PAUSE * (1 << doublings), _LONGEST_PAUSE) * (1 + _JITTER * fraction)


def pause_when_limited(problem: Unavailable) -> timedelta:
    """How long a registry that limits us is left alone altogether, so that not every repository runs into it."""
    return _asked_for(problem) or _FIRST_PAUSE


def _longer_and_longer(waited: timedelta) -> timedelta:
    """Answers of a limit do not count as attempts, so the time since the beginning says how patient to be."""
    return min(waited / 4, _LONGEST_WAIT)


def _asked_for(problem: Unavailable) -> timedelta | None:
    if problem.retry_after is None:
        return None
    seconds = min(max(problem.retry_after, 1.0), LONGEST_ASKED.total_seconds())
    return timedelta(seconds=seconds)
