"""Lock findings, look at rights, write what became of them with their timeline and spans: for all who change them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.db.models import OuterRef, Subquery

from compliance.access import may_triage
from compliance.models import BulkChange, Finding, FindingEvent, FindingSpan, Repository, SlaTerm, User
from compliance.models.bulk import insert_rows, update_rows
from compliance.models.finding import FindingQuerySet
from compliance.remediation.change import InvalidChange
from compliance.remediation.sla import Terms, due_at

MOST_AT_ONCE: Final = 25_000
"""Findings changed by one click: they stay locked until all are."""

COLUMNS: Final = ("status", "assignee", "due_at", "due_edited", "claimed_at", "claimed_by", "baseline", "changed_at")
"""What a person's change may touch."""


_MOVES_DUE_DATES = (FindingEvent.Kind.DUE, FindingEvent.Kind.BASELINE)


class NotAllowed(Exception):
    """Some of the findings are not theirs to change; nothing was changed."""


@dataclass(frozen=True, slots=True)
class Said:
    """What the timeline says of a finding that was changed."""

    kind: str
    was: str = ""
    became: str = ""
    text: str = ""


Changer = Callable[[Finding], Said | None]


def lock_findings(findings: FindingQuerySet) -> list[Finding]:
    """Those that fit the query while they are locked; in order of their ids, so that two do not wait in a circle.

    :raises InvalidChange: when there are more than one click may change.
    """
    ids = list(findings.order_by("pk").values_list("pk", flat=True)[: MOST_AT_ONCE + 1])
    if len(ids) > MOST_AT_ONCE:
        raise InvalidChange(f"These are more than {MOST_AT_ONCE:,} findings; filter further.")
    held = Finding.objects.filter(pk__in=ids).order_by("pk").select_for_update()
    locked = list(held.values_list("pk", flat=True))
    # Asked once more now that nobody can change them: what somebody else just did may have taken some out.
    still = findings.filter(pk__in=locked).order_by().values("pk")
    return list(Finding.objects.filter(pk__in=still).order_by("pk"))


def check_rights(rows: Sequence[Finding], by: User) -> set[int | None]:
    """The teams whose findings these are.

    :raises NotAllowed: when the person may not work on one of them.
    """
    repositories = {row.repository_id for row in rows}
    owners = Repository.objects.filter(pk__in=repositories).order_by()
    teams: set[int | None] = set(owners.values_list("team_id", flat=True).distinct())
    if not all(may_triage(by.actor, team) for team in teams):
        raise NotAllowed
    return teams


def write_changes(
    rows: Iterable[Finding], changer: Changer, bulk: BulkChange | None, *, by: User, now: datetime
) -> list[Finding]:
    """Change rows in memory, then write them, their timeline and their spans; return those that were changed."""
    said = [(row, found) for row in rows if (found := changer(row)) is not None]
    changed = [row for row, _ in said]
    touched = [row for row, found in said if found.kind != FindingEvent.Kind.COMMENT]
    for row in touched:
        row.changed_at = now
    update_rows(touched, COLUMNS)
    insert_rows([_event(row, found, bulk, by, now) for row, found in said])
    dated = [row.pk for row, found in said if found.kind in _MOVES_DUE_DATES]
    if dated:
        _date_spans(dated)
    return changed


def _date_spans(ids: Sequence[int]) -> None:
    """Give the present episodes of findings their due dates."""
    current = Finding.objects.filter(pk=OuterRef("finding")).values("due_at")
    FindingSpan.objects.filter(finding__in=ids, closed_at=None).update(due_at=Subquery(current))


def _event(row: Finding, said: Said, bulk: BulkChange | None, by: User, now: datetime) -> FindingEvent:
    told = {"kind": said.kind, "was": said.was, "became": said.became, "text": said.text}
    return FindingEvent(finding=row, at=now, by=by, bulk=bulk, **told)


def due_of(row: Finding, terms: Terms) -> datetime | None:
    """What the terms say of a finding; of what was there at the baseline they say nothing."""
    return None if row.baseline else due_at(row.rank, row.protected, row.sla_from, terms)


def sla_terms() -> dict[tuple[int, bool], int | None]:
    """The terms of now."""
    return {
        (rank, protected): days for rank, protected, days in SlaTerm.objects.values_list("rank", "protected", "days")
    }


def usernames(ids: Iterable[int | None]) -> dict[int | None, str]:
    """Names by id; nobody has none."""
    found = User.objects.filter(pk__in=[pk for pk in ids if pk is not None])
    return {None: "", **dict(found.values_list("pk", "username"))}
