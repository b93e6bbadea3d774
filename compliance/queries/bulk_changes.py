"""What one click changed, for whoever clicked: the words that stay on the page, and what can be undone."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from compliance.models import BulkChange, FindingEvent, User

_NUMBER = re.compile(r"[1-9][0-9]{0,11}|0", re.ASCII)
_WORDS = {
    "assign": "assigned",
    "status": "given the status",
    "due": "given the due date",
    "restore_due": "given the due date that the terms say",
    "comment": "commented",
}


@dataclass(frozen=True, slots=True)
class Done:
    """A change that was made.

    :param ids: those it changed of what is shown.
    :param kept: how many its undo left alone, because somebody had changed them since.
    """

    id: int
    action: str
    count: int
    words: str
    at: datetime
    undone: bool
    ids: frozenset[int]
    kept: int


def find_done(params: Mapping[str, str], user: User, shown: Sequence[int]) -> Done | None:
    """The change the address names with ``changed``, if it is this person's."""
    asked, kept = params.get("changed", ""), params.get("kept", "0")
    if not _NUMBER.fullmatch(asked):
        return None
    row = BulkChange.objects.filter(pk=int(asked), by=user).first()
    if row is None:
        return None
    ids = FindingEvent.objects.filter(bulk=row, finding__in=shown).values_list("finding_id", flat=True)
    count = f"{row.count:,} finding{'' if row.count == 1 else 's'}"
    return Done(
        id=row.pk,
        action=row.action,
        count=row.count,
        words=f"{count} {_WORDS.get(row.action, 'changed')}." if row.count else "Nothing had to be changed.",
        at=row.at,
        undone=row.undone_at is not None,
        ids=frozenset(ids),
        kept=int(kept) if _NUMBER.fullmatch(kept) else 0,
    )
