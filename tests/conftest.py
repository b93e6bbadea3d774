"""Loads the fixtures that several folders share; each module of ``tests.support`` named ``fixtures_*`` is one line."""

from __future__ import annotations

pytest_plugins = [
    "tests.support.fixtures_engine",
    "tests.support.fixtures_registry",
]
