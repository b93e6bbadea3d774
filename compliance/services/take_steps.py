"""Do all that the clock has done, each step whatever became of those before it; and say which of them fail."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime

from django.db import connection, transaction

from compliance.models import SharedValue
from compliance.models.shared_value import TICKED

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Step:
    """Something to be done at each tick.

    :param name: what it does, as "it cannot …" goes on.
    """

    name: str
    do: Callable[[datetime], object]


def take_steps(steps: Iterable[Step], now: datetime) -> None:
    """Do them in their order, then write down that they were done and since when each that failed has failed."""
    failed = [step.name for step in steps if not _succeeds(step, now)]
    with transaction.atomic():
        row, _ = SharedValue.objects.select_for_update().get_or_create(key=TICKED, defaults={"value": {}})
        since = (row.value or {}).get("failing", {})
        failing = {name: since.get(name, now.isoformat()) for name in failed}
        row.value = {"at": now.isoformat(), "failing": failing}
        row.save(update_fields=["value"])


def _succeeds(step: Step, now: datetime) -> bool:
    try:
        step.do(now)
    except Exception:  # whatever it is, the other steps are done
        logger.exception("the tick could not %s; the next one tries again", step.name)
        if not connection.is_usable():
            connection.close()
            connection.ensure_connection()  # where the database is away this raises: nothing else can be done either
        return False
    return True
