"""Whoever starts it: an image that is root under any runtime passes no policy."""

from __future__ import annotations

import pytest

from scanner.domain.identity import RUNNERS, Identity, Runtime
from scanner.domain.resolution import resolve_facts
from scanner.domain.verdict import Verdict
from scanner.judge import judge
from scanner.policies import BASELINE
from tests.scanner.domain.identity_rows import FILES, ROWS, Row
from tests.support.facts import facts


@pytest.mark.parametrize("runtime", RUNNERS)
@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"row{row.number}")
def test_root_under_a_runtime_fails_even_the_mildest_policy(row: Row, runtime: Runtime) -> None:
    image = facts(row.user, *FILES[row.files])
    answer = resolve_facts(runtime, image).answer
    if isinstance(answer, Identity) and answer.uid == 0:
        assert judge(image, BASELINE).verdict is Verdict.FAIL
