"""What each connection to Postgres sets (``DATABASE_OPTIONS``): pages of a large fleet are planned by it."""

from __future__ import annotations

import pytest
from django.db import connection

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("name", "value"),
    [("jit", "off"), ("random_page_cost", "1.1"), ("work_mem", "16MB"), ("cursor_tuple_fraction", "1")],
)
def test_connections_are_set_for_short_questions_and_quick_disks(name: str, value: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_setting(%s)", [name])
        assert cursor.fetchone() == (value,)
