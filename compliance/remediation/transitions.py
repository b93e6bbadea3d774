"""Which status a person may set, and which finding comes first."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from compliance.remediation.sla import is_overdue
from compliance.remediation.status import Status

_WORKED_ON: Final = (Status.OPEN, Status.IN_PROGRESS, Status.FIX_CLAIMED, Status.FALSE_POSITIVE)

TRANSITIONS: Final[dict[Status, tuple[Status, ...]]] = {
    Status.NEW: _WORKED_ON,
    Status.OPEN: _WORKED_ON,
    Status.IN_PROGRESS: _WORKED_ON,
    Status.FIX_CLAIMED: _WORKED_ON,
    Status.REGRESSED: _WORKED_ON,
    Status.FALSE_POSITIVE: (Status.OPEN,),
    Status.WAIVED: (),
    Status.FIXED: (),
}
"""What a person may make of each status. A waiver makes and ends *waived*; a scan says *fixed* and *regressed*."""

NEEDS_REASON: Final = frozenset({Status.FALSE_POSITIVE})
"""What nobody may say without saying why."""


def settable(status: Status) -> tuple[Status, ...]:
    """What a person may set a finding of a status to, in the order of a menu."""
    return tuple(each for each in TRANSITIONS[status] if each is not status)


def refusal(was: Status, wanted: Status) -> str:
    """Why a person may not set a status, in words; empty where they may, or nothing would change."""
    if was is wanted or wanted in TRANSITIONS[was]:
        return ""
    if wanted is Status.WAIVED:
        return "a finding is waived by a waiver"
    if wanted not in _WORKED_ON:
        return "only a scan can say that"
    if was is Status.FIXED:
        return "it is fixed, and only a scan can open it again"
    if was is Status.WAIVED:
        return "it is waived; end the waiver first"
    return "a false positive is opened again first"


def is_settled(status: Status) -> bool:
    """Whether nothing but comments may be added: a scan has said that it is over."""
    return status is Status.FIXED


@dataclass(frozen=True, slots=True)
class Standing:
    """What decides how urgent a finding is."""

    regression: bool
    protected: bool
    rank: int
    opened_at: datetime
    due_at: datetime | None = None


def urgency(standing: Standing, now: datetime) -> tuple[bool, bool, bool, int, datetime]:
    """What findings are sorted by, most urgent first: regressions, overdue, protected tags, severity, age."""
    return (
        not standing.regression,
        not is_overdue(standing.due_at, now),
        not standing.protected,
        standing.rank,
        standing.opened_at,
    )
