"""When a registry is scanned next."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import time


@dataclass(frozen=True, slots=True)
class Schedule:
    """By interval, or by a cron expression of five fields, which counts instead.

    :param interval_minutes: 0: only when asked for.
    :param time_zone: IANA name, of the cron expression and the quiet hours.
    :param quiet_from: no scheduled scan begins from here until ``quiet_until``, which may be the next day.
    """

    interval_minutes: int = 60
    cron: str = ""
    time_zone: str = "UTC"
    quiet_from: time | None = None
    quiet_until: time | None = None
