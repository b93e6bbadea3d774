"""Say what a delivery and all that is part of it have to say, to whoever reads the channel, by their rights now."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

from django.conf import settings
from django.urls import reverse

from compliance.access import Actor
from compliance.models import Channel, Delivery, Finding, Repository, Waiver, Watch
from compliance.remediation.joining import joined, narrowed, unpacked
from compliance.remediation.notices import Kind, Line, Message, Notice, words


def message_of(row: Delivery) -> Message | None:
    """In words; ``None``: there is nothing left that the reader may see."""
    rows = [row, *row.parts.order_by("created_at", "pk")]
    notices = [unpacked(Kind(each.kind), each.about, each.message) for each in rows]
    kept = visible(row.channel, notices)
    if not kept:
        return None
    is_view = row.kind == Kind.VIEW.value
    settings_page = (
        f"{reverse('settings_notifications')}#views" if is_view else reverse("channel", args=[row.channel_id])
    )
    said = replace(joined(kept), about=row.about)
    return words(said, site=settings.PUBLIC_URL, why=settings_page)


def visible(channel: Channel, notices: Sequence[Notice]) -> list[Notice]:
    """What of some notices of one kind the reader of a channel may see, by a few queries however many there are."""
    user = channel.user
    if user is not None and not user.is_active:
        return []
    actor = user.actor if user is not None else None
    may_say = _said_lines(channel, actor, notices)
    waivers = _waivers(actor, notices)
    kept = []
    for notice in notices:
        if notice.waiver is not None and notice.waiver not in waivers:
            continue
        if not _may_see_teams(channel, actor, notice.teams):
            continue
        less = narrowed(notice, may_say)
        if less is not None:
            kept.append(less)
    return kept


def _may_see_teams(channel: Channel, actor: Actor | None, teams: Iterable[int | None]) -> bool:
    if actor is None:
        return set(teams) <= {channel.team_id}
    return actor.sees_everything or set(teams) <= actor.team_ids


def _said_lines(channel: Channel, actor: Actor | None, notices: Sequence[Notice]) -> Callable[[Line], bool]:
    """Lines of repositories that are seen; of what was assigned or is watched, what is still so."""
    wanted = {line.repository for notice in notices for line in notice.lines if line.repository is not None}
    rows = Repository.objects.filter(pk__in=wanted)
    mine = rows.filter(team=channel.team_id) if actor is None else rows.for_user(actor)
    if notices[0].kind is Kind.WATCHED:
        mine = mine.filter(pk__in=Watch.objects.filter(user=channel.user_id).values("repository"))
    seen = {None, *mine.order_by().values_list("pk", flat=True)}
    if notices[0].kind is not Kind.ASSIGNED:
        return lambda line: line.repository in seen
    named = [line.finding for notice in notices for line in notice.lines if line.finding is not None]
    theirs = Finding.objects.filter(pk__in=named, assignee=channel.user_id).order_by()
    held = set(theirs.values_list("pk", flat=True))
    return lambda line: line.repository in seen and line.finding in held


def _waivers(actor: Actor | None, notices: Iterable[Notice]) -> set[int]:
    """A team's channel is told of waivers that cover what is the team's, whosever they are."""
    wanted = {notice.waiver for notice in notices if notice.waiver is not None}
    if actor is None or not wanted:
        return wanted
    return set(Waiver.objects.filter(pk__in=wanted).for_user(actor).values_list("pk", flat=True))
