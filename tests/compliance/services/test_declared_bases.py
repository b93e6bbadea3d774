"""Findings keep the base that the image which proves them says it was built on, through pushes and readings anew."""

from __future__ import annotations

import json
import zlib
from collections.abc import Mapping

import pytest

from compliance.models import BaseImage, Finding, Image
from compliance.services.rejudge import rejudge
from scanner.storage import load_facts
from tests.compliance.services.conftest import BASE, World
from tests.support.images import File, Stored, image, index, layer

NAME = "org.opencontainers.image.base.name"
OLD, NEW = "registry.example/base:1", "registry.example/base:2"


def built_on(name: str, mark: str = "", *, user: str = "", platform: str = "linux/amd64") -> Stored:
    """An image that runs as root, and says in its manifest what it was built on."""
    return image(
        [BASE, layer({"srv/mark": File(mark.encode())})], user=user, annotations={NAME: name}, platform=platform
    )


def labelled(labels: Mapping[str, str], annotations: Mapping[str, str] | None = None) -> Stored:
    return image([BASE], user="", labels=labels, annotations=annotations)


def bases(repository: str = "team/app", **fields: object) -> set[str]:
    """The declared bases of a repository's findings, empty for none."""
    rows = Finding.objects.filter(repository__name=repository, **fields)
    return {name or "" for name in rows.values_list("base__name", flat=True)}


def push(world: World, tag: str, stored: Stored, repository: str = "team/app") -> None:
    world.layout.tag(repository, tag, stored)
    world.later(hours=1)
    world.scan()


def forget(**columns: object) -> None:
    """Have everything as a release stored it that knew nothing of bases."""
    Finding.objects.update(base=None)
    Image.objects.update(base=None, **columns)
    BaseImage.objects.all().delete()


@pytest.mark.parametrize(
    ("stored", "expected"),
    [
        (built_on(OLD), OLD),
        (built_on(f"{OLD}@sha256:{'0' * 64}"), OLD),
        (built_on("docker.io/alpine:3.18"), "docker.io/library/alpine:3.18"),
        (labelled({NAME: OLD}), OLD),
        (labelled({NAME: OLD}, {NAME: NEW}), NEW),
        (labelled({NAME: OLD}, {NAME: "no image"}), OLD),
        (labelled({NAME: "alpine"}), ""),
        (labelled({NAME: "a.example/b\x00:1"}), ""),
        (labelled({NAME: f"a.example/{'b' * 100_000}"}), ""),
        (labelled({}), ""),
    ],
)
def test_a_scan_keeps_what_is_declared(world: World, stored: Stored, expected: str) -> None:
    push(world, "1", stored)
    assert bases() == {expected}
    assert set(BaseImage.objects.values_list("name", flat=True)) == {expected} - {""}


def test_a_push_on_another_base_moves_its_findings(world: World) -> None:
    push(world, "1", built_on(OLD))
    assert bases() == {OLD}
    push(world, "1", built_on(NEW))
    assert bases() == {NEW}
    push(world, "1", image([BASE], user=""))
    assert bases() == {""}


def test_what_is_fixed_keeps_the_base_it_was_found_on(world: World) -> None:
    push(world, "1", built_on(OLD))
    push(world, "1", built_on(NEW, user="10001:10001"))
    assert OLD in bases(status="fixed")
    assert NEW not in bases(status="fixed")


def test_of_several_images_the_one_that_proves_it_counts(world: World) -> None:
    push(world, "1", built_on(OLD))
    push(world, "2", built_on(NEW, "two"))
    assert bases(tags=2) == {OLD}
    world.layout.untag("team/app", "1")
    world.later(hours=1)
    world.scan()
    assert bases(tags=1) == {NEW}


def test_platforms_are_apart_and_what_compares_them_is_of_none(world: World) -> None:
    arm = built_on(NEW, user="10001:10001", platform="linux/arm64")
    push(world, "1", index([built_on(OLD), arm]))
    assert bases(platform="linux/amd64") == {OLD}
    assert bases(platform="linux/arm64") <= {NEW}
    assert bases(platform="") == {""}


def test_a_base_that_many_are_built_on_is_one_row(world: World) -> None:
    for repository in ("team/app", "team/web"):
        push(world, "1", built_on(OLD, repository), repository)
    assert bases("team/app") == bases("team/web") == {OLD}
    assert BaseImage.objects.count() == 1


def test_of_what_is_known_already_nothing_is_declared_until_it_is_pushed_again(world: World) -> None:
    push(world, "1", built_on(OLD))
    forget()
    push(world, "1", built_on(OLD))
    assert bases() == {""}
    push(world, "1", built_on(OLD, "another"))
    assert bases() == {OLD}


def test_judging_again_by_newer_rules_takes_it_from_stored_facts(world: World) -> None:
    push(world, "1", labelled({NAME: OLD}))
    forget(outline_revision=0)
    rejudge(clock=lambda: world.now)
    assert bases() == {OLD}


def test_an_image_that_is_read_anew_tells_its_unchanged_findings(world: World) -> None:
    """An older release kept no annotations; whichever repository is read first, those of the other follow."""
    for repository in ("team/app", "team/web"):
        push(world, "1", built_on(OLD), repository)
    for row in Image.objects.all():
        document = json.loads(zlib.decompress(bytes(row.facts or b"")))
        del document["base"]
        row.facts = zlib.compress(json.dumps(document).encode())
        row.save()
        assert load_facts(bytes(row.facts)).declared_base is None
    forget(facts_schema=1)
    before = list(Finding.objects.order_by("pk").values_list("pk", "status", "changed_at", "opened_at", "due_at"))
    world.later(hours=1)
    world.scan()
    assert bases("team/app") == bases("team/web") == {OLD}
    after = list(Finding.objects.order_by("pk").values_list("pk", "status", "changed_at", "opened_at", "due_at"))
    assert after == before
