from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scanner.domain.verdict import Severity, Verdict, worst


@pytest.mark.parametrize(
    ("verdicts", "verdict"),
    [
        ([], Verdict.NOT_APPLICABLE),
        ([Verdict.NOT_APPLICABLE, Verdict.PASS], Verdict.PASS),
        ([Verdict.PASS, Verdict.UNKNOWN], Verdict.UNKNOWN),
        ([Verdict.UNKNOWN, Verdict.FAIL, Verdict.PASS], Verdict.FAIL),
    ],
)
def test_the_worst_platform_decides(verdicts: list[Verdict], verdict: Verdict) -> None:
    assert worst(verdicts) is verdict


@given(st.lists(st.sampled_from(Verdict)))
def test_pass_needs_every_platform(verdicts: list[Verdict]) -> None:
    if worst(verdicts) is Verdict.PASS:
        assert set(verdicts) <= {Verdict.PASS, Verdict.NOT_APPLICABLE}


def test_severities_fall_from_critical_to_info() -> None:
    assert [severity.weight for severity in Severity] == [100, 30, 10, 3, 0]
    assert all(one.rank < other.rank for one, other in pairwise(Severity))
