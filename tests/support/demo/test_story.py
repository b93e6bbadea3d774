"""The demo's story is the same on every run and holds everything a demo should show."""

from __future__ import annotations

import json
from collections import Counter
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from tests.support.artifacts import HELM_CONFIG, SIMPLE_SIGNING
from tests.support.demo.appliance import ENCRYPTED
from tests.support.demo.articles import RECIPES
from tests.support.demo.story import DAYS, Push, Removal, Story, apply
from tests.support.images import OCI_INDEX, OCI_MANIFEST
from tests.support.oci_layout import OciLayout

LAST_DAY = date(2026, 3, 1)


@pytest.fixture(scope="module")
def story() -> Story:
    return Story(LAST_DAY)


@pytest.fixture(scope="module")
def told(story: Story, tmp_path_factory: pytest.TempPathFactory) -> OciLayout:
    layout = OciLayout(tmp_path_factory.mktemp("layout"))
    for day in range(1, DAYS + 1):
        apply(layout, story.changes_on(day))
    return layout


def _documents(layout: OciLayout) -> list[dict[str, Any]]:
    """Every manifest and index a tag reaches."""
    found, waiting = [], set(layout.tags().values())
    while waiting:
        document = json.loads(_blob(layout, waiting.pop()))
        found.append(document)
        waiting |= {child["digest"] for child in document.get("manifests", [])}
    return found


def _blob(layout: OciLayout, digest: str) -> bytes:
    return (Path(layout.folder) / "blobs" / "sha256" / digest.removeprefix("sha256:")).read_bytes()


def test_the_same_story_on_every_run(story: Story) -> None:
    again = Story(LAST_DAY)

    for day in range(1, DAYS + 1):
        assert story.changes_on(day) == again.changes_on(day)


def test_every_day_brings_something(story: Story) -> None:
    assert all(story.changes_on(day) for day in range(1, DAYS + 1))
    assert story.date_of(DAYS) == LAST_DAY


def test_as_large_as_a_demo_should_be(told: OciLayout) -> None:
    per_repository = Counter(name.rpartition(":")[0] for name in told.tags())

    assert 25 <= len(per_repository) <= 32
    assert 250 <= len(told.tags()) <= 310
    assert sum(count >= 11 for count in per_repository.values()) >= 12


def test_a_repository_appears_and_one_is_deleted(story: Story, told: OciLayout) -> None:
    first_day = {change.repository for change in story.changes_on(1)}
    removals = [change for day in range(1, DAYS + 1) for change in story.changes_on(day) if isinstance(change, Removal)]

    assert "ml/recommender" not in first_day
    assert any(name.startswith("ml/recommender:") for name in told.tags())
    assert Removal("legacy/intranet") in removals
    assert not any(name.startswith("legacy/intranet:") for name in told.tags())
    assert sum(change.tag is not None for change in removals) >= 20


def test_tags_move(story: Story) -> None:
    images: dict[str, set[str]] = {}
    for day in range(1, DAYS + 1):
        for change in story.changes_on(day):
            if isinstance(change, Push) and change.tag in ("latest", "prod"):
                images.setdefault(f"{change.repository}:{change.tag}", set()).add(change.image.digest)

    assert sum(len(digests) > 3 for digests in images.values()) >= 20


def test_no_image_is_newer_than_the_scan_that_finds_it(story: Story) -> None:
    for day in range(1, DAYS + 1):
        for change in story.changes_on(day):
            if isinstance(change, Push) and change.image.config:
                created = json.loads(change.image.config)["created"]
                assert created < story.date_of(day).isoformat() or change.repository.startswith(
                    ("articles/", "vendor/")
                )


def test_every_kind_of_thing_is_there(told: OciLayout) -> None:
    documents = _documents(told)
    manifests = [document for document in documents if document["mediaType"] == OCI_MANIFEST]
    children = [child for document in documents for child in document.get("manifests", [])]
    layer_types = {layer["mediaType"] for manifest in manifests for layer in manifest["layers"]}

    assert any(document["mediaType"] == OCI_INDEX for document in documents)
    assert any(child["platform"]["os"] == "unknown" for child in children)
    assert any(manifest["config"]["mediaType"] == HELM_CONFIG for manifest in manifests)
    assert SIMPLE_SIGNING in layer_types
    assert {"application/vnd.oci.image.layer.v1.tar+zstd", ENCRYPTED} <= layer_types


def test_histories_name_as_many_layers_as_there_are(story: Story) -> None:
    for day in range(1, DAYS + 1):
        for change in story.changes_on(day):
            if isinstance(change, Push) and change.image.layers:
                history = json.loads(change.image.config)["history"]
                assert sum(not entry.get("empty_layer") for entry in history) == len(change.image.layers)


def test_the_images_of_all_articles_are_there(told: OciLayout) -> None:
    assert set(RECIPES) <= set(told.tags())
