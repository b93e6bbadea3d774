"""Findings and waivers as news: one notice for each repository, person or waiver, however many rows it is about."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from itertools import islice
from typing import Final

from django.urls import reverse
from django.utils.http import urlencode

from compliance.models import Finding, User, Waiver, Watch
from compliance.models.bulk import among
from compliance.models.finding import FindingQuerySet
from compliance.models.shared_value import OVERDUE_TOLD
from compliance.queries.waiver_rows import rule_title
from compliance.remediation.notices import MOST_LINES, Kind, Line, Notice, about, about_many
from compliance.services.reconciled import Reconciled
from compliance.services.tell_people import anybody_listens, tell
from compliance.services.told_until import hold_told
from scanner.domain.verdict import Severity

_TITLES: Final = {
    Kind.REGRESSION: (
        "{repository} runs as root now, and did not before",
        "{repository}: {n:,} ways to run as root now",
    ),
    Kind.CRITICAL: ("New critical finding in {repository}", "{n:,} new critical findings in {repository}"),
    Kind.OVERDUE: ("A finding in {repository} is overdue", "{n:,} findings in {repository} are overdue"),
}


def tell_of_findings(found: Reconciled, *, now: datetime) -> None:
    """Tell of what has just been found, or has come back, inside the transaction that wrote it.

    A critical finding that is a regression is told as that, and as what it is to whoever hears of no regressions.
    Who watches the repository hears of each once, where they do not hear of it anyway.
    """
    regressions = set(found.regressions)
    back = Finding.objects.filter(pk__in=found.regressed, rank=Severity.CRITICAL.rank) if found.regressed else ()
    critical = {*found.critical, *(row.pk for row in back)}
    both = _news(Kind.CRITICAL, sorted(critical & regressions), now)
    news = [
        *_news(Kind.REGRESSION, sorted(regressions), now),
        *_news(Kind.CRITICAL, sorted(critical - regressions), now),
        *(replace(notice, unless=frozenset((Kind.REGRESSION,))) for notice in both),
        *_watched(Kind.REGRESSION, sorted(critical & regressions), now, unless=(Kind.REGRESSION, Kind.CRITICAL)),
        *_watched(Kind.REGRESSION, sorted(regressions - critical), now, unless=(Kind.REGRESSION,)),
        *_watched(Kind.CRITICAL, sorted(critical - regressions), now, unless=(Kind.CRITICAL,)),
    ]
    tell([_signed(notice, found.pusher) for notice in news], now=now)


def _signed(notice: Notice, pusher: str | None) -> Notice:
    """With who pushed what it tells of, where that is known."""
    if pusher is None:
        return notice
    return replace(notice, lines=tuple(replace(line, text=f"{line.text}, pushed by {pusher}") for line in notice.lines))


def tell_of_assignment(change: int, rows: Sequence[Finding], user_id: int, *, by: User, now: datetime) -> None:
    """Tell somebody what another person gave them; who takes something knows of it.

    :param change: the id of the ``BulkChange``.
    """
    if not rows or user_id == by.pk or not anybody_listens(Kind.ASSIGNED):
        return
    named = list(_read(row.pk for row in rows[:MOST_LINES]))
    title = f"{by.get_username()} assigned you " + ("a finding" if len(rows) == 1 else f"{len(rows):,} findings")
    tell([_notice(Kind.ASSIGNED, about(Kind.ASSIGNED, change, user_id), title, named, len(rows), user_id)], now=now)


def _news(kind: Kind, ids: Sequence[int], now: datetime) -> list[Notice]:
    return _by_repository(kind, ids, now) if ids and anybody_listens(kind) else []


def _watched(kind: Kind, ids: Sequence[int], now: datetime, *, unless: Iterable[Kind]) -> list[Notice]:
    """The same for who watches a repository and does not hear of all of that kind."""
    if not ids or not anybody_listens(Kind.WATCHED):
        return []
    people: dict[int, set[int]] = defaultdict(set)
    findings = Finding.objects.filter(pk__in=ids)
    watches = Watch.objects.filter(repository__in=findings.order_by().values("repository"))
    for repository, person in watches.values_list("repository_id", "user_id"):
        people[repository].add(person)
    theirs = list(findings.filter(repository__in=people).values_list("pk", flat=True)) if people else []
    return [
        replace(
            notice,
            kind=Kind.WATCHED,
            about=about(Kind.WATCHED, notice.about),
            people=frozenset(people[notice.repositories[0]]),
            to_teams=False,
            unless=frozenset(unless),
        )
        for notice in _by_repository(kind, theirs, now)
    ]


def _by_repository(kind: Kind, ids: Sequence[int], now: datetime) -> list[Notice]:
    by_repository: dict[int, list[int]] = defaultdict(list)
    # Not what a waiver covered in the same transaction.
    owners = Finding.objects.filter(pk__in=ids).to_do().order_by("rank", "pk")
    for repository, pk in owners.values_list("repository_id", "pk"):
        by_repository[repository].append(pk)
    shown = {row.pk: row for row in _read(pk for pks in by_repository.values() for pk in islice(pks, MOST_LINES))}
    return [_of_repository(kind, [shown[pk] for pk in pks[:MOST_LINES]], pks, now) for pks in by_repository.values()]


def _of_repository(kind: Kind, rows: Sequence[Finding], pks: Sequence[int], now: datetime) -> Notice:
    one, many = _TITLES[kind]
    title = (one if len(pks) == 1 else many).format(repository=_name(rows[0]), n=len(pks))
    key = about_many(kind, rows[0].repository_id, [now.isoformat(), *pks])
    return _notice(kind, key, title, rows, len(pks))


def tell_overdue(findings: FindingQuerySet, *, now: datetime) -> None:
    """Tell each team, and who watches their repositories, of those that are to be done and past their date."""
    late = findings.to_do().filter(due_at__lte=now).order_by("rank", "pk")
    by_team: dict[int | None, list[int]] = defaultdict(list)
    for team, pk in late.values_list("repository__team_id", "pk"):
        by_team[team].append(pk)
    every = [pk for pks in by_team.values() for pk in pks]
    watched = _watched(Kind.OVERDUE, every, now, unless=(Kind.OVERDUE,))
    tell([*(_overdue(team, pks, now) for team, pks in by_team.items()), *watched], now=now)


def tell_reopened(finding_ids: Collection[int], *, now: datetime) -> None:
    """Tell of those that went past their date while a waiver covered them; of what passes it just now the tick does."""
    if not finding_ids or not anybody_listens(Kind.OVERDUE, Kind.WATCHED):
        return
    ticked = hold_told(OVERDUE_TOLD)
    passed = now if ticked is None else min(now, ticked)
    tell_overdue(Finding.objects.filter(among("pk", finding_ids), due_at__lte=passed), now=now)


def _overdue(team: int | None, pks: Sequence[int], now: datetime) -> Notice:
    title = "A finding is overdue" if len(pks) == 1 else f"{len(pks):,} findings are overdue"
    key = about_many(Kind.OVERDUE, team, [now.isoformat(), *pks])
    return _notice(Kind.OVERDUE, key, title, list(_read(pks[:MOST_LINES])), len(pks))


def _notice(kind: Kind, key: str, title: str, rows: Sequence[Finding], count: int, user: int | None = None) -> Notice:
    lines = tuple(_line(row) for row in rows)
    repositories = {row.repository_id: row.repository for row in rows}
    only = _name(rows[0]) if len(repositories) == 1 else ""
    return Notice(
        kind=kind,
        about=key,
        title=title,
        path=lines[0].path if count == 1 else _list(kind, only),
        wider=_list(kind, ""),
        lines=lines,
        more=count - len(lines),
        repository=only,
        repositories=tuple(sorted(repositories)),
        teams=frozenset(repository.team_id for repository in repositories.values()),
        people=frozenset((user,)) if user is not None else None,
        to_teams=user is None,
    )


def lines_of(ids: Sequence[int]) -> tuple[Line, ...]:
    """Findings by their ids, in that order."""
    rows = {row.pk: row for row in _read(ids)}
    return tuple(_line(rows[pk]) for pk in ids if pk in rows)


def _list(kind: Kind, repository: str) -> str:
    if kind is Kind.ASSIGNED:
        return f"{reverse('findings')}?tab=mine"
    wanted = {
        "tab": "overdue" if kind is Kind.OVERDUE else "open",
        **({"repository": repository} if repository else {}),
    }
    return f"{reverse('findings')}?{urlencode(wanted)}"


def _line(row: Finding) -> Line:
    where = " ".join(part for part in (_name(row), row.platform) if part)
    subject = f" (USER {row.subject})" if row.subject else ""
    words = f"{row.rule} {rule_title(row.rule)}{subject}: {where}"
    return Line(words, reverse("finding", args=[row.pk]), row.pk, row.rule, row.repository_id)


def _name(row: Finding) -> str:
    return f"{row.repository.registry.slug}/{row.repository.name}"


def _read(ids: Iterable[int]) -> Iterable[Finding]:
    return Finding.objects.filter(pk__in=list(ids)).select_related("repository__registry").order_by("rank", "pk")


def tell_of_waiver_ending(row: Waiver, days: int, *, now: datetime) -> None:
    """Tell those who answer for a waiver, and the teams it covers something of, that it ends soon."""
    when = {0: "today", 1: "tomorrow"}.get(days, f"within {days} days")
    _tell_of_waiver(row, f"The waiver “{row.title}” ends {when}", days, now)


def tell_of_waiver_ended(row: Waiver, reopened: Collection[int], *, now: datetime) -> None:
    """Tell them that it has, where the waiver says so.

    :param reopened: ids of the findings that are open again.
    """
    if not row.reopens:
        return
    owned = Finding.objects.filter(pk__in=reopened).exclude(repository__team=None).order_by()
    teams = owned.values_list("repository__team_id", flat=True).distinct()
    words = f"The waiver “{row.title}” has expired: what it covered is to be fixed again"
    _tell_of_waiver(row, words, "ended", now, teams)


def _tell_of_waiver(row: Waiver, title: str, key: object, now: datetime, teams: Iterable[int | None] = ()) -> None:
    if not anybody_listens(Kind.WAIVER):
        return
    covered = row.findings.filter(repository__team__isnull=False).order_by()
    owners = {*teams, *covered.values_list("repository__team_id", flat=True).distinct()}
    people = {row.owner_id, row.created_by_id, *((row.approver_id,) if row.approver_id else ())}
    notice = Notice(
        kind=Kind.WAIVER,
        # With the end in it: one that was renewed or moved ends again.
        about=about(Kind.WAIVER, row.pk, row.expires_at.isoformat(), key),
        title=title,
        path=reverse("waiver", args=[row.pk]),
        wider=reverse("waivers"),
        teams=frozenset((row.team_id,)),
        also=frozenset(team for team in owners if team is not None),
        waiver=row.pk,
        people=frozenset(people),
    )
    tell([notice], now=now)
