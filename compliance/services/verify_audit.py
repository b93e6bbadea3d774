"""Say whether the audit trail is what was written, and if not, which row is the first that is not."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.db import connection, transaction

from compliance.models import HISTORIES, AuditCheck, AuditEvent
from compliance.policy.audit_chain import Fault, Seal, SealedRow, Walk, parse_anchor
from compliance.services.seal_audit import BATCH, CONTENT, audit_secrets, events_waiting

_EVENTS: Final = AuditEvent._meta.db_table
_LONGEST_PROBLEM: Final = 300

_ROWS: Final = """
SELECT id, number, link, mac, key, {content} FROM compliance_auditevent WHERE number > %s ORDER BY number LIMIT %s
"""
# A transaction lasts minutes at most, so a row that is not sealed though rows of hours later are was slipped in.
_SLIPPED_IN: Final = """
SELECT id FROM compliance_auditevent WHERE number IS NULL
AND at + interval '1 hour' < (
    SELECT at FROM compliance_auditevent WHERE number IS NOT NULL ORDER BY number DESC LIMIT 1
)
ORDER BY id LIMIT 1
"""
# Only columns that both know: a release may add or drop one.
_DIFFERS: Final = """
EXISTS (SELECT FROM jsonb_each(event.data) AS was JOIN jsonb_each(plimsoll_history_data(to_jsonb(kept))) AS now
        USING (key) WHERE was.value <> now.value)
"""
_COPIES: Final = """
SELECT event.number, event.source_row, CASE WHEN kept.pgh_id IS NULL THEN 'missing' ELSE 'changed' END
FROM {events} AS event LEFT JOIN {table} AS kept ON kept.pgh_id = event.source_row
WHERE event.source = %s AND (
    kept.pgh_id IS NULL OR kept.pgh_label <> event.action OR kept.pgh_created_at <> event.at
    OR kept.pgh_obj_id::text <> event.object OR coalesce(kept.pgh_context, '{{}}'::jsonb) <> event.context
    OR (plimsoll_history_data(to_jsonb(kept)) <> event.data AND {differs})
) ORDER BY event.number LIMIT 1
"""
_NOT_COPIED: Final = """
SELECT kept.pgh_id FROM {table} AS kept
WHERE NOT EXISTS (SELECT FROM {events} AS event WHERE event.source = %s AND event.source_row = kept.pgh_id)
ORDER BY kept.pgh_id LIMIT 1
"""


@dataclass(frozen=True, slots=True)
class Problem:
    """A row that is not as it was written.

    :param row: its id; ``None`` where it is gone.
    :param number: its place in the chain; ``None`` for a row that never had one.
    """

    table: str
    row: int | None
    what: str
    number: int | None

    def __str__(self) -> str:
        row = f"row {self.row}" if self.row is not None else "a row"
        place = f", number {self.number} of the chain" if self.number is not None else ""
        return f"{self.table}, {row}{place}: {self.what}"


@dataclass(frozen=True, slots=True)
class Verification:
    """What was found.

    :param sealed: how many rows of the chain are right, from the first.
    :param waiting: rows that are not sealed yet, about which nothing can be said.
    """

    sealed: int
    waiting: int
    anchor: str
    problems: Sequence[Problem]


def verify_audit(anchors: Iterable[str] = ()) -> Verification:
    """Walk along the chain, and compare each history with the trail; everything as of one moment.

    :param anchors: as they were logged. The last one is known to the database too, but whoever cuts the end of the
        trail off may have thought of that.
    :raises ValueError: for an anchor that is none.
    """
    told = [parse_anchor(anchor) for anchor in anchors]
    whole = not connection.in_atomic_block
    with transaction.atomic():
        if whole:
            with connection.cursor() as cursor:
                cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        return _verify({**_known_anchor(), **dict(told)})


def check_audit(now: datetime) -> Verification:
    """Verify, and keep what was found to be shown."""
    found = verify_audit()
    problem = str(found.problems[0])[:_LONGEST_PROBLEM] if found.problems else ""
    result = {"checked_at": now, "checked_number": found.sealed, "problem": problem}
    AuditCheck.objects.update_or_create(pk=1, defaults=result)
    return found


def _verify(anchors: dict[int, bytes]) -> Verification:
    walk = Walk(audit_secrets(), anchors)
    fault = _walk(walk)
    problems = [Problem(_EVENTS, fault.id, fault.what, fault.number)] if fault else []
    problems += _slipped_in()
    for history in HISTORIES:
        problems += _compare(history._meta.db_table)
    problems.sort(key=lambda each: (each.number is None, each.number or 0))
    return Verification(walk.number, events_waiting(), walk.anchor, problems)


def _walk(walk: Walk) -> Fault | None:
    while rows := _rows(walk.number):
        if fault := walk.step(rows):
            return fault
    return walk.end()


def _rows(after: int) -> list[SealedRow]:
    with connection.cursor() as cursor:
        cursor.execute(_ROWS.format(content=CONTENT), [after, BATCH])
        return [
            SealedRow(row_id, content.encode(), Seal(number, bytes(link), bytes(mac), key))
            for row_id, number, link, mac, key, content in cursor.fetchall()
        ]


def _compare(table: str) -> list[Problem]:
    names = {"events": _EVENTS, "table": table, "differs": _DIFFERS}
    with connection.cursor() as cursor:
        cursor.execute(_COPIES.format(**names), [table])
        problems = [Problem(table, row, what, number) for number, row, what in cursor.fetchall()]
        cursor.execute(_NOT_COPIED.format(**names), [table])
        return problems + [Problem(table, row, "inserted: the trail does not know it", None) for (row,) in cursor]


def _slipped_in() -> list[Problem]:
    with connection.cursor() as cursor:
        cursor.execute(_SLIPPED_IN)
        return [
            Problem(_EVENTS, row, "inserted: it is older than what was sealed before it", None) for (row,) in cursor
        ]


def _known_anchor() -> dict[int, bytes]:
    """The last that was logged, as far as the database still says so."""
    kept = AuditCheck.objects.filter(pk=1).values_list("anchor", flat=True).first()
    try:
        return dict([parse_anchor(kept)]) if kept else {}
    except ValueError:
        return {}
