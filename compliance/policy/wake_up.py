"""Which piece of work somebody should look at: what services return and tasks send."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Work(StrEnum):
    """The tables whose rows are work."""

    SCAN = "scan"
    REPOSITORY_SCAN = "repository_scan"
    HEAVY_REPOSITORY_SCAN = "heavy_repository_scan"
    """Rows of the same table, for the workers that read big layers."""
    REJUDGING = "rejudging"
    PUSHES = "pushes"
    """Those of one registry, by its id."""
    DUE_DATES = "due_dates"
    """Those that do not say yet what the terms say; by the id of who changed these."""
    DELIVERIES = "deliveries"
    """Those of one channel, by its id."""


@dataclass(frozen=True, slots=True)
class WakeUp:
    """One row to look at. Losing it loses no work: the tick finds the row again."""

    work: Work
    id: int
