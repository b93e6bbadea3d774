"""Say what a saved view holds, when its mail is made and by what its reader may see then.

The words are kept with the delivery before they are sent, so that a second try says the same. Each try asks again
whether the reader still wants it and may see the view.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.db.models import Count, Q
from django.urls import reverse

from compliance.models import Delivery, User, ViewMail
from compliance.policy.weeks import zone_of
from compliance.queries.finding_filter import is_understood, params_of
from compliance.queries.findings import most_urgent, select_findings
from compliance.queries.saved_views import ViewRow, find_view
from compliance.remediation.joining import packed
from compliance.remediation.notices import MOST_LINES, Kind, Notice
from compliance.services.news_of_findings import lines_of


@dataclass(frozen=True, slots=True)
class _Wanted:
    mail: ViewMail
    view: ViewRow
    reader: User


def word_view(row: Delivery, token: uuid.UUID, now: datetime) -> Delivery.State | None:
    """Put a mailed view into words, once; why nothing is sent, else ``None``. Of another kind nothing is asked.

    :raises LeaseLost: when somebody else has the row by now.
    """
    if row.kind != Kind.VIEW.value:
        return None
    wanted = _wanted(row)
    if wanted is None:
        return Delivery.State.DROPPED
    if "made_at" in row.message:
        return None
    notice, count = _notice(row, wanted, now)
    if not count and not wanted.mail.told_count:
        return Delivery.State.NOTHING
    made = {"view": wanted.view.id, "made_at": now.isoformat(), "count": count}
    with transaction.atomic():
        Delivery.objects.fence(row.pk, token)
        row.message = {**packed(notice), **made}
        Delivery.objects.filter(pk=row.pk).update(message=row.message)
    return None


def keep_told(row: Delivery) -> None:
    """Remember what was sent, in the transaction that says so; not what is older, sent again by hand."""
    made_at = datetime.fromisoformat(row.message["made_at"])
    mails = ViewMail.objects.filter(channel=row.channel_id, view=row.message["view"])
    earlier = mails.filter(Q(told_at=None) | Q(told_at__lt=made_at))
    earlier.update(told_at=made_at, told_count=row.message["count"])


def _wanted(row: Delivery) -> _Wanted | None:
    """``None``: it was ended or deleted, is not shared any more, or is not understood.

    Whether the reader may still log in is asked of every kind of news, when it is put into words (``word_delivery``).
    """
    reader = row.channel.user
    mail = ViewMail.objects.filter(channel=row.channel_id, view=row.message["view"]).first()
    if reader is None or mail is None:
        return None
    view = find_view(reader, row.message["view"])
    return _Wanted(mail, view, reader) if view is not None and is_understood(view.query) else None


def _notice(row: Delivery, wanted: _Wanted, now: datetime) -> tuple[Notice, int]:
    view, reader = wanted.view, wanted.reader
    since = wanted.mail.told_at or wanted.mail.since
    found = select_findings(params_of(view.query), reader.actor, now=now)
    counts = found.aggregate(all=Count("pk"), new=Count("pk", filter=Q(opened_at__gt=since)))
    lines = lines_of(most_urgent(found, MOST_LINES, now=now))
    day = since.astimezone(zone_of(reader.time_zone)).date()
    notice = Notice(
        kind=Kind.VIEW,
        about=row.about,
        title=_title(view.name, counts["all"], f"{counts['new']:,} new since {day.day} {day:%B %Y}"),
        path=f"{reverse('findings')}?{view.query}",
        lines=lines,
        more=max(0, counts["all"] - len(lines)),
        repositories=tuple(sorted({line.repository for line in lines if line.repository is not None})),
    )
    return notice, counts["all"]


def _title(name: str, count: int, new: str) -> str:
    if not count:
        return f"{name}: no finding any more"
    return f"{name}: {count:,} finding{'' if count == 1 else 's'}, {new}"
