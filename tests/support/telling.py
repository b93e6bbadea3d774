"""All that the clock tells people of, as a tick does it."""

from __future__ import annotations

from datetime import datetime

from compliance.services.tell_by_clock import forget_deliveries, tell_of_overdue
from compliance.services.tell_the_week import tell_the_week


def tell_by_clock(now: datetime) -> None:
    """Tell of what is overdue and of the week, forget old messages."""
    tell_of_overdue(now)
    tell_the_week(now)
    forget_deliveries(now)
