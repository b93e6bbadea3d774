"""A stored code leads back to the limit that was passed, so that a raised one is noticed."""

from __future__ import annotations

from dataclasses import fields, replace

import pytest

from compliance.services.known_images import is_outgrown
from scanner.domain.limits import DEFAULT_LIMITS, Limits
from scanner.domain.problems import LimitExceeded, limit_named_by
from scanner.sandbox.problems import out_of_memory, out_of_processor_time, out_of_time

CHILD = {
    "child_memory_bytes": out_of_memory("layer", DEFAULT_LIMITS),
    "child_cpu_seconds": out_of_processor_time("layer", DEFAULT_LIMITS),
    "child_seconds": out_of_time("layer", DEFAULT_LIMITS),
}


@pytest.mark.parametrize("name", [field.name for field in fields(Limits)])
def test_the_code_of_a_limit_names_it(name: str) -> None:
    assert limit_named_by(LimitExceeded(name, 1, 2, subject="x").code) == name


@pytest.mark.parametrize("name", CHILD)
def test_so_do_those_of_children(name: str) -> None:
    problem = CHILD[name]
    raised = replace(DEFAULT_LIMITS, **{name: 10**12})

    assert limit_named_by(problem.code) == name
    assert not is_outgrown(problem.code, problem.allowed, DEFAULT_LIMITS)
    assert is_outgrown(problem.code, problem.allowed, raised)


def test_other_codes_name_none() -> None:
    assert limit_named_by("bad-tar") is None
    assert limit_named_by("scanner-crash") is None
