"""Fixtures: registries, real and demo."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.demo_registry import DemoRegistry
from tests.support.oci_layout import OciLayout
from tests.support.real_registry import RealRegistry, running_registry


@pytest.fixture(scope="session")
def real_registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealRegistry]:
    """Debian's registry without authentication; push into repositories of your own."""
    with running_registry(tmp_path_factory.mktemp("registry")) as registry:
        yield registry


@pytest.fixture(scope="session")
def real_registry_with_password(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealRegistry]:
    """Debian's registry behind an htpasswd file."""
    with running_registry(tmp_path_factory.mktemp("registry"), with_password=True) as registry:
        yield registry


@pytest.fixture
def demo_layout(tmp_path: Path) -> OciLayout:
    """The layout that ``demo_registry`` serves, empty at first; tag images in it."""
    return OciLayout(tmp_path / "layout")


@pytest.fixture
def demo_registry(demo_layout: OciLayout) -> Iterator[DemoRegistry]:
    """The demo registry in a thread, giving anonymous tokens; set ``.faults``, read ``.requests``."""
    with DemoRegistry(demo_layout.folder).running() as registry:
        yield registry
