"""One broken thing never takes the rest of a repository with it."""

from __future__ import annotations

import pytest

from compliance.models import Layer, State
from compliance.services import read_images
from scanner.filesystem.layer_index import LayerIndex
from scanner.inspection import ImageDocuments, image_facts
from tests.compliance.services.conftest import BASE, World, app


@pytest.mark.parametrize("stored", [b"PLI\x63another release", b"damaged"])
def test_a_layer_index_nobody_can_read_is_made_again(world: World, stored: bytes) -> None:
    world.layout.tag("team/app", "1", app("1001", "first"))
    world.scan()
    Layer.objects.filter(digest=BASE.digest).update(index=stored)
    world.layout.tag("team/app", "2", app("1001", "second"))
    world.later(hours=1)

    scan = world.scan()

    assert (scan.state, world.tag("team/app", "2").verdict) == (State.DONE, "pass")
    made = Layer.objects.get(digest=BASE.digest).index
    assert made is not None
    assert LayerIndex.from_bytes(bytes(made)).digest == BASE.digest


def test_an_error_of_ours_in_one_image_leaves_the_others_alone(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.layout.tag("team/app", "1", app("", "broken"))
    world.layout.tag("team/app", "2", app("1001"))
    broken = app("", "broken").digest

    def fails(documents: ImageDocuments, *rest: object) -> object:
        if documents.digest == broken:
            raise RuntimeError("our own mistake")
        return image_facts(documents, *rest)  # type: ignore[arg-type]  # passed on as it came

    monkeypatch.setattr(read_images, "image_facts", fails)
    scan = world.scan()
    bad = world.tag("team/app", "1")
    assert (scan.state, bad.verdict, bad.problem_code) == (State.DONE, "unknown", "scanner-fault")
    assert world.tag("team/app", "2").verdict == "pass"

    monkeypatch.setattr(read_images, "image_facts", image_facts)
    world.later(hours=1)
    world.scan()
    assert world.tag("team/app", "1").verdict == "fail"
