"""Write down, for each saved view that somebody has mailed, that its week is over; ``word_view`` says what it holds.

Nothing is counted here: the tick that waits for this has scans to ring for.
"""

from __future__ import annotations

from datetime import date, datetime

from django.urls import reverse

from compliance.models import Delivery, User, ViewMail
from compliance.policy.weeks import latest_week, zone_of
from compliance.remediation.joining import packed
from compliance.remediation.notices import Kind, Notice, about
from compliance.services.tell_people import write_down


def tell_of_views(since: datetime, now: datetime, person: User | None = None) -> None:
    """For all whose Monday morning came since then, or for one of them, in the caller's transaction."""
    mails = ViewMail.objects.filter(view__isnull=False, channel__enabled=True, channel__user__is_active=True)
    if person is not None:
        mails = mails.filter(channel__user=person.pk)
    zones = mails.order_by().values_list("channel__user__time_zone", flat=True).distinct()
    weeks = {name: latest_week(now, zone_of(name)) for name in sorted(zones)}
    over = {name: week.monday for name, week in weeks.items() if week.ends > since}
    if over:
        due = mails.filter(channel__user__time_zone__in=over).order_by("pk")
        columns = due.values_list("channel__user__time_zone", "channel_id", "view_id", "name")
        write_down([_delivery(channel, view, name, over[zone], now) for zone, channel, view, name in columns])


def _delivery(channel_id: int, view_id: int | None, name: str, monday: date, now: datetime) -> Delivery:
    """Once a week for a view and a channel, also for who ends it and begins again, or moves to another zone."""
    key = about(Kind.VIEW, view_id, monday.isoformat())
    message = packed(Notice(Kind.VIEW, key, name, reverse("findings")))
    return Delivery(
        channel_id=channel_id,
        kind=Kind.VIEW.value,
        about=key,
        message={**message, "view": view_id},
        created_at=now,
        next_at=now,
    )
