"""Queries of the inbox that were kept under a name: one's own, and those that others share with whom they work with.

A query names teams, registries, repositories and labels. To whoever may not see one of those it is not shown.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from django.db.models import BooleanField, Exists, ExpressionWrapper, OuterRef, Q, QuerySet

from compliance.access import Actor, Role, may_share_view_with
from compliance.models import Registry, Repository, SavedView, Team, User
from compliance.queries.filters import registries_for
from compliance.queries.finding_filter import GROUPS, TABS, chips, params_of, read_filter, read_view
from compliance.queries.labels import labels_among
from compliance.remediation.terms import split_repository

MOST_VIEWS = 200
MOST_TABS = 20
"""More are on their page."""
EVERY = Q()
_UNPINNED, _PINNED = SavedView.unpinned_by.through, SavedView.pinned_by.through


@dataclass(frozen=True, slots=True)
class ViewRow:
    """One of them, for whoever looks.

    :param team: the name of the team it is shared with; empty: all who work with its owner, if ``shared``.
    :param pinned: whether it is among the tabs.
    """

    id: int
    name: str
    query: str
    by: str
    mine: bool
    shared: bool
    team: str
    pinned: bool
    may_delete: bool

    @property
    def asks(self) -> tuple[str, ...]:
        """What it asks for, in words."""
        params = params_of(self.query)
        wanted, view = read_filter(params), read_view(params)
        group = (f"by {GROUPS[view.group].lower()}",) if view.group else ()
        return (TABS[wanted.tab], *(chip.label for chip in chips(wanted, view)), *group)


def find_view(user: User, view_id: int) -> ViewRow | None:
    """One of those that somebody may see."""
    return next(iter(list_views(user, Q(pk=view_id))), None)


def list_views(user: User, which: Q = EVERY) -> Sequence[ViewRow]:
    """All that somebody may see, one's own last.

    :param which: only those of them.
    """
    actor = user.actor
    if actor.sees_everything:
        return views_for(user, teams=(), registries=(), which=which)
    teams = Team.objects.filter(pk__in=actor.team_ids).values_list("slug", flat=True)
    registries = Registry.objects.filter(repositories__team__in=actor.team_ids).values_list("slug", flat=True)
    return views_for(user, teams=teams, registries=registries.distinct(), which=which)


def views_for(user: User, *, teams: Iterable[str], registries: Iterable[str], which: Q = EVERY) -> Sequence[ViewRow]:
    """Those that somebody may see, shared ones first.

    :param teams: slugs of the teams that are offered to them, and of the registries.
    """
    actor = user.actor
    own = ExpressionWrapper(Q(by=user), BooleanField())
    seen = SavedView.objects.filter(which, Q(by=user) | _shared(actor)).annotate(tab=_tab(user), own=own)
    found = seen.order_by("-own", "-tab", "-shared", "name")  # however many others share, one's own are among them
    columns = ("pk", "name", "query", "by", "by__username", "shared", "team", "team__name", "tab")
    rows = [
        ViewRow(
            pk, name, query, username, by == user.pk, shared, team or "", tab,
            by == user.pk or _may_take_away(actor, team_id),
        )
        for pk, name, query, by, username, shared, team_id, team, tab in found.values_list(*columns)[:MOST_VIEWS]
    ]  # fmt: skip
    rows.sort(key=lambda row: (not row.shared, row.name))
    if actor.sees_everything or all(row.mine for row in rows):
        return rows
    named = {row.id: read_filter(params_of(row.query)).terms for row in rows if not row.mine}
    known = {"team": {"", *teams}, "registry": {"", *registries}}
    known["repository"] = {"", *_visible({terms.get("repository", "") for terms in named.values()}, actor)}
    known["environment"] = {"", *_environments({terms.get("environment", "") for terms in named.values()}, actor)}
    known["label"] = {"", *_labels({terms.get("label", "") for terms in named.values()}, actor)}
    return [
        row
        for row in rows
        if row.id not in named or all(named[row.id].get(term, "") in values for term, values in known.items())
    ]


def _tab(user: User) -> ExpressionWrapper[Q]:
    """Whether it is among somebody's tabs: what a team shares with others only once it was pinned."""
    told = {"savedview": OuterRef("pk"), "user": user.pk}
    meant = Q(by=user) | Q(team=None) | Q(team__in=user.actor.team_ids)
    unpinned, pinned = Exists(_UNPINNED.objects.filter(**told)), Exists(_PINNED.objects.filter(**told))
    return ExpressionWrapper(Q(pinned) | (meant & ~Q(unpinned)), BooleanField())


def _shared(actor: Actor) -> Q:
    if actor.sees_everything:
        return Q(shared=True)
    everybody = Q(shared=True, team=None, by__in=_colleagues(actor).order_by().values("pk"))
    return everybody | Q(shared=True, team__in=actor.team_ids)


def _may_take_away(actor: Actor, team_id: int | None) -> bool:
    return actor.triages_everything if team_id is None else may_share_view_with(actor, team_id)


def _colleagues(actor: Actor) -> QuerySet[User]:
    """Who sees everything, and who is in a team with them."""
    return User.objects.filter(~Q(role=Role.MEMBER) | Q(memberships__team__in=actor.team_ids))


def _environments(labels: set[str], actor: Actor) -> set[str]:
    """Those of registries that somebody may see."""
    if not labels - {""}:
        return set()
    return set(registries_for(actor).filter(environment__in=labels - {""}).values_list("environment", flat=True))


def _labels(asked: set[str], actor: Actor) -> set[str]:
    """Those filters whose labels are all given to something that somebody may see."""
    wanted = {label for each in asked - {""} for label in each.split(",")}
    if not wanted:
        return set()
    found = labels_among(Repository.objects.for_user(actor)).filter(labels__overlap=sorted(wanted))
    known = set(found.values_list("label", flat=True))
    return {each for each in asked if known.issuperset(each.split(","))}


def _visible(names: set[str], actor: Actor) -> set[str]:
    """Those of ``registry/repository`` that somebody may see."""
    found = Q()
    for name in names - {""}:
        slug, repository = split_repository(name)
        found |= Q(registry__slug=slug, name=repository)
    if not found:
        return set()
    rows = Repository.objects.for_user(actor).filter(found).values_list("registry__slug", "name")
    return {f"{slug}/{name}" for slug, name in rows}
