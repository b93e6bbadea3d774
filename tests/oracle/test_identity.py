"""A real Docker engine is the oracle: on every case it and we must say the same."""

from __future__ import annotations

import pytest

from tests.oracle.cases import PLAIN, SPELLINGS, Case, all_cases
from tests.oracle.engine_answers import Answer, Refused, agree, ask_container, ask_engine, ask_us, load, oracle_image
from tests.support.engine import Engine
from tests.support.static_id import Printed

Asked = list[tuple[Case, Answer, Answer]]

# The whole run belongs to whichever test comes first.
pytestmark = [pytest.mark.engine, pytest.mark.timeout(900)]

IN_CONFIG = ("app", "1000", "01000", "app:root", "app:", ":33", "9999", "4242", "nosuch", "app:nosuch", "-1", "app\n")


@pytest.fixture(scope="module")
def asked(engine: Engine) -> Asked:
    cases = all_cases()
    return list(zip(cases, ask_engine(engine, cases), ask_us(cases), strict=True))


def test_there_are_at_least_300_cases(asked: Asked) -> None:
    assert len(asked) >= 300


def test_the_cases_cover_root_others_and_refusals(asked: Asked) -> None:
    answers = [engine for _, engine, _ in asked]
    started = [answer for answer in answers if isinstance(answer, Printed)]

    assert sum(isinstance(answer, Refused) for answer in answers) >= 50
    assert sum(answer.uid == 0 for answer in started) >= 50
    assert sum(answer.uid != 0 for answer in started) >= 100
    assert sum(bool(answer.groups) for answer in started) >= 30


def test_no_case_on_which_the_engine_and_we_differ(asked: Asked) -> None:
    differ = [(case, engine, ours) for case, engine, ours in asked if not agree(engine, ours)]

    assert differ == []


def test_a_user_in_the_config_is_resolved_like_the_option(engine: Engine, asked: Asked) -> None:
    by_option = {case.user: answer for case, answer, _ in asked if case.fixture == PLAIN}
    names = {user: f"oracle-config:{n}" for n, user in enumerate(IN_CONFIG)}
    load(engine, {name: oracle_image(PLAIN, user) for user, name in names.items()})

    by_config = {user: ask_container(engine, name) for user, name in names.items()}

    assert set(IN_CONFIG) <= set(SPELLINGS)
    assert by_config == {user: by_option[user] for user in IN_CONFIG}
