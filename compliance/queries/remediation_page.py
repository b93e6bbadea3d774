"""``/remediation/``: tiles that say what they count, charts, and a line for each team."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from hashlib import sha256

from django.db.models import Q

from compliance.access import Actor
from compliance.charts import Chart, Part, Series, Spark, sparkline, stacked, up_and_down
from compliance.models.repository import RepositoryQuerySet
from compliance.queries.burn_down import courses, history
from compliance.queries.counted import Counted
from compliance.queries.filters import Chip, choice_of
from compliance.queries.paging import Paging, page_of
from compliance.queries.remediation import Pile, by_team, paces_by_team, piles, standing_of
from compliance.queries.shelf import NO_SHELF, Shelf, shelf_of
from compliance.queries.teams import OwnedBy, owners_for
from compliance.queries.work_scope import Choices, WorkScope, all_choices_for, read_scope
from compliance.remediation.metrics import (
    AGES,
    DEFINITIONS,
    Day,
    Pace,
    Standing,
    Window,
    in_days,
    in_weeks,
    last_days,
)
from compliance.remediation.terms import NO_TEAM, SEVERITIES

WINDOWS: dict[str, str] = {"7": "7 days", "30": "30 days", "90": "90 days", "365": "1 year"}
_MOST_DAYS = 120


@dataclass(frozen=True, slots=True)
class Tile:
    """One number with its sentence.

    :param value: in words, where the number itself is no count.
    """

    key: str
    label: str
    value: str = ""
    count: Counted | None = None
    notes: tuple[Counted, ...] = ()
    note: str = ""
    is_bad: bool = False

    @property
    def means(self) -> str:
        """What it counts."""
        return DEFINITIONS[self.key]


@dataclass(frozen=True, slots=True)
class Age:
    """A bar of the ageing chart."""

    label: str
    count: Counted
    bar: tuple[Part, ...]


@dataclass(frozen=True, slots=True)
class Trends:
    """The charts, and the days, or weeks, they are made of."""

    burn_down: Chart
    flow: Chart
    days: tuple[Day, ...]
    ages: tuple[Age, ...]
    by: str = "day"

    @property
    def newest_first(self) -> tuple[Day, ...]:
        """For tables."""
        return self.days[::-1]


@dataclass(frozen=True, slots=True)
class TeamLine:
    """A team in the table; no name for what no team owns.

    :param repositories: what it owns; ``None`` for what no team does, which has a page of its own.
    """

    slug: str
    name: str
    leads: tuple[str, ...]
    repositories: Counted | None
    severities: tuple[Counted, ...]
    open: Counted
    overdue: Counted
    oldest: datetime | None
    median: str
    sla_hit: float | None
    spark: Spark


@dataclass(frozen=True, slots=True)
class Remediation:
    """Tiles and charts of one scope."""

    scope: WorkScope
    window: str
    tiles: tuple[Tile, ...]
    trends: Trends

    @property
    def address(self) -> str:
        """The query string of another page about the same."""
        return self.scope.page(days=self.window)

    @property
    def chips(self) -> tuple[Chip, ...]:
        """What the page is kept to."""
        return self.scope.chips(days=self.window)

    @property
    def empty(self) -> bool:
        """Whether there never was anything in the window."""
        return not any(day.unfixed or day.opened or day.closed for day in self.trends.days)


@dataclass(frozen=True, slots=True)
class RemediationPage:
    """The page; ``lines`` are empty where the scope is one team."""

    numbers: Remediation
    choices: Choices
    lines: tuple[TeamLine, ...]
    paging: Paging


def remediation_page(params: Mapping[str, str], actor: Actor, *, now: datetime) -> RemediationPage:
    """Tiles, charts and a page of teams for what the address asks for."""
    choices = all_choices_for(actor)
    scope = read_scope(params, actor, choices)
    shelf = shelf_of(scope.kept_as)
    found = piles(scope.narrowed, now=now)
    window = read_window(params)
    numbers = remediation_of(scope, found, window, now=now, shelf=shelf)
    lines: tuple[TeamLine, ...] = ()
    paging = page_of("", 0)
    if not scope.team:
        lines, paging = _team_lines(scope, found, last_days(int(window), now), params.get("page", ""), shelf)
    return RemediationPage(numbers, choices, lines, paging)


def read_window(params: Mapping[str, str]) -> str:
    """How many days the address asks for, as a key of ``WINDOWS``."""
    return choice_of(params, "days", WINDOWS) or "30"


def remediation_of(
    scope: WorkScope, found: Sequence[Pile], window: str, *, now: datetime, shelf: Shelf = NO_SHELF
) -> Remediation:
    """Tiles and charts of a scope whose piles are known."""
    standing, days = standing_of(found), last_days(int(window), now)
    pace, each_day = history(scope.narrowed, days, found, now=now, shelf=shelf)
    shown, by = by_day_or_week(each_day)
    trends = replace(_trends(scope, standing, shown), by=by)
    fresh = Counted(
        sum(pile.fresh for pile in found), scope.address(**{"is": "new-since-baseline"}), "new since a baseline"
    )
    tiles = tiles_of(scope, window, standing, pace)
    if fresh.count:
        tiles = (replace(tiles[0], notes=(fresh,)), *tiles[1:])
    return Remediation(scope, window, tiles, trends)


def by_day_or_week(days: tuple[Day, ...]) -> tuple[tuple[Day, ...], str]:
    """Many days put together to weeks, and what each of them is then."""
    return (in_weeks(days), "week") if len(days) > _MOST_DAYS else (days, "day")


def tiles_of(scope: WorkScope, window: str, standing: Standing, pace: Pace) -> tuple[Tile, ...]:
    """The eight numbers of a scope."""
    past = f"{window}d"
    late = Counted(standing.overdue, scope.address(due="overdue"))
    fixed = Counted(pace.fixed, scope.address(fixed=past), "fixed")
    waived = Counted(standing.waived, scope.address(status="waived"), "waived")
    kept = Counted(pace.kept, scope.address(status="fixed", fixed=past), "fixed still")
    opened = Counted(pace.opened, scope.address(opened=past), "opened")
    return (
        Tile("open", "Open", count=Counted(standing.open, scope.address(tab="open"))),
        Tile("overdue", "Overdue", count=late, is_bad=bool(standing.overdue)),
        Tile("due", "Due in 7 days", count=Counted(standing.due, scope.address(due="week"))),
        Tile(
            "mttr",
            "Time to fix, median",
            in_days(pace.median),
            note=f"mean {in_days(pace.mean)}, 9 of 10 within {in_days(pace.p90)}" if pace.fixed else "",
            notes=(fixed,),
        ),
        Tile("net", "Net resolve rate", _share(pace.net_rate), notes=(kept, opened)),
        Tile("reopened", "Reopened", count=Counted(pace.reopened, scope.address(reopened=past))),
        Tile("waived", "Waived share", _share(standing.waived_share), notes=(waived,)),
        Tile(
            "sla",
            "Fixed in time",
            _share(pace.sla_hit),
            note=f"{pace.in_time:,} of {pace.dated:,} with a due date" if pace.dated else "nothing with a due date",
        ),
    )  # fmt: skip


def _share(share: float | None) -> str:
    return "–" if share is None else f"{share * 100:.0f} %"


def _trends(scope: WorkScope, standing: Standing, days: tuple[Day, ...]) -> Trends:
    return Trends(
        burn_down_of(days),
        up_and_down(
            "Findings opened, and findings closed",
            _labels(days),
            Series("new", "Opened", [day.opened for day in days]),
            Series("fixed", "Closed", [day.closed for day in days]),
        ),
        days,
        ages_of(scope, standing),
    )


def burn_down_of(days: Sequence[Day]) -> Chart:
    """What was unfixed at the end of each day."""
    waived = [day.waived for day in days]
    return stacked(
        "Unfixed findings",
        _labels(days),
        (
            Series("ontime", "On time", [day.on_time for day in days]),
            *([Series("waived", "Waived", waived)] if any(waived) else []),
            Series("fail", "Overdue", [day.late for day in days]),
        ),
        target=Series("target", "Target: nothing overdue", [day.target for day in days]),
    )


def _labels(days: Sequence[Day]) -> list[str]:
    return [f"{day.day:%d %b}" for day in days]


def ages_of(scope: WorkScope, standing: Standing) -> tuple[Age, ...]:
    """How old the open ones of a scope are."""
    most = max(standing.ages, default=0)
    return tuple(
        Age(label, Counted(count, scope.address(age=term)), _bar(count, most))
        for (label, term, _, _), count in zip(AGES, standing.ages, strict=True)
    )


def _bar(count: int, most: int) -> tuple[Part, ...]:
    return (Part("ontime", 0, max(1.0, round(100 * count / most, 2))),) if count else ()


def _team_lines(
    scope: WorkScope, found: Sequence[Pile], window: Window, page: str, shelf: Shelf
) -> tuple[tuple[TeamLine, ...], Paging]:
    """Teams with the most overdue findings first, then the most open ones."""
    of_team = by_team(found)
    names: dict[int | None, OwnedBy] = {team.pk: team for team in owners_for(scope.actor, scope.registry_ids)}
    if None in of_team:
        names[None] = OwnedBy(None, NO_TEAM, "No team")
    standings = {team: standing_of(of_team.get(team, ())) for team in names}
    order = sorted(names, key=lambda team: (-standings[team].overdue, -standings[team].open, names[team].name))
    paging = page_of(page, len(order))
    shown = order[paging.offset : paging.offset + paging.size]
    unfixed = {team: standings[team].open + standings[team].waived for team in shown}

    def make() -> tuple[dict[int | None, Pace], dict[int | None, tuple[int, ...]]]:
        return paces_by_team(repositories_of(scope, shown), window), courses(unfixed, window, scope.registry_ids)

    # By who they are and not by the page: a new team, or one that fell behind, changes who is on it and no finding.
    whose = sha256(repr([team or 0 for team in shown]).encode()).hexdigest()[:24]
    paces, course = shelf.kept(f"teams-{whose}", window, make)
    lines = tuple(
        _line(scope, names[team], of_team.get(team, ()), paces.get(team, Pace()), course[team]) for team in shown
    )
    return lines, paging


def repositories_of(scope: WorkScope, teams: Sequence[int | None]) -> RepositoryQuerySet:
    """Those of a scope that belong to some teams; ``None`` is nobody."""
    named = Q(team__in=[team for team in teams if team is not None])
    return scope.repositories.filter(named | Q(team=None) if None in teams else named)


def _line(scope: WorkScope, owner: OwnedBy, found: Sequence[Pile], pace: Pace, course: Sequence[int]) -> TeamLine:
    slug, standing = owner.slug, standing_of(found)
    opened = [pile.oldest for pile in found if pile.oldest]
    return TeamLine(
        slug="" if slug == NO_TEAM else slug,
        name=owner.name,
        leads=owner.leads,
        repositories=None if owner.pk is None else Counted(owner.repositories, scope.address(team=slug)),
        severities=tuple(
            Counted(sum(pile.open for pile in found if pile.rank == rank), scope.address(team=slug, severity=severity))
            for rank, severity in enumerate(SEVERITIES)
        ),
        open=Counted(standing.open, scope.address(team=slug)),
        overdue=Counted(standing.overdue, scope.address(team=slug, due="overdue")),
        oldest=min(opened, default=None),
        median=in_days(pace.median),
        sla_hit=pace.sla_hit,
        spark=_spark(course),
    )


def _spark(course: Sequence[int]) -> Spark:
    most = max(course, default=0)
    if not most:
        return Spark("", 0, 0, "")
    drawn = sparkline([count / most for count in course])
    return replace(drawn, label=f"{course[0]:,} to {course[-1]:,} unfixed findings")
