"""Servers and settings for a benchmark: a Postgres and a Valkey of its own, gone when it ends."""

from __future__ import annotations

import io
import os
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import django

from compliance.localstack import LocalStack
from compliance.localstack.environment import new_credential_key


@contextmanager
def prepared_database() -> Iterator[None]:
    """Set Django up on migrated servers, those of ``.ci/bench`` or some of its own; import models only inside."""
    with ExitStack() as stack:
        if not os.environ.get("DATABASE_URL"):
            folder = Path(tempfile.mkdtemp(prefix="plimsoll-bench-"))
            os.environ |= stack.enter_context(LocalStack(folder, fast=True, temporary=True)).environment
        os.environ.setdefault("SECRET_KEY", "only-for-benchmarks-" * 3)
        os.environ.setdefault("PLIMSOLL_CREDENTIAL_KEYS", new_credential_key())
        os.environ.setdefault("LOG_LEVEL", "ERROR")
        os.environ["DJANGO_SETTINGS_MODULE"] = "compliance.project.settings"
        django.setup()
        from django.core.management import call_command
        from django.db import connections

        stack.callback(connections.close_all)
        call_command("prepare", stdout=io.StringIO())
        yield
