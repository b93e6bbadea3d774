"""What people do to findings, and what the timeline says of it then."""

from __future__ import annotations

from datetime import timedelta

from compliance.models import BulkChange, Finding, FindingEvent, User
from compliance.remediation.change import Change
from compliance.services.change_findings import change_findings
from tests.support.rows import NOW

DAY = timedelta(days=1)


def change(what: Change, by: User, *, expected: int | None = None, mine: bool = False) -> BulkChange:
    """Do it to all findings, or to those of the team Payments alone."""
    rows = Finding.objects.filter(repository__team__slug="payments") if mine else Finding.objects.all()
    return change_findings(rows, what, by=by, now=NOW, expected=expected)


def events(kind: str = "") -> list[tuple[str, str, str]]:
    """What was, what it became and the words, in order; found is nobody's doing."""
    rows = FindingEvent.objects.exclude(kind="found").order_by("finding", "pk")
    return list((rows.filter(kind=kind) if kind else rows).values_list("was", "became", "text"))
