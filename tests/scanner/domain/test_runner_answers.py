from __future__ import annotations

from dataclasses import replace

import pytest

from scanner.domain.facts import ReadState
from scanner.domain.identity import RUNNERS, Identity, Runtime, StartError
from scanner.domain.runner_answers import NAMES, runner_answers
from tests.scanner.domain.identity_rows import FILES, ROWS, Row
from tests.support.facts import facts


def test_every_runner_answers_and_has_a_name() -> None:
    assert tuple(runner_answers(facts())) == tuple(NAMES) == RUNNERS


def test_what_the_kernel_refuses_does_not_start() -> None:
    answers = runner_answers(facts("app", "app:x:4294967295:5:::\n"))
    assert all(isinstance(answer, StartError) for answer in answers.values())


def test_answers_belong_to_their_facts() -> None:
    for uid in (5, 6):
        answer = runner_answers(facts(str(uid)))[Runtime.DOCKER]
        assert isinstance(answer, Identity)
        assert answer.uid == uid


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"row{row.number}")
def test_the_short_way_says_the_same(row: Row) -> None:
    image = facts(row.user, *FILES[row.files])
    long_way = replace(image, passwd=replace(image.passwd, links=("/etc/passwd -> accounts",)))
    assert runner_answers(image) == runner_answers(long_way)


def test_home_has_a_say_where_cri_o_refuses_it() -> None:
    answers = runner_answers(facts(env=[r"HOME=/a\nb"]))
    assert [runtime for runtime, answer in answers.items() if isinstance(answer, StartError)] == [Runtime.CRIO]


@pytest.mark.parametrize("state", [ReadState.LINK_LOOP, ReadState.TOO_LARGE, ReadState.NOT_REGULAR])
def test_a_file_that_cannot_be_read_is_none_that_is_missing(state: ReadState) -> None:
    answers = runner_answers(facts("5", "", passwd_state=state))
    assert isinstance(answers[Runtime.KUBERNETES], StartError)
