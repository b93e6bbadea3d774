"""Rules of ownership: what each decides, what one more or one less would change, who owns a name."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from django.db.models import Count

from compliance.models import OwnershipRule, Registry, Repository, Team
from compliance.models.repository import RepositoryQuerySet
from compliance.policy.ownership import OwnershipRule as Rule
from compliance.policy.ownership import deciding_rule
from compliance.queries.filters import text_of
from compliance.queries.paging import Paging, page_of

_MOST_SHOWN = 20
_BATCH = 5_000


@dataclass(frozen=True, slots=True)
class RuleRow:
    """One rule.

    :param place: 1 for the first; the last that fits a repository counts.
    :param decides: how many listed repositories belong to the team because of it.
    """

    id: int
    place: int
    registry_slug: str
    registry: str
    label: str
    pattern: str
    team_slug: str
    team: str
    decides: int
    first: bool
    last: bool


@dataclass(frozen=True, slots=True)
class OwnershipPage:
    """The page."""

    rows: tuple[RuleRow, ...]
    paging: Paging
    unowned: int


@dataclass(frozen=True, slots=True)
class Fitting:
    """A repository a rule fits, and who owns it now."""

    registry_slug: str
    name: str
    owner_slug: str
    owner: str
    pinned: bool


@dataclass(frozen=True, slots=True)
class RulePreview:
    """What a rule would decide as the last one, or what becomes of what it decides without it.

    :param turns: (who owns now, who would, how many), the most first; an empty name is nobody.
    :param kept: repositories that stay with whom a person said.
    """

    matches: int
    changes: int
    kept: int
    turns: tuple[tuple[str, str, int], ...]
    rows: tuple[Fitting, ...]


@dataclass(frozen=True, slots=True)
class Answer:
    """Who owns a name in a registry.

    :param known: whether there is such a repository; else the rules are asked without labels.
    :param rule: the place of the rule that says so.
    """

    registry: str
    registry_slug: str
    name: str
    known: bool
    pinned: bool
    team_slug: str
    team: str
    rule: int | None
    pattern: str


def ownership_page(params: Mapping[str, str]) -> OwnershipPage:
    """One page of the rules in their order, with what they decide: four queries."""
    unowned = Repository.objects.listed().filter(team=None).count()
    ids = list(OwnershipRule.objects.order_by("position", "pk").values_list("pk", flat=True))
    paging = page_of(params.get("page", ""), len(ids))
    shown = OwnershipRule.objects.filter(pk__in=ids[paging.offset : paging.offset + paging.size])
    decides = dict(
        Repository.objects.listed()
        .filter(team_rule__in=shown.values("pk"))
        .order_by()
        .values_list("team_rule")
        .annotate(n=Count("pk"))
    )
    places = {pk: place for place, pk in enumerate(ids, 1)}
    rows = shown.select_related("registry", "team").order_by("position", "pk")
    return OwnershipPage(
        tuple(_row(row, places[row.pk], decides.get(row.pk, 0), len(ids)) for row in rows), paging, unowned
    )


def preview_rule(registry: Registry | None, label: str, pattern: str, team: Team) -> RulePreview:
    """What a new rule, which is the last and so the strongest, would decide."""
    rule = Rule(0, team.pk, pattern, registry.pk if registry else None, label)
    rows = Repository.objects.listed()
    rows = rows.filter(registry=registry) if registry else rows
    rows = rows.filter(labels__has_key=label) if label else rows
    return _preview(rows, [rule], only_fitting=True)


def preview_removal(rule: OwnershipRule) -> RulePreview:
    """Who would own what a rule decides if it were gone."""
    rest = [each for each in _rules() if each.id != rule.pk]
    return _preview(Repository.objects.listed().filter(team_rule=rule), rest, only_fitting=False)


def who_owns(params: Mapping[str, str]) -> tuple[Answer, ...]:
    """Who owns a repository of this name, in each registry that has it, or would have it by the rules."""
    name = text_of(params, "name")
    if not name:
        return ()
    rules = _rules()
    places = {rule.id: (place, rule.pattern) for place, rule in enumerate(rules, 1)}
    known = Repository.objects.listed().filter(name=name).select_related("registry", "team").order_by("registry__name")
    found = list(known[:_MOST_SHOWN])
    if found:
        return tuple(_known(row, places) for row in found)
    teams = Team.objects.in_bulk()
    homes = Registry.objects.order_by("name")[:_MOST_SHOWN]
    return tuple(_unknown(name, home, deciding_rule(name, home.pk, {}, rules), teams, places) for home in homes)


def known_labels(*, most: int = 100) -> tuple[str, ...]:
    """Keys of labels that repositories have, the most common first, for the field that asks for one."""
    counts: Counter[str] = Counter()
    for labels in Repository.objects.listed().exclude(labels={}).values_list("labels", flat=True)[:_BATCH]:
        counts.update(labels.keys())
    return tuple(key for key, _ in counts.most_common(most))


def _preview(rows: RepositoryQuerySet, rules: Sequence[Rule], *, only_fitting: bool) -> RulePreview:
    names: dict[int | None, tuple[str, str]] = {None: ("", "")}
    names.update((pk, (slug, name)) for pk, slug, name in Team.objects.values_list("pk", "slug", "name"))
    matches = kept = 0
    turns: Counter[tuple[str, str]] = Counter()
    first: list[Fitting] = []
    columns = ("registry_id", "registry__slug", "name", "labels", "team_id", "team_pinned")
    for registry, slug, name, labels, owner, pinned in _read(rows.order_by("name", "pk").values_list(*columns)):
        rule = deciding_rule(name, registry, labels, rules)
        if rule is None and only_fitting:
            continue
        matches += 1
        kept += pinned
        becomes = rule.team if rule else None
        if not pinned and becomes != owner:
            turns[names[owner][1], names[becomes][1]] += 1
        if len(first) < _MOST_SHOWN:
            first.append(Fitting(slug, name, *names[owner], pinned))
    ordered = tuple((was, becomes, count) for (was, becomes), count in turns.most_common())
    return RulePreview(matches, turns.total(), kept, ordered, tuple(first))


def _read(rows: Iterable[tuple[object, ...]]) -> Iterable[tuple[int, str, str, dict[str, str], int | None, bool]]:
    return rows  # type: ignore[return-value]  # the columns of ``_preview``


def _rules() -> list[Rule]:
    rows = OwnershipRule.objects.order_by("position", "pk")
    return [Rule(*row) for row in rows.values_list("pk", "team_id", "pattern", "registry_id", "label")]


def _row(row: OwnershipRule, place: int, decides: int, last: int) -> RuleRow:
    return RuleRow(
        id=row.pk,
        place=place,
        registry_slug=row.registry.slug if row.registry else "",
        registry=row.registry.name if row.registry else "",
        label=row.label,
        pattern=row.pattern,
        team_slug=row.team.slug,
        team=row.team.name,
        decides=decides,
        first=place == 1,
        last=place == last,
    )


def _known(row: Repository, places: Mapping[int, tuple[int, str]]) -> Answer:
    place, pattern = places.get(row.team_rule_id or 0, (None, ""))
    team = row.team
    return Answer(
        row.registry.name,
        row.registry.slug,
        row.name,
        True,
        row.team_pinned,
        team.slug if team else "",
        team.name if team else "",
        place,
        pattern,
    )


def _unknown(
    name: str, home: Registry, rule: Rule | None, teams: Mapping[int, Team], places: Mapping[int, tuple[int, str]]
) -> Answer:
    team = teams.get(rule.team) if rule else None
    place, pattern = places[rule.id] if rule else (None, "")
    slug, title = (team.slug, team.name) if team else ("", "")
    return Answer(home.name, home.slug, name, False, False, slug, title, place, pattern)
