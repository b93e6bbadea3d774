"""Change how long there is to fix what, and move the due dates that follow from it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.db import connection, transaction

from compliance.models import SlaTerm, User
from compliance.policy.wake_up import WakeUp, Work
from compliance.remediation.sla import Terms
from compliance.remediation.status import TO_DO
from compliance.services.write_findings import sla_terms

AT_ONCE: Final = 10_000
"""Due dates that move before whoever saved the terms gets an answer; the rest is work for a task."""

_BATCH = 2_500

# What is waived or called wrong may be to be done again one day, and is due then by the terms of then.
_STALE: Final = """
  FROM compliance_finding f
  JOIN jsonb_to_recordset(%(terms)s::jsonb) AS t(rank smallint, protected boolean, days integer)
    ON t.rank = f.rank AND t.protected = f.protected
 WHERE f.status <> 'fixed' AND NOT f.due_edited AND NOT f.baseline
   AND f.due_at IS DISTINCT FROM f.sla_from + make_interval(days => t.days)
"""

_COUNT: Final = """
SELECT count(*), count(*) FILTER (WHERE f.sla_from + make_interval(days => t.days) < %(now)s
                                    AND (f.due_at IS NULL OR f.due_at >= %(now)s)
                                    AND f.status = ANY(%(to_do)s)) {stale}
"""

# What an event keeps is ``remediation.sla.due_text``. An episode has the due date of its finding.
_MOVE: Final = """
WITH stale AS MATERIALIZED (
    SELECT f.id, f.due_at AS was, f.sla_from + make_interval(days => t.days) AS became {stale}
     ORDER BY f.id LIMIT %(batch)s FOR UPDATE OF f
), moved AS (
    UPDATE compliance_finding f SET due_at = stale.became, changed_at = %(now)s FROM stale WHERE f.id = stale.id
), spans AS (
    UPDATE compliance_findingspan s SET due_at = stale.became FROM stale
     WHERE s.finding_id = stale.id AND s.closed_at IS NULL
), told AS (
    INSERT INTO compliance_findingevent (finding_id, at, by_id, kind, was, became, text)
    SELECT id, %(now)s, %(by)s, 'due', COALESCE(to_char(was AT TIME ZONE 'UTC', %(moment)s), 'none'),
           COALESCE(to_char(became AT TIME ZONE 'UTC', %(moment)s), 'none'), 'The terms were changed.'
      FROM stale
)
SELECT count(*) FROM stale
"""

_MOMENT: Final = 'YYYY-MM-DD"T"HH24:MI:SS.US"+00:00"'


@dataclass(frozen=True, slots=True)
class TermsPreview:
    """Due dates that would move, and how many of them from not overdue to overdue."""

    moves: int
    overdue: int


def preview_terms(terms: Terms, *, now: datetime) -> TermsPreview:
    """What other terms would do; those of now do something only while a task has not caught up."""
    with connection.cursor() as cursor:
        cursor.execute(_COUNT.format(stale=_STALE), _asked(terms, now))
        moves, overdue = cursor.fetchone()
    return TermsPreview(moves, overdue)


def save_terms(terms: Terms, *, by: User, now: datetime) -> list[WakeUp]:
    """Store terms and move the first due dates; return what is left to wake. Edited due dates stay."""
    with transaction.atomic():
        rows = {(row.rank, row.protected): row for row in SlaTerm.objects.select_for_update().order_by("pk")}
        for key, days in sorted(terms.items()):
            row = rows.get(key) or SlaTerm(rank=key[0], protected=key[1])
            if row.pk is None or row.days != days:
                row.days = days
                row.save()
    return move_due_dates(by.pk, now=now, most=AT_ONCE)


def move_due_dates(user_id: int, *, now: datetime, most: int = 10 * AT_ONCE) -> list[WakeUp]:
    """Give findings that are not fixed the due dates the stored terms say, in short transactions.

    :param user_id: who changed the terms.
    """
    terms = sla_terms()
    by = User.objects.filter(pk=user_id).values_list("pk", flat=True).first()
    values = {**_asked(terms, now), "batch": _BATCH, "by": by, "moment": _MOMENT}
    for _ in range(max(1, most // _BATCH)):
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(_MOVE.format(stale=_STALE), values)
            if cursor.fetchone()[0] < _BATCH:
                return []
    return [WakeUp(Work.DUE_DATES, user_id)]


def _asked(terms: Terms, now: datetime) -> dict[str, str | int | datetime | list[str] | None]:
    rows = [{"rank": rank, "protected": protected, "days": days} for (rank, protected), days in terms.items()]
    return {"terms": json.dumps(rows), "to_do": sorted(status.value for status in TO_DO), "now": now}
