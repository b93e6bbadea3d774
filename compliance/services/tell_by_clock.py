"""News that no scan and no person makes: findings that went past their date. And what is forgotten of all news."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from django.db.models import Q, QuerySet

from compliance.models import Delivery, Finding
from compliance.models.shared_value import OVERDUE_TOLD
from compliance.remediation.notices import Kind
from compliance.services.keep_for import days_kept
from compliance.services.news_of_findings import tell_overdue
from compliance.services.tell_people import anybody_listens
from compliance.services.told_until import told_until

_FORGOTTEN_AT_A_TIME: Final = 500


def forget_deliveries(now: datetime) -> int:
    """Forget the oldest messages that were sent, or given up, long ago: what each was about comes with its time."""
    kept_since = days_kept().messages_before(now)
    oldest = Delivery.objects.order_by("pk").values_list("pk", "ended_at")[:_FORGOTTEN_AT_A_TIME]
    gone = [pk for pk, ended_at in oldest if ended_at is not None and ended_at < kept_since]
    # Asked again: somebody may have just had it sent once more, with all that is part of it.
    return old_deliveries(kept_since).filter(pk__in=gone).delete()[0] if gone else 0


def old_deliveries(before: datetime) -> QuerySet[Delivery]:
    """What ended before a moment, with all that it was part of."""
    return Delivery.objects.filter(Q(joined_to=None) | Q(joined_to__ended_at__lt=before), ended_at__lt=before)


def tell_of_overdue(now: datetime) -> None:
    """Tell each team of findings whose date has passed since it was told last; what was past before that is not news.

    A finding whose date is moved on is overdue again when that has passed too.
    """
    with told_until(OVERDUE_TOLD, now) as since:
        if since is None or not anybody_listens(Kind.OVERDUE, Kind.WATCHED):
            return
        tell_overdue(Finding.objects.filter(due_at__gt=since, due_at__lte=now), now=now)
