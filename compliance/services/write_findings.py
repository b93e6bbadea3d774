"""Lock findings, look at rights, write what became of them with their timeline and spans: for all who change them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.db import connection
from django.db.models import OuterRef, Subquery

from compliance.access import may_triage
from compliance.models import BulkChange, Finding, FindingEvent, FindingSpan, Repository, SlaTerm, User
from compliance.models.bulk import among, insert_alike, update_rows
from compliance.models.finding import FindingQuerySet
from compliance.remediation.change import InvalidChange
from compliance.remediation.sla import Terms, due_at

MOST_AT_ONCE: Final = 25_000
"""Findings changed by one click: they stay locked until all are."""

_Kind = FindingEvent.Kind
_COLUMNS: Final[Mapping[str, tuple[str, ...]]] = {
    _Kind.ASSIGNEE: ("assignee", "changed_at"),
    _Kind.STATUS: ("status", "claimed_at", "claimed_by", "changed_at"),
    _Kind.DUE: ("due_at", "due_edited", "changed_at"),
    _Kind.BASELINE: ("baseline", "due_at", "changed_at"),
    _Kind.COMMENT: (),
    _Kind.RESCAN: (),
}
"""What a person's change of a kind touches."""

# What changes are decided by: reading a moment takes longer than anything else that is done to a row here.
_READ: Final = (
    *("repository", "rule", "rank", "status", "assignee", "protected", "baseline", "regression"),
    *("due_at", "due_edited", "sla_from"),
)
_MOVES_DUE_DATES = (_Kind.DUE, _Kind.BASELINE)


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

    They are read as far as a change of them needs.

    :raises InvalidChange: when there are more than one click may change.
    """
    ids = list(findings.order_by("pk").values_list("pk", flat=True)[: MOST_AT_ONCE + 1])
    if len(ids) > MOST_AT_ONCE:
        raise InvalidChange(f"These are more than {MOST_AT_ONCE:,} findings; filter further.")
    held = Finding.objects.filter(among("pk", ids)).order_by("pk").select_for_update()
    locked = list(held.values_list("pk", flat=True))
    # Asked once more now that nobody can change them: what somebody else just did may have taken some out.
    still = findings.filter(among("pk", locked)).order_by().values("pk")
    return list(Finding.objects.filter(pk__in=still).order_by("pk").only(*_READ))


def hold_homes(findings: FindingQuerySet) -> list[int]:
    """Keep the repositories of findings from scans, before the findings are locked: whoever refers to them has to.

    Scans hold repositories first and findings then. Who holds findings and only at its end waits for their
    repositories, because it has written a row that refers to them, would wait with a scan in a circle.
    """
    homes = list(findings.order_by().values_list("repository", flat=True).distinct())
    with connection.cursor() as cursor:
        cursor.execute("SELECT id FROM compliance_repository WHERE id = ANY(%s) ORDER BY id FOR KEY SHARE", [homes])
        return [pk for (pk,) in cursor.fetchall()]


def check_rights(rows: Sequence[Finding], by: User) -> set[int | None]:
    """The teams whose findings these are.

    :raises NotAllowed: when the person may not work on one of them.
    """
    repositories = {row.repository_id for row in rows}
    owners = Repository.objects.filter(among("pk", repositories)).order_by()
    teams: set[int | None] = set(owners.values_list("team_id", flat=True).distinct())
    if not all(may_triage(by.actor, team) for team in teams):
        raise NotAllowed
    return teams


def write_changes(
    rows: Iterable[Finding], changer: Changer, bulk: BulkChange | None, *, by: User, now: datetime
) -> list[Finding]:
    """Change rows in memory, then write them, their timeline and their spans; return those that were changed."""
    by_kind: dict[str, list[tuple[Finding, Said]]] = {}
    for row in rows:
        if (found := changer(row)) is not None:
            by_kind.setdefault(found.kind, []).append((row, found))
    for kind, said in by_kind.items():
        _write(kind, said, bulk, by, now)
    return [row for said in by_kind.values() for row, _ in said]


def _write(kind: str, said: Sequence[tuple[Finding, Said]], bulk: BulkChange | None, by: User, now: datetime) -> None:
    rows = [row for row, _ in said]
    ids = [row.pk for row in rows]
    if columns := _COLUMNS[kind]:
        for row in rows:
            row.changed_at = now
        update_rows(rows, columns)
    # What a person wrote is the same for all: thousands of copies of a long comment are more than a process can hold.
    text = said[0][1].text
    texts = {} if all(found.text == text for _, found in said) else {"text": [found.text for _, found in said]}
    insert_alike(
        FindingEvent(at=now, by=by, bulk=bulk, kind=kind, text=text),
        finding=ids,
        was=[found.was for _, found in said],
        became=[found.became for _, found in said],
        **texts,
    )
    if kind in _MOVES_DUE_DATES:
        _date_spans(ids)


def _date_spans(ids: Sequence[int]) -> None:
    """Give the present episodes of findings their due dates."""
    current = Finding.objects.filter(pk=OuterRef("finding")).values("due_at")
    FindingSpan.objects.filter(among("finding", ids), closed_at=None).update(due_at=Subquery(current))


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
