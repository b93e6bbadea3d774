"""What the clock does to waivers: warns before they end, and opens again what they covered when they have."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.db import transaction
from django.db.models import Q, QuerySet

from compliance.models import Finding, StatusChoice, Waiver
from compliance.queries.waiver_facts import findings_in_scope, scope_of
from compliance.queries.waiver_reach import MOST_FINDINGS
from compliance.remediation.waiver import WARNINGS, days_to_warn
from compliance.services.apply_waivers import Applied, apply_and_count

_RECENT: Final = timedelta(minutes=2)
_AT_A_TIME: Final = 20


@dataclass(frozen=True, slots=True)
class Ended:
    """A waiver that has expired, and what came of what it covered."""

    waiver_id: int
    applied: Applied


@dataclass(frozen=True, slots=True)
class Warning:
    """A waiver that ends in so many days, or today: somebody is to be told, once."""

    waiver_id: int
    days: int


@dataclass(frozen=True, slots=True)
class Tended:
    """What people are to be told of: findings that are open again, waivers that end soon."""

    ended: tuple[Ended, ...]
    warnings: tuple[Warning, ...]


def tend_waivers(now: datetime) -> Tended:
    """Do all that the clock does to waivers."""
    settle_waivers(now)
    return Tended(tuple(end_waivers(now)), tuple(warn_waivers(now)))


def end_waivers(now: datetime) -> list[Ended]:
    """Open again what expired waivers covered, each in a transaction of its own; two at once are harmless."""
    ended = []
    expired = Waiver.objects.filter(expires_at__lte=now, reopened_at=None).order_by("expires_at", "pk")
    for pk in expired.values_list("pk", flat=True)[:_AT_A_TIME]:
        with transaction.atomic():
            row = (
                Waiver.objects.select_for_update(skip_locked=True, no_key=True).filter(pk=pk, reopened_at=None).first()
            )
            if row is None:
                continue  # somebody else is at it
            covered = list(row.findings.order_by().values_list("pk", flat=True))
            applied = apply_and_count(covered, now=now)
            Waiver.objects.filter(pk=pk).update(reopened_at=now)
            ended.append(Ended(pk, applied))
    return ended


def warn_waivers(now: datetime) -> list[Warning]:
    """Say which waivers end soon, each 14 and 3 days before and on its last day; what is returned is never again.

    Whoever tells people of it does so in the same transaction, or some are never told.
    """
    soon = now + timedelta(days=max(WARNINGS))
    counting = Q(approved_at__isnull=False, revoked_at=None, reopened_at=None)
    found = []
    with transaction.atomic():
        rows = Waiver.objects.filter(counting, expires_at__gt=now, expires_at__lte=soon).filter(
            ~Q(warned=0) | Q(warned=None)
        )
        for row in rows.select_for_update(skip_locked=True, no_key=True).order_by("pk"):
            days = days_to_warn(row.expires_at, row.warned, now)
            if days is not None:
                Waiver.objects.filter(pk=row.pk).update(warned=days)
                found.append(Warning(row.pk, days))
    return found


def settle_waivers(now: datetime) -> None:
    """Look again at what was decided within the last minutes: a scan may have read the waivers just before that."""
    since = now - _RECENT
    for row in Waiver.objects.filter(approved_at__gt=since, approved_at__lte=now, revoked_at=None):
        # What such a scan wrote.
        touched = Q(opened_at__gte=since) | Q(changed_at__gte=since)
        missed = findings_in_scope(scope_of(row)).to_do().filter(touched)
        _apply_to(missed, now)
    ended = Q(revoked_at__gt=since, revoked_at__lte=now) | Q(expires_at__gt=since, expires_at__lte=now)
    _apply_to(Finding.objects.filter(status=StatusChoice.WAIVED, waiver__in=Waiver.objects.filter(ended)), now)


def _apply_to(findings: QuerySet[Finding], now: datetime) -> None:
    if ids := list(findings.order_by("pk").values_list("pk", flat=True)[:MOST_FINDINGS]):
        apply_and_count(ids, now=now)
