"""Saved views that somebody has mailed, and why one of them is not."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Q

from compliance.models import Channel, ChannelKind, User, ViewMail
from compliance.queries.finding_filter import is_understood
from compliance.queries.saved_views import list_views


@dataclass(frozen=True, slots=True)
class MailedView:
    """One of them.

    :param query: empty where it is not seen.
    :param problem: why nothing is sent, in words.
    """

    id: int
    name: str
    query: str
    channel: Channel
    told_at: datetime | None
    problem: str


@dataclass(frozen=True, slots=True)
class MailChoices:
    """Channels of mail by their ids, and by the ids of views the names of those they are mailed to."""

    channels: tuple[tuple[int, str], ...]
    mailed: Mapping[int, str]


def mail_choices(user: User) -> MailChoices:
    """Where views can be mailed to, and are: one query."""
    columns = ("pk", "name", "view_mails__view_id")
    rows = list(
        Channel.objects.filter(user=user.pk, kind=ChannelKind.MAIL).order_by("name", "pk").values_list(*columns)
    )
    return MailChoices(
        tuple({pk: name for pk, name, _ in rows}.items()), {view: name for _, name, view in rows if view is not None}
    )


def mailed_views(user: User) -> tuple[MailedView, ...]:
    """All that somebody has mailed, also what does not come any more."""
    mails = ViewMail.objects.filter(channel__user=user.pk).select_related("channel").order_by("name", "pk")
    rows = list(mails)
    ids = [row.view_id for row in rows if row.view_id is not None]
    seen = {view.id: view.query for view in list_views(user, Q(pk__in=ids))} if ids else {}
    return tuple(_mailed(row, None if row.view_id is None else seen.get(row.view_id)) for row in rows)


def _mailed(row: ViewMail, query: str | None) -> MailedView:
    return MailedView(row.pk, row.name, query or "", row.channel, row.told_at, _problem(row, query))


def _problem(row: ViewMail, query: str | None) -> str:
    if row.view_id is None:
        return "It was deleted."
    if query is None:
        return "It is not shared with you any more, or names what you may not see."
    if not is_understood(query):
        return "It asks for something that is not understood any more; save it again."
    return "" if row.channel.enabled else f"{row.channel.name} is switched off."
