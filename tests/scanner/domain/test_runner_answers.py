from __future__ import annotations

from scanner.domain.identity import RUNNERS, Identity, Runtime, StartError
from scanner.domain.runner_answers import NAMES, runner_answers
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
