"""The Dockerfiles of the five articles, built, started and pushed by a real engine: we must say what ``id`` says."""

from __future__ import annotations

from typing import Any

import pytest

from tests.articles.building import Articles, build_all, inspect_all, names
from tests.articles.known import KNOWN
from tests.support.engine import Engine
from tests.support.real_registry import RealRegistry
from tests.support.static_id import Printed

# Building and scanning all of them belongs to whichever test comes first.
pytestmark = [pytest.mark.engine, pytest.mark.realregistry, pytest.mark.timeout(900)]


@pytest.fixture(scope="module")
def articles(engine: Engine, real_registry: RealRegistry, tmp_path_factory: pytest.TempPathFactory) -> Articles:
    return build_all(engine, real_registry, tmp_path_factory.mktemp("context"))


@pytest.fixture(scope="module")
def inspected(articles: Articles) -> dict[str, dict[str, Any]]:
    return inspect_all(articles.references)


def test_every_dockerfile_has_a_known_answer() -> None:
    assert sorted(KNOWN) == names()


@pytest.mark.parametrize("name", KNOWN)
def test_the_container_is_who_the_article_says(articles: Articles, name: str) -> None:
    said = articles.printed[name]

    assert (said.uid, said.gid) == KNOWN[name]


@pytest.mark.parametrize("name", KNOWN)
def test_we_say_what_the_container_says(articles: Articles, inspected: dict[str, dict[str, Any]], name: str) -> None:
    (image,) = inspected[name]["images"]
    ours = image["identities"]["docker"]

    assert Printed(ours["uid"], ours["gid"], frozenset(ours["groups"]), ours["home"]) == articles.printed[name]


@pytest.mark.parametrize("name", KNOWN)
def test_root_fails_and_says_so(inspected: dict[str, dict[str, Any]], name: str) -> None:
    violated = {result["rule"] for result in _results(inspected[name]) if result["outcome"] == "violated"}
    is_root = KNOWN[name][0] == 0

    assert bool(violated & {"NR101", "NR102", "NR103"}) == is_root
    assert not is_root or inspected[name]["verdict"] == "fail"


def test_the_remapped_account_is_shown_with_both_lines_and_both_layers(inspected: dict[str, dict[str, Any]]) -> None:
    image = inspected["best-practices-remapped"]["images"][0]
    (remapped,) = [result for result in image["results"] if result["rule"] == "NR202"]
    (shown,) = [item for item in _evidence(remapped) if item.get("account") == "app"]

    assert image["user"] == "app"
    assert image["identities"]["docker"]["uid"] == 0
    assert shown["before_text"].startswith("app:x:1001:1001:")
    assert shown["text"].startswith("app:x:0:0:")
    assert shown["before_layer"] != shown["layer"]
    assert "useradd" in shown["before_created_by"]
    assert "sed -i" in shown["created_by"]


def _results(found: dict[str, Any]) -> list[dict[str, Any]]:
    return [result for image in found["images"] for result in image["results"]]


def _evidence(result: dict[str, Any]) -> list[dict[str, Any]]:
    found = result["evidence"]
    return found if isinstance(found, list) else [found]
