"""What one click changed, for whoever clicked: the words that stay on the page, and what can be undone."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import F, Func, IntegerField, Sum

from compliance.models import BulkChange, FindingEvent, RepositoryScan, SharedValue, User
from compliance.models.shared_value import relabel_key
from compliance.remediation.change import LABEL, RELABELS

_NUMBER = re.compile(r"[1-9][0-9]{0,11}|0", re.ASCII)
_WORDS = {
    "assign": "assigned",
    "status": "given the status",
    "due": "given the due date",
    "restore_due": "given the due date that the terms say",
    "comment": "commented",
}
_NOT_ASKED = "No registry is asked: no tag shows them, the tags wait for a scan already, or nobody scans the registry."


@dataclass(frozen=True, slots=True)
class Done:
    """A change that was made.

    :param ids: those it changed of what is shown.
    :param kept: how many its undo left alone, because somebody had changed them since.
    :param unassigned: how many its undo gave to nobody, because who had them may not see them any more.
    """

    id: int
    action: str
    count: int
    words: str
    at: datetime
    undone: bool
    ids: frozenset[int]
    kept: int
    unassigned: int

    @property
    def what(self) -> str:
        """What was changed, in the plural."""
        return "repositories" if self.action in RELABELS else "findings"


def find_done(params: Mapping[str, str], user: User, shown: Sequence[int]) -> Done | None:
    """The change the address names with ``changed``, if it is this person's."""
    asked = params.get("changed", "")
    if not _NUMBER.fullmatch(asked):
        return None
    row = BulkChange.objects.filter(pk=int(asked), by=user).first()
    if row is None:
        return None
    ids = FindingEvent.objects.filter(bulk=row, finding__in=shown).values_list("finding_id", flat=True)
    return Done(
        id=row.pk,
        action=row.action,
        count=row.count,
        words=_words(row),
        at=row.at,
        undone=row.undone_at is not None,
        ids=frozenset(ids),
        kept=_number(params, "kept"),
        unassigned=_number(params, "unassigned"),
    )


def _words(row: BulkChange) -> str:
    if row.action in RELABELS:
        return _words_of_relabel(row)
    count = f"{row.count:,} finding{'' if row.count == 1 else 's'}"
    if row.action == "rescan":
        return _words_of_rescan(row, count)
    return f"{count} {_WORDS.get(row.action, 'changed')}." if row.count else "Nothing had to be changed."


def _words_of_relabel(row: BulkChange) -> str:
    if not row.count:
        return "Nothing had to be changed."
    said = SharedValue.objects.filter(pk=relabel_key(row.pk)).values_list("value", flat=True).first()
    labels = ", ".join([*said["add"], *said["remove"]]) if said else ""  # it is kept for as long as it can be undone
    done = "given to" if row.action == LABEL else "taken from"
    what = f"The label {labels}" if labels else "A label"
    return f"{what} was {done} {row.count:,} repositor{'y' if row.count == 1 else 'ies'}."


def rescanned(bulk_id: int, finding_id: int, user: User) -> str:
    """What somebody is told who had the tags of one finding scanned again; nothing of any other change or finding."""
    row = BulkChange.objects.filter(pk=bulk_id, by=user, action="rescan").first()
    # What changed nothing left no event that would say of which finding it was asked.
    if row is None or (row.count and not row.events.filter(finding=finding_id).exists()):
        return ""
    return _words_of_rescan(row, "this finding")


def _words_of_rescan(row: BulkChange, about: str) -> str:
    if not row.count:
        return _NOT_ASKED
    parts = RepositoryScan.objects.filter(scan__requested_by=row.by, scan__requested_at=row.at, heavy=False)
    length = Func(F("only_tags"), function="cardinality", output_field=IntegerField())
    tags = parts.aggregate(tags=Sum(length))["tags"] or 0
    return f"{tags:,} tag{' is' if tags == 1 else 's are'} scanned again, for {about}."


def _number(params: Mapping[str, str], name: str) -> int:
    text = params.get(name, "")
    return int(text) if _NUMBER.fullmatch(text) else 0
