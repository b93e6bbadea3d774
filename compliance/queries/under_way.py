"""Whether all tags of a repository are being asked about now."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from compliance.models import ACTIVE, RepositoryScan, State


@dataclass(frozen=True, slots=True)
class UnderWay:
    """How far a repository's part of a scan is; one that waits may have to until ``not_before``."""

    scan_id: int
    running: bool
    tags_done: int
    tags_total: int
    requested_at: datetime
    not_before: datetime | None


def under_way(repository_id: int) -> UnderWay | None:
    """The first part of a scan that reads all its tags and has not ended; one query."""
    parts = RepositoryScan.objects.filter(repository=repository_id, state__in=ACTIVE, only_tags=None, heavy=False)
    row = parts.select_related("scan").order_by("pk").first()
    if row is None:
        return None
    begun = row.state == State.RUNNING or bool(row.cursor)
    return UnderWay(
        row.scan_id, begun, row.tags_done, row.tags_total, row.scan.requested_at, row.not_before if not begun else None
    )
