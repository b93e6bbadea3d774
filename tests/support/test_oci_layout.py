from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.support.images import Stored, image
from tests.support.oci_layout import OciLayout


@pytest.fixture
def layout(tmp_path: Path) -> OciLayout:
    return OciLayout(tmp_path)


def _image(user: str) -> Stored:
    return image(user=user)


def test_a_tag_moves(layout: OciLayout) -> None:
    layout.tag("team/shop", "latest", _image("0"))
    layout.tag("team/shop", "latest", _image("1001"))

    assert layout.tags() == {"team/shop:latest": _image("1001").digest}


def test_a_layout_is_found_again(layout: OciLayout) -> None:
    layout.tag("team/shop", "latest", _image("0"))
    layout.tag("team/cart", "1.0", _image("0"))

    assert OciLayout(layout.folder).tags() == layout.tags()


def test_tags_and_repositories_are_deleted(layout: OciLayout) -> None:
    for tag in ("1", "2"):
        layout.tag("team/shop", tag, _image("0"))
        layout.tag("team/shopping", tag, _image("0"))
    layout.untag("team/shopping", "1")
    layout.delete_repository("team/shop")

    assert list(OciLayout(layout.folder).tags()) == ["team/shopping:2"]


def test_changes_made_together_are_seen_together(layout: OciLayout) -> None:
    with layout.together():
        layout.tag("team/shop", "latest", _image("0"))
        assert OciLayout(layout.folder).tags() == {}

    assert list(OciLayout(layout.folder).tags()) == ["team/shop:latest"]


def test_every_blob_of_an_image_is_stored(layout: OciLayout) -> None:
    stored = _image("0")
    layout.tag("team/shop", "latest", stored)

    names = {path.name for path in (layout.folder / "blobs" / "sha256").iterdir()}
    manifest = json.loads(stored.body)
    assert {f"sha256:{name}" for name in names} == {stored.digest, manifest["config"]["digest"]}
