"""The one clock that all workers share."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime, timedelta

from django.db import connection


def database_now() -> datetime:
    """The database's time at this moment, also inside a transaction; hosts' own clocks disagree."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        row: tuple[datetime] = cursor.fetchone()
    return row[0]


def database_clock() -> Callable[[], datetime]:
    """A clock that agrees with the database's now, and goes on by itself: for one task, not for days."""
    begun, at = database_now(), time.monotonic()
    return lambda: begun + timedelta(seconds=time.monotonic() - at)
