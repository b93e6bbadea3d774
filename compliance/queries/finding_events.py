"""What happened to a finding, newest first, in words."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from compliance.models import FindingEvent, StatusChoice
from compliance.remediation.sla import read_due_text

FIRST_EVENTS = 50
MOST_EVENTS = 1_000
_STATUSES = dict(StatusChoice.choices)
_Kind = FindingEvent.Kind


@dataclass(frozen=True, slots=True)
class EventRow:
    """One line of the timeline.

    :param by: who did it; empty for what a scan (``scan_id``), a policy or the clock did.
    :param what: in words; ``moments`` are the due dates that belong to them, before and after.
    """

    id: int
    kind: str
    at: datetime
    by: str
    scan_id: int | None
    what: str
    text: str
    moments: tuple[datetime | None, datetime | None] | None = None


def events_of(finding_id: int, *, every: bool = False) -> tuple[tuple[EventRow, ...], bool]:
    """The newest events and whether there are more; with ``every`` all of them, a thousand at most."""
    most = MOST_EVENTS if every else FIRST_EVENTS
    rows = FindingEvent.objects.filter(finding=finding_id).select_related("by").order_by("-at", "-pk")[: most + 1]
    found = [_event(row) for row in rows]
    return tuple(found[:most]), len(found) > most


def _event(row: FindingEvent) -> EventRow:
    moments = None
    if row.kind == _Kind.DUE:
        moments = (read_due_text(row.was).at, read_due_text(row.became).at)
    by = row.by.get_username() if row.by else ""
    return EventRow(row.pk, row.kind, row.at, by, row.scan_id, _what(row), row.text, moments)


def _what(row: FindingEvent) -> str:
    was, became = row.was, row.became
    match row.kind:
        case _Kind.STATUS:
            return f"{_STATUSES.get(was, was)} → {_STATUSES.get(became, became)}"
        case _Kind.ASSIGNEE:
            return _assigned(was, became)
        case _Kind.DUE:
            return "Due date set by hand" if read_due_text(became).edited else "Due date by the terms"
        case _Kind.WAIVER:
            return f"Waived: {became}" if became else f"No longer waived: {was}"
        case _Kind.SPREAD:
            return f"Tags with it: {was or '0'} → {became}"
        case _Kind.BASELINE:
            return "Part of the baseline" if became else "No longer part of the baseline"
        case _Kind.COMMENT:
            return "Commented"
        case _:
            return str(row.get_kind_display())


def _assigned(was: str, became: str) -> str:
    if not became:
        return f"Taken from {was}" if was else "Assigned to nobody, as before"
    return f"Assigned to {became}, before to {was}" if was else f"Assigned to {became}"
