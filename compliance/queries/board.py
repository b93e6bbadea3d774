"""The board: findings by where they stand, the most urgent of each column."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.db.models import BooleanField, Count, ExpressionWrapper, Func, Q

from compliance.access import Actor
from compliance.models.finding import FindingQuerySet
from compliance.queries.counted import Counted
from compliance.queries.filters import Chip
from compliance.queries.finding_rows import FindingRow, rows_of
from compliance.queries.findings import select_findings
from compliance.queries.remediation_page import read_window
from compliance.queries.work_scope import Choices, WorkScope, all_choices_for, read_scope
from compliance.remediation.metrics import last_days
from compliance.remediation.status import Status

MOST_CARDS = 20
COLUMNS: Final[tuple[tuple[str, str, tuple[Status, ...]], ...]] = (
    ("open", "To do", (Status.NEW, Status.OPEN, Status.REGRESSED)),
    ("in_progress", "In progress", (Status.IN_PROGRESS,)),
    ("fix_claimed", "Fix claimed", (Status.FIX_CLAIMED,)),
    ("verified", "Verified", (Status.FIXED,)),
)
"""Key, label and statuses. The key is the status that a move into the column gives; nobody moves into the last."""

MOVES: Final = {key: label for key, label, _ in COLUMNS[:-1]}
LANES: Final = {"": "No lanes", "repository": "By repository"}
"""What ``lanes`` in the address may say, and what links call it."""


@dataclass(frozen=True, slots=True)
class Column:
    """Findings that stand alike; ``left`` of them are not shown."""

    key: str
    label: str
    count: Counted
    cards: tuple[FindingRow, ...]
    moves: tuple[tuple[str, str], ...]

    @property
    def left(self) -> int:
        """How many more there are."""
        return self.count.count - len(self.cards)


@dataclass(frozen=True, slots=True)
class Lane:
    """The cards of one repository, of every column those it has there; ``first`` says whose they are."""

    first: FindingRow
    cells: tuple[tuple[Column, tuple[FindingRow, ...]], ...]


@dataclass(frozen=True, slots=True)
class Board:
    """The page.

    :param by: a key of ``LANES``.
    """

    scope: WorkScope
    window: str
    choices: Choices
    columns: tuple[Column, ...]
    by: str = ""

    @property
    def empty(self) -> bool:
        """Whether no column holds anything."""
        return not any(column.count.count for column in self.columns)

    @property
    def chips(self) -> tuple[Chip, ...]:
        """What the page is kept to."""
        lanes = {"lanes": self.by} if self.by else {}
        return self.scope.chips(view="board", days=self.window, **lanes)

    @property
    def lanes(self) -> tuple[Lane, ...]:
        """The same cards by repository: what is most urgent first, and what has nothing left to do last."""
        homes: dict[tuple[str, str], dict[str, list[FindingRow]]] = {}
        for column in self.columns:
            for card in column.cards:
                home = homes.setdefault((card.registry_slug, card.repository), {})
                home.setdefault(column.key, []).append(card)
        return tuple(
            Lane(
                next(iter(home.values()))[0],
                tuple((column, tuple(home.get(column.key, ()))) for column in self.columns),
            )
            for home in homes.values()
        )


def board(params: Mapping[str, str], actor: Actor, *, now: datetime) -> Board:
    """All columns of what the address asks for."""
    choices = all_choices_for(actor)
    scope, window = read_scope(params, actor, choices), read_window(params)
    terms = {key: _terms(statuses, window) for key, _, statuses in COLUMNS}
    rows = {key: _rows(scope, terms[key], now) for key in terms}
    # Who was fixed by now was closed last since then: the newest are found by their index, not among all ever fixed.
    rows["verified"] = rows["verified"].filter(closed_at__gte=last_days(int(window), now).since)
    counts = _counts(scope, rows["verified"], now)
    ids = {key: _first(found, now, past=key == "verified") for key, found in rows.items()}
    cards = {card.id: card for card in rows_of([pk for each in ids.values() for pk in each], actor, now=now)}
    columns = tuple(
        Column(
            key,
            label,
            Counted(counts[key], scope.address(**terms[key])),
            tuple(cards[pk] for pk in ids[key] if pk in cards),
            tuple(each for each in MOVES.items() if each[0] != key) if key != "verified" else (),
        )
        for key, label, _ in COLUMNS
    )
    by = params.get("lanes", "")
    return Board(scope, window, choices, columns, by if by in LANES else "")


def _terms(statuses: tuple[Status, ...], window: str) -> dict[str, str]:
    fixed = {"fixed": f"{window}d"} if statuses == (Status.FIXED,) else {}
    return {"status": ",".join(statuses), **fixed}


class _IsTrue(Func):
    """Keeps Postgres from joining: each finding is looked up in a hash of the repositories instead."""

    template = "(%(expressions)s) IS TRUE"
    output_field = BooleanField()


def _rows(scope: WorkScope, terms: Mapping[str, str], now: datetime) -> FindingQuerySet:
    if not scope.of_registries:
        return select_findings({**scope.pairs, **terms}, scope.actor, now=now)
    within = Q(repository__in=scope.repositories.order_by().values("pk"))
    return select_findings(terms, scope.actor, now=now).filter(_IsTrue(within))


def _counts(scope: WorkScope, verified: FindingQuerySet, now: datetime) -> dict[str, int]:
    found = _rows(scope, {"tab": "open"}, now).order_by()
    by_status = dict(found.values_list("status").annotate(count=Count("pk")))
    standing = {key: sum(by_status.get(status, 0) for status in statuses) for key, _, statuses in COLUMNS[:-1]}
    return {**standing, "verified": verified.count()}


def _first(rows: FindingQuerySet, now: datetime, *, past: bool) -> list[int]:
    if past:
        return list(rows.order_by("-closed_at", "pk").values_list("pk", flat=True)[:MOST_CARDS])
    late = ExpressionWrapper(Q(due_at__isnull=False, due_at__lt=now), output_field=BooleanField())
    urgent = rows.annotate(late=late).order_by("-regression", "-late", "-protected", "rank", "opened_at", "pk")
    return list(urgent.values_list("pk", flat=True)[:MOST_CARDS])
