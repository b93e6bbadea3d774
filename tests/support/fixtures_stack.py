"""Postgres and Valkey for the test session, there before Django reads its settings.

Loaded by `-p tests.support.fixtures_stack` in pyproject.toml and not from conftest.py, because pytest-django loads the
settings before any conftest. Where `DATABASE_URL` and `REDIS_URL` name servers, those are used and nothing is started;
so do the workers of pytest-xdist, which inherit the variables from the process that started them. Each of these has a
Redis database of its own, as it has one of Postgres: a Celery worker of one test must not take the messages of another.
"""

import os
import tempfile
from collections.abc import Generator
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import django.db.models  # noqa: F401  # whole before any plugin imports a part of Django
import pytest

from compliance.localstack import LocalStack
from compliance.localstack.environment import ADDRESSES, new_credential_key

_REDIS_DATABASES = 15
"""Redis has 16 unless it is told otherwise; the first is what a run without workers uses."""


@pytest.hookimpl(wrapper=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> Generator[None]:
    """Complete the environment; a wrapper runs before every plain implementation of the hook, pytest-django's too."""
    os.environ.setdefault("SECRET_KEY", "only-for-tests-" * 4)
    os.environ.setdefault("PLIMSOLL_CREDENTIAL_KEYS", new_credential_key())
    os.environ.setdefault("LOG_LEVEL", "WARNING")
    if "STATIC_ROOT" not in os.environ:
        # Whitenoise warns about a folder that does not exist, as in a fresh clone, and warnings are errors.
        static = tempfile.TemporaryDirectory(prefix="plimsoll-static-")
        os.environ["STATIC_ROOT"] = static.name
        early_config.add_cleanup(static.cleanup)
    if missing := [server for name, server in ADDRESSES.items() if not os.environ.get(name)]:
        # A session that is killed leaves nothing: the stack ends, and removes its folder, with its last user.
        stack = LocalStack(Path(tempfile.mkdtemp(prefix="plimsoll-tests-")), fast=True, temporary=True)
        os.environ.update(stack.start(servers=missing).environment)
        early_config.add_cleanup(stack.leave)
    if worker := os.environ.get("PYTEST_XDIST_WORKER", "").removeprefix("gw"):
        address = urlsplit(os.environ["REDIS_URL"])
        os.environ["REDIS_URL"] = urlunsplit(address._replace(path=f"/{1 + int(worker) % _REDIS_DATABASES}"))
    return (yield)
