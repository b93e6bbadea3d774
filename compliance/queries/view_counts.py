"""How many findings saved views hold now, for whoever looks: all by one statement, and none counted to its end."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from django.core.exceptions import EmptyResultSet
from django.db import connection

from compliance.access import Actor
from compliance.models import User
from compliance.queries.finding_filter import params_of
from compliance.queries.findings import select_findings
from compliance.queries.mailed_views import mail_choices
from compliance.queries.saved_views import MOST_TABS, ViewRow, list_views

MOST_COUNTED: Final = 1_000
"""Of one view; there may be two hundred of them on a page, over as many thousand findings."""


@dataclass(frozen=True, slots=True)
class Held:
    """A number of findings; ``more``: there are more than that, and nobody looked how many."""

    count: int
    more: bool = False

    def __str__(self) -> str:
        return f"{self.count:,}{'+' if self.more else ''}"


@dataclass(frozen=True, slots=True)
class ShownView:
    """A view, what it holds where that was asked for, and the channel that it is mailed to."""

    row: ViewRow
    held: Held | None
    mailed_to: str


@dataclass(frozen=True, slots=True)
class ViewsPage:
    """All that somebody may see, and by their ids the channels of mail they have."""

    views: tuple[ShownView, ...]
    channels: tuple[tuple[int, str], ...]


def views_page(user: User, counted: str, *, now: datetime) -> ViewsPage:
    """The page of views, or what is asked for after a page.

    :param counted: ``all`` of them, or ``pinned``: those that are tabs. Else none is.
    """
    rows = list_views(user)
    asked = {"all": rows, "pinned": [row for row in rows if row.pinned][:MOST_TABS]}.get(counted, [])
    held = count_views([row.query for row in asked], user.actor, now=now)
    ids = {row.id for row in asked}
    mail = mail_choices(user)
    shown = (ShownView(row, held[row.query] if row.id in ids else None, mail.mailed.get(row.id, "")) for row in rows)
    return ViewsPage(tuple(shown), mail.channels)


def count_views(queries: Iterable[str], actor: Actor, *, now: datetime) -> Mapping[str, Held]:
    """What each query of the inbox holds of what somebody may see."""
    counts = dict.fromkeys(queries, Held(0))
    asked = list(counts)
    parts: list[str] = []
    values: list[Any] = []
    for at, query in enumerate(asked):
        found = select_findings(params_of(query), actor, now=now).order_by().values("pk")[: MOST_COUNTED + 1]
        try:
            sql, params = found.query.sql_with_params()
        except EmptyResultSet:  # it asks for what cannot be, and Django does not ask the database
            continue
        parts.append(f"SELECT %s, count(*) FROM ({sql}) held")  # noqa: S608  # Django's, with its parameters apart
        values += [at, *params]
    if not parts:
        return counts
    with connection.cursor() as cursor:
        cursor.execute(" UNION ALL ".join(parts), values)
        found_now = [(asked[at], count) for at, count in cursor.fetchall()]
    return counts | {query: Held(min(count, MOST_COUNTED), count > MOST_COUNTED) for query, count in found_now}
