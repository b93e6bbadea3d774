"""A release that reads more of images than the one before: what is stored is read again, and counts until then."""

from __future__ import annotations

import json
import zlib
from pathlib import Path

import pytest

from compliance.models import Image, Layer, Tag
from compliance.services.rejudge import rejudge
from scanner.storage import load_facts
from tests.compliance.services.conftest import World, app
from tests.support.images import artifact, index

OLD_INDEX = b"PLI\1" + bytes(40)


def age() -> None:
    """Make every row what the release before this wrote."""
    for row in Image.objects.exclude(facts=None):
        document = json.loads(zlib.decompress(bytes(row.facts or b"")))
        del document["files"]
        row.facts = zlib.compress(json.dumps(document | {"schema": 1}).encode())
        row.save()
    Image.objects.update(facts_schema=1)
    Layer.objects.update(index=OLD_INDEX)


@pytest.fixture
def aged(world: World) -> World:
    world.layout.tag("team/app", "1", app("1001"))
    world.layout.tag("team/all", "1", index([app("1001", "x"), app("1002", "y")]))
    world.scan()
    age()
    return world


def test_the_next_scan_reads_it_again(aged: World) -> None:
    before = dict(Image.objects.values_list("digest", "pk"))
    scan = aged.scan()
    assert not scan.errors.exists()
    assert dict(Image.objects.values_list("digest", "pk")) == before
    for row in Image.objects.all():
        assert load_facts(bytes(row.facts or b"")).files is not None
    assert not Layer.objects.filter(index=OLD_INDEX).exists()


def test_only_once(aged: World) -> None:
    aged.scan()
    aged.scan()
    assert {method for method, _ in aged.requests() if "/manifests/" in _} == {"HEAD"}


def test_another_repository_with_the_same_image_follows(aged: World) -> None:
    """Whoever reads the image first, no tag keeps the verdict of the reading before."""
    aged.layout.tag("team/zoo", "1", app("1001"))
    aged.scan()
    age()
    Image.objects.update(outline=None, outline_revision=0)
    Tag.objects.update(verdict="unknown")  # what an older reading may have said
    aged.later(hours=1)
    aged.scan()
    assert [aged.tag(name).verdict for name in ("team/app", "team/zoo", "team/all")] == ["pass", "pass", "fail"]


def test_a_tag_that_is_judged_again_before_that_keeps_its_verdict(aged: World) -> None:
    before = aged.tag("team/app").verdict
    rejudge(clock=lambda: aged.now)
    assert aged.tag("team/app").verdict == before != "unknown"


def test_a_registry_that_does_not_give_the_bytes_changes_nothing(aged: World) -> None:
    before = {name: aged.tag(name).verdict for name in ("team/app", "team/all")}
    lost = {path: path.read_bytes() for path in (aged.layout.folder / "blobs/sha256").iterdir() if is_layer(path)}
    for path in lost:
        path.unlink()
    aged.scan()
    assert {name: aged.tag(name).verdict for name in before} == before
    for path, content in lost.items():
        path.write_bytes(content)
    aged.scan()
    assert not Image.objects.filter(facts_schema=1).exists()


def is_layer(path: Path) -> bool:
    return path.read_bytes()[:2] == b"\x1f\x8b"


def test_artifacts_are_looked_at_again(world: World) -> None:
    world.layout.tag("team/chart", "1", artifact(("application/vnd.cncf.helm.config.v1+json", b"{}"), []))
    world.scan()
    age()
    world.scan()
    assert not Image.objects.filter(facts_schema=1).exists()
    assert world.tag("team/chart").verdict == "not_applicable"
