"""The demo shows every rule there is, and an image that no shipped policy fails."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime

import pytest

from scanner.command_line import InspectOptions, inspect_reference
from scanner.domain.policy import Policy
from scanner.domain.reference import parse_reference
from scanner.domain.verdict import Verdict
from scanner.policies import POLICIES, STRICT
from scanner.rulebook import RULES
from tests.support.demo.appliance import said_twice
from tests.support.demo.articles import article_images
from tests.support.demo.families import ALPINE
from tests.support.demo.habits import NOBODY, OUT_OF_RANGE, ROOT_MEMBER, WITHOUT_ACCOUNT, ZERO
from tests.support.demo.mistakes import RECIPES
from tests.support.demo.services import FIRST, Service, build
from tests.support.demo_registry import DemoRegistry
from tests.support.images import Stored
from tests.support.oci_layout import OciLayout

NOW = datetime(2026, 3, 1, tzinfo=UTC)
IMAGES = {tag: recipe.build(NOW) for tag, recipe in RECIPES.items()}
# Habits of the catalog that no lesson and no article has.
HABITS = (NOBODY, OUT_OF_RANGE, ROOT_MEMBER, WITHOUT_ACCOUNT, ZERO)
SHOP = Service("team/shop", ALPINE, "shop", ((FIRST, ZERO),), volumes=("/data",))


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    layout = OciLayout(tmp_path_factory.mktemp("layout") / "layout")
    with layout.together():
        for number, image in enumerate(_shown()):
            layout.tag("demo", str(number), image)
    with DemoRegistry(layout.folder).running() as registry:
        yield registry.url.removeprefix("http://")


def _shown() -> list[Stored]:
    habits = [build(SHOP, number, habit, None, NOW) for number, habit in enumerate(HABITS)]
    return [*IMAGES.values(), *article_images().values(), said_twice(), *habits]


def violated(host: str, number: int) -> set[str]:
    options = InspectOptions(STRICT, plain_http=True)
    report = inspect_reference(parse_reference(f"{host}/demo:{number}"), options, {}).report
    return set(_violated(report["images"]))


def _violated(images: Iterable[dict[str, list[dict[str, str]]]]) -> Iterator[str]:
    for image in images:
        yield from (result["rule"] for result in image["results"] if result["outcome"] == "violated")


@pytest.mark.parametrize("tag", RECIPES)
def test_a_lesson_shows_what_it_is_about(host: str, tag: str) -> None:
    assert set(RECIPES[tag].rules) <= violated(host, list(RECIPES).index(tag))


def test_every_rule_is_violated_by_something(host: str) -> None:
    seen = {rule for number in range(len(_shown())) for rule in violated(host, number)}
    assert [rule.id for rule in RULES if rule.id not in seen] == []


@pytest.mark.parametrize("policy", POLICIES, ids=lambda policy: policy.name)
def test_the_image_without_a_mistake_passes(host: str, policy: Policy) -> None:
    reference = parse_reference(f"{host}/demo:{list(RECIPES).index('none')}")
    assert inspect_reference(reference, InspectOptions(policy, plain_http=True), {}).verdict is Verdict.PASS
