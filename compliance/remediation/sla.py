"""How long there is to fix a finding: due dates from terms, and what a due date says today."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum

Terms = Mapping[tuple[int, bool], int | None]
"""Days to fix by ``(rank, protected)``; ``None``, or no entry: no due date."""

SOON = timedelta(days=7)
"""What boards and chips call *due soon*."""

_NONE = "none"
_EDITED = "edited"


def due_at(rank: int, protected: bool, sla_from: datetime, terms: Terms) -> datetime | None:
    """When a finding of a severity is to be fixed; ``None``: no due date.

    :param rank: ``Severity.rank``.
    :param protected: whether a protected tag shows it.
    :param sla_from: when its term began.
    """
    days = terms.get((rank, protected))
    return None if days is None else sla_from + timedelta(days=days)


Weight = tuple[int, bool]
"""How urgent a finding is by itself: ``Severity.rank``, and whether a protected tag shows it; what ``Terms`` go by."""


def is_worse(was: Weight, became: Weight) -> bool:
    """Whether a finding got worse: in severity, and where that is the same, by a protected tag."""
    return (became[0], not became[1]) < (was[0], not was[1])


def term_from(
    was: Weight, became: Weight, sla_from: datetime, opened_at: datetime, terms: Terms, now: datetime
) -> datetime:
    """When the term of a finding that is of another weight begins, for ``due_at`` to say when it is to be fixed.

    What got worse has the shorter term from now on, and is due no later than it was. What got better has the longer
    one from when it was opened, and is due no earlier than it was: getting worse and better again gains no time.

    :param sla_from: when its term began until now; ``opened_at``: the present episode.
    """
    days, had = terms.get(became), due_at(*was, sla_from, terms)
    if days is None:
        return sla_from
    length = timedelta(days=days)
    if had is None:
        return now
    if is_worse(was, became):
        return min(had - length, now)
    return max(had - length, opened_at)


class DueState(StrEnum):
    """What a due date says today."""

    NONE = "none"
    LATER = "later"
    SOON = "soon"
    OVERDUE = "overdue"


def is_overdue(due: datetime | None, now: datetime) -> bool:
    """Whether the moment is over."""
    return due is not None and due < now


def due_state(due: datetime | None, now: datetime) -> DueState:
    """What a due date of a finding that is to be done says at a moment."""
    if due is None:
        return DueState.NONE
    if due < now:
        return DueState.OVERDUE
    return DueState.SOON if due - now <= SOON else DueState.LATER


def due_words(due: datetime | None, now: datetime) -> str:
    """``3 days overdue``, ``due in 5 hours``, ``no due date``; whole units, rounded down."""
    if due is None:
        return "no due date"
    length = abs(due - now)
    count, unit = (length.days, "day") if length.days else (length.seconds // 3600, "hour")
    span = f"{count} {unit}{'' if count == 1 else 's'}" if count else "less than an hour"
    return f"{span} overdue" if due < now else f"due in {span}"


@dataclass(frozen=True, slots=True)
class Due:
    """A due date as the timeline keeps it; ``edited``: a person said so, not the terms."""

    at: datetime | None
    edited: bool = False


def due_text(due: Due) -> str:
    """What ``was`` and ``became`` of an event about a due date hold."""
    moment = _NONE if due.at is None else due.at.astimezone(UTC).isoformat()
    return f"{moment} {_EDITED}" if due.edited else moment


def read_due_text(text: str) -> Due:
    """What ``due_text`` wrote; what nobody can read is no due date."""
    moment, _, rest = text.partition(" ")
    try:
        at = datetime.fromisoformat(moment)
    except ValueError:
        at = None
    return Due(at if at is None or at.tzinfo else at.replace(tzinfo=UTC), rest == _EDITED)
