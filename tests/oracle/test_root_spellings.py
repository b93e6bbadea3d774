"""The page of the seventeen spellings: each of them is root on a real engine, and the page is what the script says."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.root_spellings import SPELLINGS, table
from tests.oracle.engine_answers import ask_container, load
from tests.support.engine import Engine
from tests.support.static_id import Printed

PAGE = Path(__file__).parents[2] / "docs" / "root-spellings.md"


@pytest.mark.engine
def test_a_real_engine_starts_each_of_them_as_root(engine: Engine) -> None:
    names = [f"spelling:{number}" for number in range(len(SPELLINGS))]
    load(engine, {name: spelling.image() for name, spelling in zip(names, SPELLINGS, strict=True)})

    answers = [ask_container(engine, name) for name in names]

    assert len(answers) == 17
    assert [answer.uid if isinstance(answer, Printed) else answer for answer in answers] == [0] * 17


def test_the_page_is_current_and_we_find_all() -> None:
    made = table()

    assert "17 of 17" in made.splitlines()[-1]
    assert PAGE.read_text() == made
