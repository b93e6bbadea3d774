"""Ring for workers. The rows are the work, so a bell that cannot be rung now is rung by the tick later."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from functools import partial
from typing import Final

from celery import current_app
from django.db import transaction
from kombu.exceptions import OperationalError

from compliance.policy.wake_up import WakeUp, Work

logger = logging.getLogger(__name__)

_TASKS: Final = {
    Work.SCAN: "compliance.wake_scan",
    Work.REPOSITORY_SCAN: "compliance.wake_repository_scan",
    Work.REJUDGING: "compliance.wake_rejudging",
    Work.PUSHES: "compliance.wake_pushes",
}
AN_HOUR: Final = 3_600


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


def _send(wake_ups: list[WakeUp], expires: int) -> None:
    try:
        for wake_up in wake_ups:
            # Without retries: whoever accepted the work must not wait for a queue that is down.
            current_app.send_task(_TASKS[wake_up.work], kwargs={"pk": wake_up.id}, expires=expires, retry=False)
    except (OperationalError, OSError):
        logger.warning("the queue cannot be reached: %d wake-ups wait for the tick", len(wake_ups), exc_info=True)
