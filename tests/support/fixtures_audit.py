"""Tests that commit are followed by a flush, which the audit trail refuses to everybody."""

from __future__ import annotations

from collections.abc import Generator
from unittest.mock import patch

import pytest
from django.db import connection


@pytest.fixture(autouse=True, scope="session")
def _flush_may_empty_the_audit_trail() -> Generator[None]:
    flush = connection.ops.execute_sql_flush

    def without_triggers(sql_list: list[str]) -> None:
        flush(["SET LOCAL session_replication_role = replica", *sql_list])

    with patch.object(type(connection.ops), "execute_sql_flush", side_effect=without_triggers):
        yield
