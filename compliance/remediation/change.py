"""What a person may do to findings, as values."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from compliance.remediation.status import SAID_BY_PEOPLE, Status
from compliance.remediation.transitions import NEEDS_REASON

LONGEST_COMMENT: Final = 4_000
LONGEST_REASON: Final = 500
LATEST_DUE: Final = timedelta(days=3_653)


class InvalidChange(ValueError):
    """What was asked for cannot be done to any finding, in words for whoever asked."""


@dataclass(frozen=True, slots=True)
class Assign:
    """Give findings to a user, or to nobody."""

    user_id: int | None


@dataclass(frozen=True, slots=True)
class SetStatus:
    """Say where findings stand."""

    status: Status
    reason: str = ""


@dataclass(frozen=True, slots=True)
class SetDue:
    """Give findings a due date of their own, or none."""

    due_at: datetime | None
    reason: str


@dataclass(frozen=True, slots=True)
class RestoreDue:
    """Give findings back the due date that the terms say."""


@dataclass(frozen=True, slots=True)
class Comment:
    """Say something; plain text."""

    text: str


@dataclass(frozen=True, slots=True)
class Rescan:
    """Ask the registries again about the tags that show findings; nothing is said of the findings themselves."""


Change = Assign | SetStatus | SetDue | RestoreDue | Comment | Rescan

ACTIONS: Final[dict[type[Change], str]] = {
    Assign: "assign",
    SetStatus: "status",
    SetDue: "due",
    RestoreDue: "restore_due",
    Comment: "comment",
    Rescan: "rescan",
}
"""What ``BulkChange.action`` calls a change."""
LABEL: Final = "label"
UNLABEL: Final = "unlabel"
RELABELS: Final = (LABEL, UNLABEL)
"""What it is called where not findings are changed but the labels of their repositories."""
LASTING: Final = (ACTIONS[Comment], ACTIONS[Rescan])
"""What is not taken back: somebody has read it, a registry was asked."""


def check_change(change: Change, now: datetime) -> None:
    """Look at what a person typed before any finding is.

    :raises InvalidChange: in words for them.
    """
    match change:
        case Comment(text):
            _check_text(text, "comment", LONGEST_COMMENT)
        case SetDue(at, reason):
            _check_text(reason, "reason for another due date", LONGEST_REASON)
            if at is not None and not now < at <= now + LATEST_DUE:
                raise InvalidChange("The due date is between now and ten years from now.")
        case SetStatus(status, reason):
            if status not in SAID_BY_PEOPLE:
                raise InvalidChange("Only a scan or a waiver can say that.")
            if reason or status in NEEDS_REASON:
                _check_text(reason, "reason", LONGEST_REASON)
        case _:
            pass


def _check_text(text: str, what: str, longest: int) -> None:
    if not text.strip():
        raise InvalidChange(f"Write a {what}.")
    if len(text) > longest:
        raise InvalidChange(f"The {what} is {len(text):,} characters long; at most {longest:,} are kept.")
