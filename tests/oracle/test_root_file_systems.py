"""Images a real engine pulled from a real registry: what it sees in their layers, we must see too."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from tests.articles.building import inspect_all
from tests.oracle.engine_answers import Answer, Refused, agree, ask_container
from tests.oracle.root_file_systems import ARRANGEMENTS, arranged
from tests.support.engine import Engine
from tests.support.real_registry import RealRegistry
from tests.support.static_id import Printed

pytestmark = [pytest.mark.engine, pytest.mark.realregistry, pytest.mark.timeout(600)]

# The current engine, for which we answer, takes what is no file for a missing one; both refuse.
OLD_ENGINE_SAYS = {"a folder": "is a directory"}


@pytest.fixture(scope="module")
def references(real_registry: RealRegistry) -> Mapping[str, str]:
    found = {}
    for number, name in enumerate(ARRANGEMENTS):
        repository = f"arranged/{number}"
        real_registry.push(repository, "latest", arranged(name))
        found[name] = f"{real_registry.host}/{repository}:latest"
    return found


@pytest.fixture(scope="module")
def by_engine(engine: Engine, references: Mapping[str, str]) -> Mapping[str, Answer]:
    answers = {}
    for name, reference in references.items():
        engine.docker("pull", "--quiet", reference)
        answers[name] = ask_container(engine, reference)
    return answers


@pytest.fixture(scope="module")
def by_us(references: Mapping[str, str]) -> Mapping[str, Answer]:
    return {name: _answer(found["images"][0]) for name, found in inspect_all(references).items()}


@pytest.mark.parametrize("name", ARRANGEMENTS)
def test_we_see_what_the_engine_sees(by_engine: Mapping[str, Answer], by_us: Mapping[str, Answer], name: str) -> None:
    engine, ours = by_engine[name], by_us[name]

    if name in OLD_ENGINE_SAYS:
        assert isinstance(engine, Refused)
        assert isinstance(ours, Refused)
        assert OLD_ENGINE_SAYS[name] in engine.words
    else:
        assert agree(engine, ours), (engine, ours)


def test_the_arrangements_differ_in_what_they_show(by_engine: Mapping[str, Answer]) -> None:
    uids = {answer.uid for answer in by_engine.values() if isinstance(answer, Printed)}

    assert {0, *range(1001, 1011)} <= uids
    assert any(isinstance(answer, Refused) for answer in by_engine.values())


def _answer(image: dict[str, Any]) -> Answer:
    found = image["identities"]["docker"]
    if "error" in found:
        return Refused(str(found["error"]))
    return Printed(found["uid"], found["gid"], frozenset(found["groups"]), found["home"])
