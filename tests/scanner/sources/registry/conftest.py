"""One small image in the demo registry."""

from __future__ import annotations

import pytest

from tests.support.images import Stored, image
from tests.support.oci_layout import OciLayout


@pytest.fixture
def shop(demo_layout: OciLayout) -> Stored:
    """The image behind ``team/shop:1`` and ``team/shop:2``."""
    stored = image(user="app")
    demo_layout.tag("team/shop", "1", stored)
    demo_layout.tag("team/shop", "2", stored)
    return stored
