"""Loads the fixtures that several folders share; each module of ``tests.support`` named ``fixtures_*`` is one line."""

from __future__ import annotations

from hypothesis import HealthCheck, settings

# How long examples take says how busy the machine is; pytest-timeout ends what hangs. They are the same each time, so
# that a change fails for what it changes; `--hypothesis-profile=searching` looks for others.
settings.register_profile("searching", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("repeatable", settings.get_profile("searching"), derandomize=True, print_blob=True)
settings.load_profile("repeatable")

pytest_plugins = [
    "tests.support.fixtures_audit",
    "tests.support.fixtures_engine",
    "tests.support.fixtures_registry",
]
