"""Ring for workers. The rows are the work, so a bell that cannot be rung now is rung by the tick later."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from datetime import datetime, timedelta
from functools import partial
from typing import Final

from celery import current_app
from django.db import transaction
from kombu.exceptions import OperationalError

from compliance.models.clock import database_now
from compliance.policy.wake_up import WakeUp, Work

logger = logging.getLogger(__name__)

_TASKS: Final = {
    Work.SCAN: "compliance.wake_scan",
    Work.REPOSITORY_SCAN: "compliance.wake_repository_scan",
    Work.HEAVY_REPOSITORY_SCAN: "compliance.wake_heavy_repository_scan",
    Work.REJUDGING: "compliance.wake_rejudging",
    Work.PUSHES: "compliance.wake_pushes",
    Work.DUE_DATES: "compliance.wake_due_dates",
    Work.DELIVERIES: "compliance.wake_deliveries",
}
AN_HOUR: Final = 3_600
FRESH: Final = timedelta(seconds=2)
"""Bells for repositories' parts that had to wait for longer say nothing: whoever was busy has rung again since."""


def wake(scan_id: int) -> None:
    """Ring for a scan that was just requested; for views and commands."""
    ring([WakeUp(Work.SCAN, scan_id)])


def ring(wake_ups: Iterable[WakeUp], *, expires: int = AN_HOUR) -> None:
    """Send messages once the transaction is committed; a queue that is down never breaks the caller.

    :param expires: seconds after which nobody needs to look any more.
    """
    transaction.on_commit(partial(_send, list(wake_ups), expires))


def ring_now(wake_ups: list[WakeUp], *, expires: int = AN_HOUR) -> None:
    """Send messages at once, for callers outside a transaction; a queue that is down breaks nobody."""
    _send(wake_ups, expires)


def reaches_the_queue(wake_ups: list[WakeUp]) -> bool:
    """Send messages at once and say whether the queue took them."""
    return _send(wake_ups, AN_HOUR)


def _send(wake_ups: list[WakeUp], expires: int) -> bool:
    """Say whether the queue took them."""
    try:
        for wake_up, told in zip(wake_ups, _told(wake_ups), strict=True):
            # Without retries: whoever accepted the work must not wait for a queue that is down.
            current_app.send_task(_TASKS[wake_up.work], kwargs=told, expires=expires, retry=False)
    except (OperationalError, OSError):
        logger.warning("the queue cannot be reached: %d wake-ups wait for the tick", len(wake_ups), exc_info=True)
        return False
    return True


def is_stale(rung_at: str | None, now: datetime) -> bool:
    """Whether a bell for a repository's part can be thrown away.

    A worker that was busy for long comes back to many of them, behind which a push may wait. It has rung once more at
    the end of what it did, and if not, the tick does.

    :param rung_at: by the database's clock, as is ``now``.
    """
    return rung_at is not None and now - datetime.fromisoformat(rung_at) > FRESH


def _told(wake_ups: list[WakeUp]) -> list[dict[str, object]]:
    aging = any(wake_up.work is Work.REPOSITORY_SCAN for wake_up in wake_ups)
    rung_at = {"rung_at": database_now().isoformat()} if aging else {}
    return [{"pk": one.id, **(rung_at if one.work is Work.REPOSITORY_SCAN else {})} for one in wake_ups]
