"""The inbox: one page of findings, with its tabs, filters and what they may be set to.

All tabs are counted in one pass: rows are grouped by the few things that decide which tab they are behind.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import BooleanField, Count, ExpressionWrapper, Q

from compliance.access import Actor, may_share_view_with
from compliance.models import Registry, Repository, Team, User
from compliance.models.finding import FindingQuerySet
from compliance.queries.filters import Chip
from compliance.queries.finding_filter import (
    TABS,
    FindingFilter,
    FindingView,
    address,
    chips,
    read_filter,
    read_view,
    say,
)
from compliance.queries.finding_groups import Group, list_groups
from compliance.queries.finding_rows import FindingRow, rows_of
from compliance.queries.finding_ways import Way, ways_out
from compliance.queries.findings import matching, ordered, segments, tab
from compliance.queries.paging import Paging, page_of
from compliance.queries.saved_views import MOST_TABS, ViewRow, views_for
from compliance.remediation.query import LONGEST, format_words
from compliance.remediation.status import TO_DO, Status
from compliance.remediation.terms import ME, NO_TEAM, NOBODY, SEVERITIES, SOMEBODY, STATUSES

MOST_CHOICES = 200
MOST_PROVED = 100
"""Rows of a page whose lines say what proves them; each may be about an image of its own, whose facts are read."""
ASSIGNED = {ME: "Me", NOBODY: "Nobody", SOMEBODY: "Somebody"}


@dataclass(frozen=True, slots=True)
class Tab:
    """A saved query with the number of findings behind it; ``count`` is missing for those of people."""

    label: str
    address: str
    count: int | None
    current: bool
    key: str = ""
    shared: bool = False
    mine: bool = False
    id: int = 0


@dataclass(frozen=True, slots=True)
class Choices:
    """What the form offers."""

    registries: tuple[tuple[str, str], ...]
    teams: tuple[tuple[str, str], ...]
    people: tuple[str, ...]
    shareable: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Inbox:
    """The page.

    :param empty: why there is no row: ``problem``, ``filtered``, ``tab``, ``team``, ``unscanned`` or ``none``.
    """

    filter: FindingFilter
    view: FindingView
    rows: tuple[FindingRow, ...]
    groups: tuple[Group, ...]
    paging: Paging
    total: int
    tabs: tuple[Tab, ...]
    chips: tuple[Chip, ...]
    choices: Choices
    clear: str
    typed: str
    views: int = 0
    empty: str = ""
    ways: tuple[Way, ...] = ()

    @property
    def here(self) -> str:
        """The address of this page, without its question mark."""
        page = {"page": str(self.paging.number)} if self.paging.number > 1 else {}
        return address(self.filter, self.view, **page)[1:]

    @property
    def query(self) -> str:
        """The address of the list from its first page on, without its question mark."""
        return address(self.filter, self.view)[1:]

    @property
    def pinned(self) -> bool:
        """Whether some tabs are saved views, whose numbers are asked for once the page is there."""
        return any(tab.id for tab in self.tabs)

    @property
    def changeable(self) -> int:
        """How many rows may be chosen."""
        return sum(row.may_change for row in self.rows)

    @property
    def odd(self) -> dict[str, str]:
        """Filters of the form that are set to what it does not offer, in words."""
        offered = {
            "status": STATUSES,
            "severity": SEVERITIES,
            "team": (NO_TEAM, *(slug for slug, _ in self.choices.teams)),
            "registry": [slug for slug, _ in self.choices.registries],
            "assignee": ASSIGNED,
        }
        terms = self.filter.terms
        return {
            name: say(name, terms[name]) for name, values in offered.items() if terms.get(name, "") not in ("", *values)
        }

    @property
    def hidden(self) -> tuple[tuple[str, str], ...]:
        """What the form keeps and does not show."""
        shown = {"q", "status", "severity", "team", "registry", "assignee", "due", "sort", "group"}
        pairs = {**self.filter.pairs, **self.view.pairs}
        return tuple((name, value) for name, value in pairs.items() if name not in shown)


@dataclass(frozen=True, slots=True)
class _Kind:
    """Findings that are behind the same tabs and in the same segment of urgency."""

    status: str
    regression: bool
    late: bool
    mine: bool
    ours: bool
    count: int

    @property
    def to_do(self) -> bool:
        return self.status in TO_DO

    def behind(self, key: str) -> bool:
        return {
            "review": self.status in (Status.NEW, Status.REGRESSED),
            "mine": self.to_do and self.mine,
            "teams": self.to_do and self.ours,
            "open": self.to_do,
            "regressed": self.to_do and (self.regression or self.status == Status.REGRESSED),
            "overdue": self.to_do and self.late,
            "waived": self.status == Status.WAIVED,
            "all": True,
        }[key]

    @property
    def segment(self) -> int:
        return (0 if self.regression else 2) + (0 if self.late else 1) if self.to_do else 4


def list_findings(params: Mapping[str, str], user: User, *, now: datetime) -> Inbox:
    """One page of the findings an address asks for."""
    actor, wanted, view = user.actor, read_filter(params), read_view(params)
    fitting = matching(wanted, actor, now=now)
    kinds = _kinds(fitting, actor, now)
    behind = [kind for kind in kinds if kind.behind(wanted.tab)]
    total = sum(kind.count for kind in behind)
    chosen = fitting.filter(tab(wanted.tab, actor, now=now))
    page, choices = params.get("page", ""), _choices(actor, people=total > 0)
    teams, registries = (slug for slug, _ in choices.teams), (slug for slug, _ in choices.registries)
    views = views_for(user, teams=teams, registries=registries)
    groups: tuple[Group, ...] = ()
    if view.group:
        groups, paging = list_groups(chosen, wanted, view, page)
        ids = _opened(groups, chosen)
    else:
        paging = page_of(page, total, size=view.size)
        ids = _page_ids(chosen, _counts(behind), view, paging, now)
    empty = "" if total else _why_empty(wanted, kinds, actor)
    elsewhere = sum(kind.count for kind in kinds)
    return Inbox(
        wanted,
        view,
        rows=rows_of(ids, actor, now=now, evidence=view.size <= MOST_PROVED),
        groups=groups,
        paging=paging,
        total=total,
        tabs=_tabs(kinds, wanted, view, views),
        views=len(views),
        chips=chips(wanted, view),
        choices=choices,
        typed=params.get("q", "")[:LONGEST] if wanted.problems else format_words(wanted.words),
        clear=address(FindingFilter(wanted.tab), view) if wanted.tab != "open" else address(FindingFilter(), view),
        empty=empty,
        ways=tuple(ways_out(wanted, view, elsewhere, actor, now=now)) if empty in ("filtered", "tab") else (),
    )


def _kinds(fitting: FindingQuerySet, actor: Actor, now: datetime) -> list[_Kind]:
    ours = Q(repository__in=Repository.objects.filter(team__in=actor.team_ids).values("pk"))
    late, mine = Q(due_at__isnull=False, due_at__lt=now), Q(assignee__isnull=False, assignee=actor.id)
    rows = (
        fitting.annotate(late=_said(late), mine=_said(mine), ours=_said(ours))
        .values_list("status", "regression", "late", "mine", "ours")
        .annotate(count=Count("pk"))
        .order_by()
    )
    return [_Kind(*row) for row in rows]


def _said(condition: Q) -> ExpressionWrapper[Q]:
    return ExpressionWrapper(condition, output_field=BooleanField())


def _counts(behind: Iterable[_Kind]) -> Counter[int]:
    counts: Counter[int] = Counter()
    for kind in behind:
        counts[kind.segment] += kind.count
    return counts


def _page_ids(
    rows: FindingQuerySet, counts: Mapping[int, int], view: FindingView, paging: Paging, now: datetime
) -> list[int]:
    """Ids first: they are read from the index alone, however far down the page is."""
    if view.sort != "urgency":
        return list(ordered(rows, view.sort).values_list("pk", flat=True)[paging.offset : paging.offset + paging.size])
    ids: list[int] = []
    skip = paging.offset
    for at, (condition, order) in enumerate(segments(now=now)):
        left = paging.size - len(ids)
        if skip < counts[at] and left > 0:
            ids += rows.filter(condition).order_by(*order).values_list("pk", flat=True)[skip : skip + left]
        skip = max(0, skip - counts[at])
    return ids


def _opened(groups: Iterable[Group], rows: FindingQuerySet) -> list[int]:
    opened = next((group for group in groups if group.opened), None)
    if opened is None:
        return []
    return list(ordered(rows.filter(opened.condition), "severity").values_list("pk", flat=True)[:25])


def _tabs(kinds: list[_Kind], wanted: FindingFilter, view: FindingView, views: Sequence[ViewRow]) -> tuple[Tab, ...]:
    built_in = [
        Tab(
            label,
            address(FindingFilter(key, wanted.terms, wanted.words), view, tab=key),
            sum(kind.count for kind in kinds if kind.behind(key)),
            key == wanted.tab,
            key=key,
        )
        for key, label in TABS.items()
    ]
    here = address(wanted, view)
    pinned = [row for row in views if row.pinned][:MOST_TABS]
    return (
        *built_in,
        *(
            Tab(row.name, f"?{row.query}", None, here == f"?{row.query}", "", row.shared, row.mine, row.id)
            for row in pinned
        ),
    )


def _choices(actor: Actor, *, people: bool) -> Choices:
    """What the form offers; people only where there is something to give them."""
    registries, teams = Registry.objects.order_by("name"), Team.objects.order_by("name")
    names = User.objects.filter(is_active=True).order_by("username")
    if not actor.sees_everything:
        registries = registries.filter(repositories__team__in=actor.team_ids).distinct()
        teams = teams.filter(pk__in=actor.team_ids)
        names = names.filter(memberships__team__in=actor.team_ids).distinct()
    named = list(teams.values_list("pk", "slug", "name")[:MOST_CHOICES])
    return Choices(
        tuple(registries.values_list("slug", "name")[:MOST_CHOICES]),
        tuple((slug, name) for _, slug, name in named),
        tuple(names.values_list("username", flat=True)[:MOST_CHOICES]) if people else (),
        tuple((slug, name) for pk, slug, name in named if may_share_view_with(actor, pk)),
    )


def _why_empty(wanted: FindingFilter, kinds: list[_Kind], actor: Actor) -> str:
    if wanted.problems:
        return "problem"
    if not actor.team_ids and (wanted.tab == "teams" or not actor.sees_everything):
        return "team"
    if wanted.terms or wanted.words:
        return "filtered"
    if kinds:
        return "tab"
    scanned = Repository.objects.for_user(actor).filter(scanned_at__isnull=False).exists()
    return "none" if scanned else "unscanned"
