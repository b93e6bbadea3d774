"""Loads the fixtures that several folders share; each module of ``tests.support`` named ``fixtures_*`` is one line."""

from __future__ import annotations

from hypothesis import settings

# How long one example takes says how busy the machine is; pytest-timeout ends what hangs.
settings.register_profile("without-deadline", deadline=None)
settings.load_profile("without-deadline")

pytest_plugins = [
    "tests.support.fixtures_audit",
    "tests.support.fixtures_engine",
    "tests.support.fixtures_registry",
]
