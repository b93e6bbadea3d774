"""One real Docker engine for the whole test session."""

from collections.abc import Iterator

import pytest

from tests.support.engine import Engine, running_engine


@pytest.fixture(scope="session")
def engine() -> Iterator[Engine]:
    """Return a running engine that already holds `debian:bookworm`; tests must not remove what they did not make."""
    with running_engine() as started:
        started.import_base("debian:bookworm")
        yield started


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what needs the engine, and keep it on one xdist worker: a second engine would cost memory for nothing."""
    for item in items:
        if "engine" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.engine)
            item.add_marker(pytest.mark.xdist_group("engine"))
