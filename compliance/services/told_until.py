"""How far the clock has been told of: one row, locked while it moves.

Two ticks at once tell nothing twice, and what a tick that failed wrote is rolled back with it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Final

from django.db import connection, transaction

from compliance.models import SharedValue

_AHEAD: Final = timedelta(hours=1)
"""A tick that another has overtaken is late by less; further ahead, the clock of the database was wrong before."""


@contextmanager
def told_until(key: str, until: datetime) -> Iterator[datetime | None]:
    """Until when was told, moved to ``until`` in the same transaction; ``None`` while another tick is at it, and when
    the clock was wrong.
    """
    with transaction.atomic():
        SharedValue.objects.get_or_create(key=key, defaults={"value": until.isoformat()})
        row = SharedValue.objects.select_for_update(skip_locked=True).filter(key=key).first()
        since = datetime.fromisoformat(str(row.value)) if row is not None else None
        wrong = since is not None and since > until + _AHEAD
        yield None if wrong else since
        if since is not None and (since < until or wrong):
            SharedValue.objects.filter(pk=key).update(value=until.isoformat())


def told_so_far(key: str) -> datetime | None:
    """Until when was told, by what is committed; ``None`` where nothing ever was."""
    value = SharedValue.objects.filter(key=key).values_list("value", flat=True).first()
    return None if value is None else datetime.fromisoformat(str(value))


def hold_told(key: str) -> datetime | None:
    """The same, and no tick moves it before the caller's transaction ends: what that writes is told of once.

    A tick that is under way is waited for; one that comes later passes over it, and the next tells of it.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT value #>> '{}' FROM compliance_sharedvalue WHERE key = %s FOR SHARE", [key])
        row = cursor.fetchone()
    return None if row is None else datetime.fromisoformat(row[0])
