"""Tell each team of its week: people on Monday morning where they are, the team's channels on Monday morning UTC.

With it people are told of the saved views they have mailed.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Final

from django.db.models import Count, Q, QuerySet
from django.urls import reverse

from compliance.models import Finding, FindingSpan, Membership, Subscription, Team, User
from compliance.policy.weeks import Week, latest_week, zone_of
from compliance.remediation.notices import Kind, Line, Notice, about
from compliance.services.tell_of_views import tell_of_views
from compliance.services.tell_people import anybody_listens, tell
from compliance.services.told_until import told_so_far, told_until

_TOLD: Final = "notices:digest"


def tell_the_week(now: datetime) -> None:
    """Tell of each week once, on Monday morning or as soon after it as there is a tick."""
    with told_until(_TOLD, now) as since:
        if since is None:
            return
        if anybody_listens(Kind.DIGEST):
            tell([*_to_teams(since, now), *_to_people(since, now)], now=now)
        tell_of_views(since, now)


def tell_who_moved(person: User, was: str, now: datetime) -> None:
    """Tell somebody of a week that is over where they are now and was not where they were: no tick will.

    :param was: their time zone until now. Called in the transaction that changed it.
    """
    told = latest_week(min(told_so_far(_TOLD) or now, now), zone_of(was))
    over = latest_week(now, zone_of(person.time_zone))
    if told.monday >= over.monday:
        return
    if anybody_listens(Kind.DIGEST):
        tell(_to_people(over.begins, now, person), now=now)
    tell_of_views(over.begins, now, person)


def _to_teams(since: datetime, now: datetime) -> list[Notice]:
    week = latest_week(now, UTC)
    if week.ends <= since:
        return []
    listening = Subscription.objects.filter(kind=Kind.DIGEST.value, channel__enabled=True, channel__team__isnull=False)
    teams = Team.objects.filter(channels__subscriptions__in=listening).distinct().order_by("pk")
    counts = _count(teams, week, now)
    return [_notice(team, counts[team.pk], week.monday, people=None) for team in teams]


def _to_people(since: datetime, now: datetime, person: User | None = None) -> list[Notice]:
    notices = []
    for name, members in sorted(_members_by_zone(person).items()):
        week = latest_week(now, zone_of(name))
        if week.ends > since:
            teams = Team.objects.filter(pk__in=members).order_by("pk")
            counts = _count(teams, week, now)
            notices += [
                _notice(team, counts[team.pk], week.monday, people=frozenset(members[team.pk])) for team in teams
            ]
    return notices


def _members_by_zone(person: User | None) -> Mapping[str, Mapping[int, set[int]]]:
    """By the names of their time zones, and then by their teams, the people who want to know, or one of them."""
    listening = Subscription.objects.filter(kind=Kind.DIGEST.value, channel__enabled=True)
    rows = Membership.objects.filter(user__is_active=True, user__channels__subscriptions__in=listening)
    if person is not None:
        rows = rows.filter(user=person.pk)
    found: dict[str, dict[int, set[int]]] = defaultdict(lambda: defaultdict(set))
    for zone, team, user in rows.values_list("user__time_zone", "team_id", "user_id").distinct():
        found[zone][team].add(user)
    return found


@dataclass(frozen=True, slots=True)
class _Counts:
    to_do: int
    overdue: int
    regressions: int
    found: int
    fixed: int


def _count(teams: QuerySet[Team], week: Week, now: datetime) -> Mapping[int, _Counts]:
    """For all teams at once: the tick that waits for this has scans to ring for."""
    pks = [team.pk for team in teams]
    to_do = Finding.objects.filter(repository__team__in=pks).to_do()
    spans = FindingSpan.objects.filter(repository__team__in=pks)
    numbers = (
        _by_team(to_do),
        _by_team(to_do.filter(due_at__lt=now)),
        _by_team(to_do.filter(Q(regression=True) | Q(status="regressed"))),
        _by_team(spans.filter(opened_at__gt=week.begins, opened_at__lte=week.ends)),
        _by_team(spans.filter(closed_at__gt=week.begins, closed_at__lte=week.ends)),
    )
    return {pk: _Counts(*(each.get(pk, 0) for each in numbers)) for pk in pks}


def _by_team(rows: QuerySet[Finding] | QuerySet[FindingSpan]) -> dict[int, int]:
    return dict(rows.order_by().values_list("repository__team_id").annotate(n=Count("pk")))


def _notice(team: Team, counts: _Counts, day: date, *, people: frozenset[int] | None) -> Notice:
    """To a team's channels, or to people who are members.

    :param day: the Monday. Whoever moves to another zone within the week is not told of it again, as everybody's
        Monday is the same day.
    """
    inbox = f"{reverse('findings')}?team={team.slug}"
    page = reverse("team", args=[team.slug])
    return Notice(
        kind=Kind.DIGEST,
        about=about(Kind.DIGEST, team.pk, day.isoformat()),
        title=f"{team.name}: {counts.fixed:,} fixed, {counts.found:,} found, {counts.to_do:,} to do",
        path=page,
        lines=(
            Line(f"To do: {counts.to_do:,}", f"{inbox}&tab=open"),
            Line(f"Overdue: {counts.overdue:,}", f"{inbox}&tab=overdue"),
            Line(f"Regressed: {counts.regressions:,}", f"{inbox}&tab=regressed"),
            Line(f"Found within the week: {counts.found:,}", page),
            Line(f"Fixed within the week: {counts.fixed:,}", page),
        ),
        teams=frozenset((team.pk,)),
        people=people if people is not None else frozenset(),
        to_teams=people is None,
    )
