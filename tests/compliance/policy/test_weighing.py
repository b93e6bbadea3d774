from __future__ import annotations

import pytest

from compliance.policy.weighing import because, deciding, weigh
from scanner.domain.outline import dump_outline
from scanner.domain.verdict import Verdict
from scanner.judge import ask, outline
from scanner.policies import BASELINE, KUBERNETES
from tests.support.clean import clean


def test_a_stored_outline_is_weighed() -> None:
    text = dump_outline(outline(ask(clean("app"))))
    assert weigh(BASELINE, text).verdict is Verdict.PASS
    assert weigh(KUBERNETES, text).failed_on == ("NR105",)


@pytest.mark.parametrize("text", ["", "{}", '{"schema":9}'])
def test_one_that_cannot_be_read_is_unknown(text: str) -> None:
    assert weigh(KUBERNETES, text).verdict is Verdict.UNKNOWN


@pytest.mark.parametrize(
    ("verdict", "rules"),
    [(Verdict.FAIL, {"A"}), (Verdict.UNKNOWN, {"B"}), (Verdict.PASS, set()), (Verdict.NOT_APPLICABLE, set())],
)
def test_who_decides(verdict: Verdict, rules: set[str]) -> None:
    assert deciding(verdict, ("A",), ("B",)) == rules


@pytest.mark.parametrize(
    ("before", "after", "rules"),
    [
        ("", "B", "B"),
        ("A", "", "A"),
        ("A", "AB", "B"),
        ("AB", "A", "B"),
        ("A", "B", "B"),
        ("A", "A", "A"),
        ("", "", ""),
    ],
)
def test_why_it_turns(before: str, after: str, rules: str) -> None:
    assert because(frozenset(before), frozenset(after)) == tuple(rules)
