"""The demo's article images, which no engine built, start as the articles say all the same."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.demo.articles import ANSWERS, RECIPES, article_images
from tests.support.engine import Engine
from tests.support.images import docker_archive
from tests.support.static_id import parse_printed, static_id

pytestmark = pytest.mark.engine


@pytest.fixture(scope="module")
def program(engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> Path:
    engine.docker("load", stdin=docker_archive(article_images()))
    path = tmp_path_factory.mktemp("id") / "id"
    path.write_bytes(static_id())
    path.chmod(0o755)
    return path


def test_every_image_has_an_answer() -> None:
    assert set(ANSWERS) == set(RECIPES)


@pytest.mark.parametrize("name", ANSWERS)
def test_the_container_is_who_the_article_says(engine: Engine, program: Path, name: str) -> None:
    said = parse_printed(engine.run(name, options=["--volume", f"{program}:/id:ro", "--entrypoint", "/id"]))

    assert (said.uid, said.gid) == ANSWERS[name]
