"""What the clock does to waivers: warns before they end, and opens again what they covered when they have."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, TypeVar

from django.db import connection, transaction
from django.db.models import Q

from compliance.models import Waiver
from compliance.remediation.waiver import WARNINGS, days_to_warn
from compliance.services.apply_waivers import Applied, apply_and_count
from compliance.services.news_of_findings import tell_of_waiver_ended, tell_of_waiver_ending
from compliance.services.settle_waivers import ended_unsettled, settle_counting, settle_ended, to_settle

logger = logging.getLogger(__name__)

_AT_A_TIME: Final = 20

_Done = TypeVar("_Done")


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
    """What people are to be told of: findings that are open again, waivers that end soon.

    :param failed: how often something could not be done to a waiver; it is tried again next time.
    """

    ended: tuple[Ended, ...]
    warnings: tuple[Warning, ...]
    failed: int = 0


@dataclass(slots=True)
class OneByOne:
    """Does things to waivers, each in a transaction of its own: what fails for one is no other's failure."""

    failed: int = 0

    def try_to(self, what: str, pk: int, work: Callable[[Waiver], _Done | None]) -> _Done | None:
        """Lock a waiver and do something to it; ``None`` where that failed or somebody else is at it."""
        try:
            with transaction.atomic():
                rows = Waiver.objects.select_for_update(skip_locked=True, no_key=True, of=("self",))
                row = rows.filter(pk=pk).first()
                return None if row is None else work(row)
        except Exception:  # whatever it is, the other waivers are tended
            if not connection.is_usable():
                raise
            self.failed += 1
            title = Waiver.objects.filter(pk=pk).values_list("title", flat=True).first()
            # What fails for many fails for one reason, every tick until somebody mends it: one trace says it.
            trace = self.failed == 1
            logger.error("could not %s waiver %d (%r); the next tick tries again", what, pk, title, exc_info=trace)
            return None


def tend_waivers(now: datetime) -> Tended:
    """Do all that the clock does to waivers."""
    each = OneByOne()
    settle_waivers(now, each)
    return Tended(tuple(end_waivers(now, each)), tuple(warn_waivers(now, each)), each.failed)


def end_waivers(now: datetime, each: OneByOne | None = None) -> list[Ended]:
    """Open again what expired waivers covered, each in a transaction of its own; two at once are harmless."""
    each, ended = each or OneByOne(), list[Ended]()
    expired = Waiver.objects.filter(expires_at__lte=now, reopened_at=None).order_by("expires_at", "pk")
    for pk in list(expired.values_list("pk", flat=True)):
        found = each.try_to("end", pk, lambda row: _end(row, now))
        if found is not None:
            ended.append(found)
        if len(ended) == _AT_A_TIME:  # those that failed do not count: they would keep the others waiting for ever
            break
    return ended


def _end(row: Waiver, now: datetime) -> Ended | None:
    if row.reopened_at is not None:
        return None  # somebody else has just done it
    covered = list(row.findings.order_by().values_list("pk", flat=True))
    applied = apply_and_count(covered, now=now)
    Waiver.objects.filter(pk=row.pk).update(reopened_at=now)
    if row.approved_at is not None:  # what nobody approved in time never covered anything
        tell_of_waiver_ended(row, [each.finding_id for each in applied.reopened], now=now)
    return Ended(row.pk, applied)


def warn_waivers(now: datetime, each: OneByOne | None = None) -> list[Warning]:
    """Tell of waivers that end soon, each 14 and 3 days before and on its last day, and say which those are."""
    each, soon = each or OneByOne(), now + timedelta(days=max(WARNINGS))
    counting = Q(approved_at__isnull=False, revoked_at=None, reopened_at=None)
    rows = Waiver.objects.filter(counting, expires_at__gt=now, expires_at__lte=soon)
    due = [
        pk
        for pk, expires_at, warned in rows.order_by("pk").values_list("pk", "expires_at", "warned")
        if days_to_warn(expires_at, warned, now) is not None
    ]
    found = (each.try_to("warn of", pk, lambda row: _warn(row, now)) for pk in due)
    return [warning for warning in found if warning is not None]


def _warn(row: Waiver, now: datetime) -> Warning | None:
    days = days_to_warn(row.expires_at, row.warned, now)
    if days is None or row.revoked_at is not None:
        return None
    Waiver.objects.filter(pk=row.pk).update(warned=days)
    tell_of_waiver_ending(row, days, now=now)
    return Warning(row.pk, days)


def settle_waivers(now: datetime, each: OneByOne | None = None) -> None:
    """Look again at what scans that were under way may have written without knowing what was decided meanwhile."""
    each = each or OneByOne()
    for pk in list(to_settle()):
        each.try_to("settle", pk, lambda row: settle_counting(row, now))
    for pk in list(ended_unsettled(now)):
        each.try_to("settle", pk, lambda row: settle_ended(row, now))
