"""Tests that commit are followed by a flush, which the audit trail refuses to everybody."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any
from unittest.mock import patch

import pytest
from django.db import connection


@pytest.fixture(autouse=True, scope="session")
def _flush_may_empty_the_audit_trail() -> Generator[None]:
    operations = type(connection.ops)
    flush = operations.execute_sql_flush

    # Of the connection that flushes: beside a browser's event loop it is another than the one of this fixture.
    def without_triggers(self: Any, sql_list: list[str]) -> None:
        flush(self, ["SET LOCAL session_replication_role = replica", *sql_list])

    with patch.object(operations, "execute_sql_flush", without_triggers):
        yield
