"""Which finding comes before one, and which after it, in the order of urgency (``remediation.transitions.urgency``)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from django.db.models import IntegerField, Q, Value

from compliance.access import Actor
from compliance.models import Finding
from compliance.remediation.status import TO_DO

_GROUPS = [(regression, late) for regression in (True, False) for late in (True, False)]
_FORWARD = ("-protected", "rank", "opened_at", "pk")
_BACK = ("protected", "-rank", "-opened_at", "-pk")


@dataclass(frozen=True, slots=True)
class Neighbours:
    """The findings beside one; ``None`` at an end."""

    previous: int | None
    next: int | None


def neighbours(row: Finding, actor: Actor, *, now: datetime) -> Neighbours:
    """Those beside it among all that somebody sees and that are to be done; one that is not has none."""
    if row.status not in TO_DO:
        return Neighbours(None, None)
    return Neighbours(_beside(row, actor, now, forward=False), _beside(row, actor, now, forward=True))


def _beside(row: Finding, actor: Actor, now: datetime, *, forward: bool) -> int | None:
    """Ask for the first of each stretch of the order that begins behind the finding, in one query."""
    rows = Finding.objects.for_user(actor).to_do()
    first, *others = [
        rows.filter(stretch)
        .order_by(*(_FORWARD if forward else _BACK))
        .annotate(place=Value(place, IntegerField()))
        .values_list("place", "pk")[:1]
        for place, stretch in enumerate(_stretches(row, now, forward=forward))
    ]
    found = min(first.union(*others, all=True), default=None)
    return None if found is None else int(found[1])


def _stretches(row: Finding, now: datetime, *, forward: bool) -> Iterator[Q]:
    """Each is a range of the index of urgent findings: with one condition for all, its beginning would be read too."""
    word, other = ("gt", "lt") if forward else ("lt", "gt")
    at = _GROUPS.index((row.regression, row.due_at is not None and row.due_at < now))
    here = _group(_GROUPS[at], now)
    alike = here & Q(protected=row.protected)
    same_moment = Q(opened_at=row.opened_at, **{f"pk__{word}": row.pk})
    yield alike & Q(rank=row.rank) & (Q(**{f"opened_at__{word}": row.opened_at}) | same_moment)
    yield alike & Q(**{f"rank__{word}": row.rank})
    yield here & Q(**{f"protected__{other}": row.protected})
    for group in _GROUPS[at + 1 :] if forward else reversed(_GROUPS[:at]):
        yield _group(group, now)


def _group(group: tuple[bool, bool], now: datetime) -> Q:
    regression, late = group
    return Q(regression=regression) & (Q(due_at__lt=now) if late else Q(due_at__gte=now) | Q(due_at=None))
