"""Asks again, but only after faults that pass, and never for long inside one worker."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from itertools import count
from typing import TypeVar

from scanner.domain.limits import Limits
from scanner.domain.problems import Unavailable
from scanner.sources.registry.exchange import Call

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Patience:
    """Full jitter: before the n-th repetition wait between 0 and 2^n seconds, or as long as the registry said.

    :param sleep: waits so many seconds.
    :param fraction: a random number in [0, 1).
    """

    limits: Limits
    sleep: Callable[[float], None] = time.sleep
    fraction: Callable[[], float] = random.random

    def insist(self, action: Callable[[Call], T]) -> T:
        """Repeat ``action`` until it succeeds, fails for good, or the registry wants more time than we wait here.

        :raises SourceProblem: the last one; an ``Unavailable`` carries ``retry_after`` where the registry said it.
        """
        call = Call(self.limits.question_requests)
        for attempt in count():
            try:
                return action(call)
            except Unavailable as problem:
                asked = problem.retry_after or 0.0
                if asked > self.limits.retry_wait_seconds:
                    problem.remedy += " It asks for a longer wait than PLIMSOLL_RETRY_WAIT_SECONDS."
                    raise
                if attempt >= self.limits.retries:
                    problem.remedy += f" It was asked {attempt + 1} times; PLIMSOLL_RETRIES says how often."
                    raise
                if call.has_cost_enough:
                    raise
                self.sleep(max(asked, self._backoff(attempt)))
        raise AssertionError("count() does not end")

    def _backoff(self, attempt: int) -> float:
        longest: float = min(self.limits.retry_wait_seconds, 2.0**attempt)
        return self.fraction() * longest
