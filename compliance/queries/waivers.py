"""The list of waivers: filtered, paged; six queries however many rows there are."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.db.models import Count, Q, QuerySet

from compliance.access import Actor
from compliance.models import Finding, Repository, StatusChoice, Team, Waiver
from compliance.queries.filters import Chip, choice_of, environment_of, slug_of, text_of, without
from compliance.queries.paging import Paging, page_of
from compliance.queries.waiver_digests import dead_of
from compliance.queries.waiver_rows import OWNERS, STATES, WaiverRow, in_state, rule_title, waiver_row
from compliance.remediation.terms import canonical
from compliance.remediation.waiver import WaiverState
from scanner.rulebook import RULES

RULE_IDS: Final = frozenset(rule.id for rule in RULES)
TABS: Final[dict[str, str]] = {"": "Current", **STATES, "all": "All"}
MOST_EXPORTED: Final = 50_000
_CHUNK: Final = 500
_OPEN: Final = (WaiverState.WAITING, WaiverState.ACTIVE, WaiverState.EXPIRING)


@dataclass(frozen=True, slots=True)
class WaiverFilter:
    """What the address asks for."""

    state: str = ""
    q: str = ""
    rule: str = ""
    team: str = ""
    owner: str = ""
    registry: str = ""
    repository: str = ""
    environment: str = ""


@dataclass(frozen=True, slots=True)
class Tab:
    """A state with the number of waivers in it."""

    key: str
    label: str
    count: int
    current: bool


@dataclass(frozen=True, slots=True)
class WaiverList:
    """The page.

    :param dead: ids of those that are pinned to a digest which no tag the reader sees has any more.
    :param teams: slug and name of those that can be chosen, at most two hundred.
    """

    filter: WaiverFilter
    rows: tuple[WaiverRow, ...]
    paging: Paging
    tabs: tuple[Tab, ...]
    chips: tuple[Chip, ...]
    teams: tuple[tuple[str, str], ...]
    rules: tuple[tuple[str, str], ...]
    query: str
    dead: frozenset[int] = frozenset()


def read_filter(params: Mapping[str, str]) -> WaiverFilter:
    """Take what is on the lists and ignore the rest."""
    return WaiverFilter(
        state=choice_of(params, "state", TABS),
        q=text_of(params, "q"),
        rule=choice_of(params, "rule", RULE_IDS),
        team=text_of(params, "team"),
        owner=text_of(params, "owner"),
        registry=slug_of(params, "registry"),
        repository=canonical("repository", params.get("repository", "")),
        environment=environment_of(params),
    )


def list_waivers(params: Mapping[str, str], actor: Actor, *, now: datetime) -> WaiverList:
    """One page of the waivers that match the address, of those that somebody may see."""
    wanted = read_filter(params)
    matching = _matching(wanted, actor)
    counts = matching.order_by().aggregate(**{f"n_{key}": Count("pk", filter=_tab(key, now)) for key in TABS})
    paging = page_of(params.get("page", ""), counts[f"n_{wanted.state}"])
    rows = list(_ordered(matching.filter(_tab(wanted.state, now)), wanted)[paging.offset : paging.offset + paging.size])
    return WaiverList(
        filter=wanted,
        rows=tuple(_rows(rows, actor, now)),
        paging=paging,
        tabs=tuple(Tab(key, label, counts[f"n_{key}"], key == wanted.state) for key, label in TABS.items()),
        chips=_chips(wanted, params),
        teams=teams_to_choose(actor),
        rules=tuple((rule.id, rule.title) for rule in RULES),
        query=without(params, ""),
        dead=dead_of(rows, actor),
    )


def count_waivers(params: Mapping[str, str], actor: Actor, *, now: datetime) -> int:
    """How many there are in the list of an address."""
    wanted = read_filter(params)
    return _matching(wanted, actor).filter(_tab(wanted.state, now)).count()


def count_expiring(
    params: Mapping[str, str], actor: Actor, *, now: datetime, then: datetime | None
) -> tuple[int, int | None]:
    """How many of the waivers in a list are expiring now, and how many of the same were at a moment before.

    Both follow from their dates, which never change: a renewal is a waiver of its own, and an end is a date. What is
    gone with its team or registry has no past.
    """
    rows, asked = _matching(read_filter(params), actor).order_by(), now if then is None else then
    counts = rows.filter(expires_at__gt=asked).aggregate(
        now=Count("pk", filter=in_state(WaiverState.EXPIRING, now)),
        then=Count("pk", filter=in_state(WaiverState.EXPIRING, asked) & Q(approved_at__lte=asked)),
    )
    return counts["now"], None if then is None else counts["then"]


def all_rows(params: Mapping[str, str], actor: Actor, *, now: datetime) -> Iterator[WaiverRow]:
    """Every waiver that matches the address, for exports; a few hundred at a time."""
    wanted = read_filter(params)
    rows = _ordered(_matching(wanted, actor).filter(_tab(wanted.state, now)), wanted)
    ids = list(rows.values_list("pk", flat=True)[:MOST_EXPORTED])
    for start in range(0, len(ids), _CHUNK):
        some = _loaded(Waiver.objects.filter(pk__in=ids[start : start + _CHUNK])).in_bulk()
        yield from _rows([some[pk] for pk in ids[start : start + _CHUNK] if pk in some], actor, now)


def teams_to_choose(actor: Actor, *, triaged: bool = False) -> tuple[tuple[str, str], ...]:
    """Slug and name of teams; the first two hundred.

    :param triaged: only those whose findings may be changed.
    """
    everything = actor.triages_everything if triaged else actor.sees_everything
    rows = Team.objects.order_by("name")
    if not everything:
        rows = rows.filter(pk__in=actor.triaged_team_ids if triaged else actor.team_ids)
    return tuple(rows.values_list("slug", "name")[:200])


def covered_now(waiver_ids: Iterable[int], actor: Actor) -> dict[int, int]:
    """How many findings waivers cover, of those that somebody may see."""
    rows = Finding.objects.for_user(actor).filter(waiver__in=list(waiver_ids), status=StatusChoice.WAIVED).order_by()
    return dict(rows.values_list("waiver").annotate(Count("pk")))


def _matching(wanted: WaiverFilter, actor: Actor) -> QuerySet[Waiver]:
    rows = Waiver.objects.all() if actor.sees_everything else _visible(actor)
    if wanted.q:
        rows = rows.filter(Q(title__icontains=wanted.q) | Q(repository_pattern__icontains=wanted.q))
    if wanted.rule:
        rows = rows.filter(rule=wanted.rule)
    if wanted.team:
        rows = rows.filter(team__slug=wanted.team)
    if wanted.owner:
        rows = rows.filter(owner__username=wanted.owner)
    if wanted.registry:
        rows = rows.filter(registry__slug=wanted.registry)
    if wanted.repository:
        rows = rows.filter(pk__in=_covering(wanted.repository, actor))
    if wanted.environment:
        rows = rows.filter(registry__environment=wanted.environment)
    return rows


def _visible(actor: Actor) -> QuerySet[Waiver]:
    """``for_user`` by ids: its joins double rows, and sorting these out again takes longer than the page."""
    covers = Finding.objects.for_user(actor).filter(waiver__isnull=False).order_by().values("waiver")
    return Waiver.objects.filter(Q(team__in=actor.team_ids) | Q(owner=actor.id) | Q(pk__in=covers))


def _covering(repository: str, actor: Actor) -> QuerySet[Finding, int | None]:
    """Ids of the waivers that cover something of one repository now."""
    slug, _, name = repository.partition("/")
    homes = Repository.objects.for_user(actor).filter(registry__slug=slug, name=name)
    rows = Finding.objects.filter(repository__in=homes.values("pk"), status=StatusChoice.WAIVED, waiver__isnull=False)
    return rows.order_by().values_list("waiver", flat=True)


def _tab(key: str, now: datetime) -> Q:
    if key == "all":
        return Q()
    if key:
        return in_state(key, now)
    found = Q(pk__in=[])
    for state in _OPEN:
        found |= in_state(state, now)
    return found


def _loaded(rows: QuerySet[Waiver]) -> QuerySet[Waiver]:
    return rows.select_related(*OWNERS).defer("accepted", "renews__accepted")


def _ordered(rows: QuerySet[Waiver], wanted: WaiverFilter) -> QuerySet[Waiver]:
    ended = wanted.state in (WaiverState.EXPIRED, WaiverState.REVOKED, "all")
    return _loaded(rows).order_by(*(("-expires_at", "-pk") if ended else ("expires_at", "pk")))


def _rows(rows: Sequence[Waiver], actor: Actor, now: datetime) -> Iterator[WaiverRow]:
    covered = covered_now([row.pk for row in rows], actor)
    return (waiver_row(row, covered.get(row.pk, 0), now) for row in rows)


def _chips(wanted: WaiverFilter, params: Mapping[str, str]) -> tuple[Chip, ...]:
    found = (
        ("q", f"contains “{wanted.q}”" if wanted.q else ""),
        ("rule", f"rule {wanted.rule} {rule_title(wanted.rule)}" if wanted.rule else ""),
        ("team", f"team {wanted.team}" if wanted.team else ""),
        ("owner", f"owner {wanted.owner}" if wanted.owner else ""),
        ("environment", f"only in registries of environment {wanted.environment}" if wanted.environment else ""),
        ("registry", f"only in registry {wanted.registry}" if wanted.registry else ""),
        ("repository", f"covers something of {wanted.repository}" if wanted.repository else ""),
    )
    return tuple(Chip(label, without(params, name)) for name, label in found if label)
