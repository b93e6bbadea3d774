"""Every hostile image ends in a verdict or a named error, in bounded time and memory, and harms no other image."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import asdict

import pytest

from scanner.domain.limits import MIB
from tests.hostile.bench import Bench
from tests.hostile.case import PASS, SECONDS, Case
from tests.hostile.conftest import FIGURES
from tests.hostile.corpus import CORPUS

CHILD_BYTES = 384 * MIB
WORKER_BYTES = 384 * MIB
CONTROL_SECONDS = 5.0
LEAST = 150

Record = Callable[[str, object], None]


def test_the_corpus_is_whole() -> None:
    assert len(CORPUS) >= LEAST
    assert [case_id for case_id, count in Counter(case.id for case in CORPUS).items() if count > 1] == []


@pytest.mark.parametrize("case", CORPUS, ids=[case.id for case in CORPUS])
def test_an_image_ends_as_it_should(hostile: Bench, case: Case, record_property: Record) -> None:
    found = hostile.scan(case)
    record_property(FIGURES, {"group": case.group, **asdict(found)})

    assert found.outcome in case.expect.split("|"), found.message
    # Processor time: a machine busy with other things must not fail this, and a hang ends by pytest's timeout.
    assert found.cpu_seconds <= case.seconds <= SECONDS
    assert found.child_bytes <= CHILD_BYTES
    assert found.worker_bytes <= WORKER_BYTES
    assert list(hostile.scratch.iterdir()) == []
    _a_healthy_one_is_none_the_worse(hostile)


def _a_healthy_one_is_none_the_worse(hostile: Bench) -> None:
    control = hostile.control()
    assert (control.outcome, control.cpu_seconds < CONTROL_SECONDS) == (PASS, True), control
    assert control.descriptors == hostile.descriptors()
