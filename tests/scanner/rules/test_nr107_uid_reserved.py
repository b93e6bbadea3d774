from __future__ import annotations

import pytest

from scanner.rules.nr107_uid_reserved import RULE
from tests.support.answers import answer, fix
from tests.support.facts import facts


@pytest.mark.parametrize(
    ("uid", "threshold", "outcome"),
    [
        (1, 1_000, "violated"),
        (499, 500, "violated"),
        (500, 500, "ok"),
        (999, 1_000, "violated"),
        (1_000, 1_000, "ok"),
        (9_999, 10_000, "violated"),
        (10_000, 10_000, "ok"),
        (2_147_483_647, 10_000, "ok"),
    ],
)
def test_threshold(uid: int, threshold: int, outcome: str) -> None:
    assert answer(RULE, facts(str(uid)), threshold) == outcome


def test_a_name_counts_by_its_uid() -> None:
    assert answer(RULE, facts("www", "www:x:33:33::/:\n")) == "violated"


@pytest.mark.parametrize("user", ["", "0", "root"])
def test_not_applicable_to_root(user: str) -> None:
    assert answer(RULE, facts(user)) == "not_applicable"


@pytest.mark.parametrize("user", ["nosuch", "-1"])
def test_unknown_where_nothing_starts(user: str) -> None:
    assert answer(RULE, facts(user)) == "unknown"


def test_fix_is_above_the_threshold() -> None:
    assert "USER 1001:1001" in fix(RULE, facts("33"))
