"""Hold findings once more against a waiver that was made to count, or ended, while scans were under way.

A scan reads the waivers and writes findings afterwards, and waits for nobody who decides over a waiver meanwhile. What
is left to do is a row or a finding and no window of time, so it is done however long the clock was away.
"""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from django.db import connection
from django.db.models import Exists, OuterRef, Q, QuerySet

from compliance.models import Finding, StatusChoice, UnsettledWaiver, Waiver
from compliance.queries.waiver_facts import findings_in_scope, scope_of
from compliance.queries.waiver_reach import MOST_FINDINGS
from compliance.services.apply_waivers import apply_and_count


def unsettle(waiver: Waiver) -> None:
    """Say that a waiver begins to count with this transaction: scans that do not know of it may be under way."""
    UnsettledWaiver.objects.update_or_create(waiver=waiver, defaults={"after": None})


def to_settle() -> QuerySet[UnsettledWaiver, int]:
    """The waivers that were made to count and not looked at for the last time."""
    return UnsettledWaiver.objects.order_by("pk").values_list("pk", flat=True)


def settle_counting(waiver: Waiver, now: datetime) -> bool:
    """Waive what a scan left open; once all transactions are over that began before anybody could know of the waiver,
    for the last time. Say whether that is so.
    """
    if waiver.approved_at is not None and waiver.approved_at > now:
        return False  # approved since this look began: the next one sees it
    row = UnsettledWaiver.objects.filter(pk=waiver.pk).first()
    if row is None:
        return True
    over = _is_over(row.after)
    if over is None:  # the first look, or the database is a copy that counts from less
        UnsettledWaiver.objects.filter(pk=row.pk).update(after=_transactions().this)
    elif over:
        row.delete()
    else:
        return False
    missed = findings_in_scope(scope_of(waiver)).to_do().order_by("pk").values_list("pk", flat=True)
    if ids := list(missed[:MOST_FINDINGS]):
        apply_and_count(ids, now=now)
    return over is True


def ended_unsettled(now: datetime) -> QuerySet[Waiver, int]:
    """Waivers that have ended and that a scan has let cover something since; who tells of an end opens the others."""
    ended = Q(expires_at__lte=now, reopened_at__isnull=False) | Q(revoked_at__lte=now)
    covered = Finding.objects.filter(waiver=OuterRef("pk"), status=StatusChoice.WAIVED)
    return Waiver.objects.filter(ended).filter(Exists(covered)).order_by("pk").values_list("pk", flat=True)


def settle_ended(waiver: Waiver, now: datetime) -> None:
    """Open again what a waiver that has ended still covers."""
    covered = waiver.findings.filter(status=StatusChoice.WAIVED).order_by("pk").values_list("pk", flat=True)
    apply_and_count(list(covered[:MOST_FINDINGS]), now=now)


def _is_over(after: int | None) -> bool | None:
    """Whether every transaction before that one has ended; ``None`` where that says nothing."""
    # Scans hold repositories before they read the waivers, so they have a number by then.
    now = _transactions()
    return None if after is None or after > now.newest else now.oldest >= after


class _Transactions(NamedTuple):
    """Numbers of this transaction, of the oldest that is under way, and of the one after the newest that is over."""

    this: int
    oldest: int
    newest: int


def _transactions() -> _Transactions:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_current_xact_id()::text::bigint, pg_snapshot_xmin(s)::text::bigint, "
            "pg_snapshot_xmax(s)::text::bigint FROM pg_current_snapshot() s"
        )
        return _Transactions(*cursor.fetchone())
