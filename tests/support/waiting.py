"""Two at once: waiting until one is held up by the other."""

from __future__ import annotations

from collections.abc import Callable

from django.db import connection

_HELD_UP = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"


def until_somebody_waits(is_over: Callable[[], bool] = lambda: False) -> None:
    """Until somebody waits for a lock, or it is over."""
    for _ in range(5_000):
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_stat_clear_snapshot()")
            cursor.execute(_HELD_UP)
            if cursor.fetchone()[0] or is_over():
                return
            cursor.execute("SELECT pg_sleep(0.02)")
    raise AssertionError("nobody waits")
