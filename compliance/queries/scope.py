"""Which repositories a policy is given to by patterns, and what one more or one less would change."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count, Q

from compliance.access import Actor
from compliance.models import Policy, PolicyAssignment, Registry, Repository
from compliance.policy.assignment import Assignment, effective_policy, in_order
from compliance.queries.filters import pattern_regex, registries_for
from compliance.queries.preview import Flip, FlipCount, preview_move

_MOST_COUNTED = 40
_MOST_SHOWN = 50


@dataclass(frozen=True, slots=True)
class AssignmentRow:
    """One assignment in the order in which they are asked.

    :param matches: how many listed repositories fit, whoever judges them; ``None`` where nobody counted.
    :param first: the first of its level, so it cannot move up; ``last`` likewise.
    """

    id: int
    pattern: str
    registry_slug: str
    registry: str
    policy: str
    own: bool
    author: str
    at: datetime
    matches: int | None
    first: bool
    last: bool


@dataclass(frozen=True, slots=True)
class ScopePreview:
    """What an assignment, or its end, would change.

    :param matches: listed repositories that fit the pattern; ``moved`` those that another policy would judge then.
    :param rows: the first of the tags that would flip.
    """

    pattern: str
    registry_slug: str
    matches: int
    moved: int
    tags: int
    flips: int
    counts: tuple[FlipCount, ...]
    rows: tuple[Flip, ...]


def list_assignments(policy: Policy, actor: Actor) -> tuple[AssignmentRow, ...]:
    """All assignments of registries somebody sees, the most specific first; those of this policy are counted."""
    found = PolicyAssignment.objects.select_related("registry", "policy", "created_by").order_by("position", "pk")
    if not actor.sees_everything:
        found = found.filter(Q(registry=None) | Q(registry__in=registries_for(actor)))
    rows = sorted(found, key=lambda row: row.registry_id is None)
    counts = _matches([row for row in rows if row.policy_id == policy.pk][:_MOST_COUNTED], actor)
    levels: dict[int | None, list[int]] = {}
    for row in rows:
        levels.setdefault(row.registry_id, []).append(row.pk)
    return tuple(_row(row, policy, counts.get(row.pk), levels[row.registry_id]) for row in rows)


def level_of(assignment: PolicyAssignment) -> list[int]:
    """The ids of all assignments of its registry, or of all registries, in their order."""
    rows = PolicyAssignment.objects.filter(registry=assignment.registry_id).order_by("position", "pk")
    return list(rows.values_list("pk", flat=True))


def preview_assignment(
    policy: Policy, pattern: str, registry: Registry | None, *, lapsed_before: datetime
) -> ScopePreview:
    """What would change if the repositories a pattern fits were given to a policy."""
    now = _assignments()
    same = [each for each in now if (each.registry, each.pattern) == (registry and registry.pk, pattern)]
    last = max((each.position for each in now), default=0) + 1
    added = Assignment(registry.pk if registry else None, pattern, policy.pk, same[0].position if same else last)
    return _preview(pattern, registry, [*(each for each in now if each not in same), added], lapsed_before)


def preview_removal(assignment: PolicyAssignment, *, lapsed_before: datetime) -> ScopePreview:
    """What would change without an assignment."""
    gone = (assignment.registry_id, assignment.pattern)
    rest = [each for each in _assignments() if (each.registry, each.pattern) != gone]
    return _preview(assignment.pattern, assignment.registry, rest, lapsed_before)


def _preview(
    pattern: str, registry: Registry | None, assignments: Iterable[Assignment], lapsed_before: datetime
) -> ScopePreview:
    fitting = Repository.objects.listed().filter(_fits(pattern, registry.pk if registry else None))
    moves: dict[tuple[int, int], list[int]] = {}
    wanted = in_order(list(assignments))
    matches = 0
    columns = ("pk", "registry_id", "name", "registry__policy_id", "policy_id")
    for pk, home, name, fallback, judge in fitting.values_list(*columns).iterator(chunk_size=5_000):
        matches += 1
        becomes = effective_policy(home, name, fallback, wanted)
        if becomes != judge:
            moves.setdefault((judge, becomes), []).append(pk)
    found = [preview_move(*_both(move), pks, lapsed_before=lapsed_before) for move, pks in moves.items()]
    return ScopePreview(
        pattern,
        registry.slug if registry else "",
        matches,
        moved=sum(map(len, moves.values())),
        tags=sum(each.tags for each in found),
        flips=sum(each.flips for each in found),
        counts=_summed(count for each in found for count in each.counts),
        rows=tuple(row for each in found for row in each.rows)[:_MOST_SHOWN],
    )


def _summed(counts: Iterable[FlipCount]) -> tuple[FlipCount, ...]:
    sums: dict[tuple[str, str], int] = {}
    for each in counts:
        sums[each.was, each.becomes] = sums.get((each.was, each.becomes), 0) + each.tags
    return tuple(FlipCount(*turn, tags) for turn, tags in sorted(sums.items()))


def _both(move: tuple[int, int]) -> tuple[Policy, Policy]:
    found = Policy.objects.select_related("current").in_bulk(move)
    return found[move[0]], found[move[1]]


def _assignments() -> list[Assignment]:
    rows = PolicyAssignment.objects.order_by("position", "pk")
    return [Assignment(*row) for row in rows.values_list("registry_id", "pattern", "policy_id", "position")]


def _matches(rows: Sequence[PolicyAssignment], actor: Actor) -> Mapping[int, int]:
    if not rows:
        return {}
    counts = {f"n{row.pk}": Count("pk", filter=_fits(row.pattern, row.registry_id)) for row in rows}
    found = Repository.objects.listed().for_user(actor).aggregate(**counts)
    return {row.pk: found[f"n{row.pk}"] for row in rows}


def _fits(pattern: str, registry: int | None) -> Q:
    fits = Q(name__regex=pattern_regex(pattern))
    return fits if registry is None else fits & Q(registry=registry)


def _row(row: PolicyAssignment, policy: Policy, matches: int | None, level: Sequence[int]) -> AssignmentRow:
    return AssignmentRow(
        id=row.pk,
        pattern=row.pattern,
        registry_slug=row.registry.slug if row.registry else "",
        registry=row.registry.name if row.registry else "",
        policy=row.policy.name,
        own=row.policy_id == policy.pk,
        author=row.created_by.get_username() if row.created_by else "",
        at=row.created_at,
        matches=matches,
        first=row.pk == level[0],
        last=row.pk == level[-1],
    )
