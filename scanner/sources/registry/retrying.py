"""Asks again, but only after faults that pass, and never for long inside one worker."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import count
from typing import TypeVar

from scanner.domain.limits import Limits
from scanner.domain.problems import Unavailable
from scanner.sources.registry.exchange import Call

T = TypeVar("T")
_EARNED_BY_AN_ANSWER = 0.05
"""Seconds of waiting."""


@dataclass(slots=True)
class Patience:
    """Full jitter: before each repetition wait up to twice as long as before the last, or as long as the registry said.

    All questions to one registry share ``limits.retry_wait_seconds`` of waiting, of which each answer gives a little
    back: so a storm of refusals does not keep a worker, which has other registries to ask, and a fault now and then is
    waited out however long the work takes.

    :param sleep: waits so many seconds.
    :param fraction: a random number in [0, 1).
    """

    limits: Limits
    sleep: Callable[[float], None] = time.sleep
    fraction: Callable[[], float] = random.random
    _spent: float = 0.0
    _guard: threading.Lock = field(default_factory=threading.Lock)

    def insist(self, action: Callable[[Call], T]) -> T:
        """Repeat ``action`` until it succeeds, fails for good, or wants more time than is left.

        :raises SourceProblem: the last one; an ``Unavailable`` carries ``retry_after`` where the registry said it.
        """
        call = Call(self.limits.question_requests)
        for attempt in count():
            try:
                answer = action(call)
            except Unavailable as problem:
                if attempt >= self.limits.retries:
                    problem.remedy += f" It was asked {attempt + 1} times; PLIMSOLL_RETRIES says how often."
                    raise
                wait = None if call.has_cost_enough else self._wait(problem, attempt)
                if wait is None:
                    raise
                self.sleep(wait)
            else:
                self._earn()
                return answer
        raise AssertionError("count() does not end")

    def _wait(self, problem: Unavailable, attempt: int) -> float | None:
        """Take from what is left, unless that is too little."""
        asked = problem.retry_after or 0.0
        with self._guard:
            left = self.limits.retry_wait_seconds - self._spent
            if asked > left:
                if asked > self.limits.retry_wait_seconds:
                    problem.remedy += " It asks for a longer wait than PLIMSOLL_RETRY_WAIT_SECONDS."
                return None
            if left <= 0:
                problem.remedy += " It was waited for PLIMSOLL_RETRY_WAIT_SECONDS already."
                return None
            wait = max(asked, min(self.fraction() * self._longest(attempt), left))
            self._spent += wait
            return wait

    def _longest(self, attempt: int) -> float:
        """Each twice the one before, and all that one question may need within what there is."""
        longest: float = self.limits.retry_wait_seconds * 2.0**attempt / (2.0**self.limits.retries - 1.0)
        return longest

    def _earn(self) -> None:
        if self._spent:
            with self._guard:
                self._spent = max(0.0, self._spent - _EARNED_BY_AN_ANSWER)
