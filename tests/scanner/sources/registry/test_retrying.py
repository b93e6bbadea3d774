"""Asking again: when, how often, how long between."""

from __future__ import annotations

import pytest

from scanner.domain.limits import DEFAULT_LIMITS
from scanner.domain.problems import Refused, Unavailable
from scanner.sources.registry.exchange import Call
from scanner.sources.registry.retrying import Patience


class Faulty:
    """Fails with each problem in turn, then succeeds."""

    def __init__(self, *problems: Exception, requests: int = 1) -> None:
        self.problems = list(problems)
        self.calls = 0
        self.requests = requests

    def __call__(self, call: Call) -> str:
        self.calls += 1
        for _ in range(self.requests):
            call.spend()
        if self.problems:
            raise self.problems.pop(0)
        return "done"


def patience(waits: list[float]) -> Patience:
    return Patience(DEFAULT_LIMITS, waits.append, lambda: 0.5)


def passing(retry_after: float | None = None) -> Unavailable:
    return Unavailable("server-error", "x", retry_after=retry_after)


def test_passing_faults_are_waited_out_with_growing_pauses() -> None:
    waits: list[float] = []
    assert patience(waits).insist(Faulty(*[passing() for _ in range(4)])) == "done"
    assert [round(wait * 6) for wait in waits] == [1, 2, 4, 8]


def test_five_attempts_and_no_more() -> None:
    action = Faulty(*[passing() for _ in range(9)])
    with pytest.raises(Unavailable):
        patience([]).insist(action)
    assert action.calls == 5


def test_permanent_problems_are_not_repeated() -> None:
    action = Faulty(Refused("denied", "x"))
    with pytest.raises(Refused):
        patience([]).insist(action)
    assert action.calls == 1


def test_the_registry_may_ask_for_more_time() -> None:
    waits: list[float] = []
    patience(waits).insist(Faulty(passing(3), passing(0)))
    assert waits == [3, pytest.approx(1 / 3)]


def test_a_long_wait_is_left_to_the_caller() -> None:
    action, waits = Faulty(passing(61)), list[float]()
    with pytest.raises(Unavailable) as caught:
        patience(waits).insist(action)
    assert (action.calls, waits, caught.value.retry_after) == (1, [], 61)


def test_a_storm_keeps_nobody_waiting_for_more_than_five_seconds() -> None:
    waits: list[float] = []
    asking = patience(waits)
    calls = 0
    for _ in range(50):
        action = Faulty(*[Unavailable("rate-limited", "429", retry_after=1) for _ in range(9)])
        with pytest.raises(Unavailable):
            asking.insist(action)
        calls += action.calls

    assert sum(waits) <= 5
    assert calls <= 50 + len(waits)


def test_answers_give_patience_back() -> None:
    waits: list[float] = []
    asking = patience(waits)
    for _ in range(400):
        asking.insist(Faulty(passing()))
        for _ in range(10):
            asking.insist(Faulty())

    assert waits == [pytest.approx(1 / 6)] * 400


@pytest.mark.parametrize("asked", [1e9, 6.0])
def test_what_the_registry_asks_for_is_told_not_slept(asked: float) -> None:
    waits: list[float] = []
    with pytest.raises(Unavailable) as caught:
        patience(waits).insist(Faulty(passing(asked)))
    assert (waits, caught.value.retry_after) == ([], asked)


def test_a_call_that_cost_eight_requests_ends() -> None:
    action = Faulty(*[passing() for _ in range(9)], requests=3)
    with pytest.raises(Unavailable):
        patience([]).insist(action)
    assert action.calls == 3
