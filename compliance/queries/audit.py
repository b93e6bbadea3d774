"""The audit trail, newest first: who did what to what, and what it was before.

Rows are added at any time and never go, so pages begin after a row's number and not at a row's place.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final

from django.db.models import Max, Model, OuterRef, QuerySet, Subquery

from compliance.models import (
    AuditAction,
    AuditCheck,
    AuditEvent,
    Policy,
    PolicyVersion,
    Registry,
    Repository,
    Team,
    User,
    Waiver,
)
from compliance.queries.audit_filter import ACTIONS, KINDS, PERIODS, SHOWS, chips, matching, read_filter
from compliance.queries.filters import Chip, number_of

SIZE: Final = 50
_LONGEST_VALUE: Final = 120
_CHUNK: Final = 1_000

# What ids are of, by the name of their column.
_NAMED: Final[Mapping[str, tuple[type[Model], str]]] = {
    "team_id": (Team, "name"),
    "registry_id": (Registry, "name"),
    "repository_id": (Repository, "name"),
    "policy_id": (Policy, "name"),
    "waiver_id": (Waiver, "title"),
    "current_id": (PolicyVersion, "number"),
    **dict.fromkeys(
        ("user_id", "assignee_id", "owner_id", "approver_id", "created_by_id", "revoked_by_id", "credential_set_by_id"),
        (User, "username"),
    ),
}
# Which columns say what something is that has no name of its own.
_TITLES: Final[Mapping[str, tuple[str, ...]]] = {
    "membership": ("user_id", "team_id"),
    "finding": ("rule", "repository_id"),
    "policyassignment": ("pattern", "policy_id"),
    "webhookendpoint": ("registry_id",),
    "slaterm": ("rank",),
    "labelset": ("repository_id",),
    "groupgrant": ("group", "team_id"),
}


@dataclass(frozen=True, slots=True)
class Change:
    """One value that differs.

    :param was: empty where nobody knows.
    """

    field: str
    was: str
    became: str


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the trail. ``by`` is empty for whoever was not logged in, and for what ran by itself."""

    id: int
    at: datetime
    action: str
    label: str
    by: str
    through: str
    kind: str
    kind_label: str
    object: str
    name: str
    changes: Sequence[Change]
    address: str
    request: str
    sealed: bool


@dataclass(frozen=True, slots=True)
class Chain:
    """How far the trail is sealed, and what its last check found."""

    sealed: int
    waiting: int
    anchor: str
    anchored_on: date | None
    checked_at: datetime | None
    checked: int
    problem: str


@dataclass(frozen=True, slots=True)
class AuditPage:
    """The page.

    :param newer: the id to go on after, towards now; ``None`` at the newest.
    :param older: the id to go on before.
    """

    rows: Sequence[Entry]
    newer: int | None
    older: int | None
    chosen: Mapping[str, str]
    chips: Sequence[Chip]
    chain: Chain
    shows: Sequence[tuple[str, str]] = tuple(SHOWS.items())
    actions: Sequence[tuple[str, str]] = tuple(ACTIONS.items())
    kinds: Sequence[tuple[str, str]] = tuple(KINDS.items())
    periods: Sequence[tuple[str, str]] = tuple(PERIODS.items())


def audit_page(params: Mapping[str, str], *, now: datetime) -> AuditPage:
    """One stretch of the lines that the address asks for."""
    chosen = read_filter(params)
    found, newer, older = _stretch(
        _told(matching(chosen, now)), number_of(params, "before"), number_of(params, "after")
    )
    return AuditPage(_entries(found), newer, older, chosen, chips(params, chosen), _chain())


def count_lines(params: Mapping[str, str], *, now: datetime) -> int:
    """How many lines there are of what the address asks for."""
    return matching(read_filter(params), now).count()


def audit_lines(params: Mapping[str, str], *, before: int, now: datetime) -> Iterator[Entry]:
    """All lines that the address asks for and that were there before another, newest first, read piece by piece."""
    rows = _told(matching(read_filter(params), now))
    while found := list(rows.filter(pk__lt=before)[:_CHUNK]):
        yield from _entries(found)
        before = found[-1].pk


def _told(rows: QuerySet[AuditEvent]) -> QuerySet[AuditEvent]:
    """Newest first, each with what its object was before."""
    same = AuditEvent.objects.filter(kind=OuterRef("kind"), object=OuterRef("object"), pk__lt=OuterRef("pk"))
    was = same.exclude(source="").order_by("-pk").values("data")[:1]
    return rows.order_by("-pk").annotate(was=Subquery(was)).defer("link", "mac")


def _stretch(
    rows: QuerySet[AuditEvent], before: int | None, after: int | None
) -> tuple[list[AuditEvent], int | None, int | None]:
    """The rows of this page, newest first, and where the pages beside it begin."""
    if after and not before:
        found = list(rows.filter(pk__gt=after).order_by("pk")[: SIZE + 1])
        if len(found) > SIZE:
            found = found[:SIZE][::-1]
            return found, found[0].pk, found[-1].pk
        before = None  # the newest page is nearer than a whole one
    found = list((rows.filter(pk__lt=before) if before else rows)[: SIZE + 1])
    shown = found[:SIZE]
    newer = (shown[0].pk if shown else before - 1) if before else None
    return shown, newer, shown[-1].pk if len(found) > SIZE else None


def _entries(rows: Sequence[AuditEvent]) -> list[Entry]:
    names = _names(rows)
    return [_entry(row, names) for row in rows]


def _entry(row: AuditEvent, names: Mapping[tuple[str, int], str]) -> Entry:
    context = row.context if isinstance(row.context, dict) else {}
    return Entry(
        id=row.pk,
        at=row.at,
        action=row.action,
        label=ACTIONS.get(row.action, row.action),
        by=row.actor_name,
        through=str(context.get("task") or context.get("command") or ""),
        kind=row.kind,
        kind_label=KINDS.get(row.kind, row.kind.capitalize()),
        object=row.object,
        name=_title(row, names),
        changes=_changes(row, names),
        address="" if context.get("ip") == "::" else str(context.get("ip", "")),
        request=str(context.get("request", "")),
        sealed=row.number is not None,
    )


def _title(row: AuditEvent, names: Mapping[tuple[str, int], str]) -> str:
    columns = _TITLES.get(row.kind, ()) if row.source else ()
    return ", ".join(_value(column, row.data.get(column), names) for column in columns) or row.name


def _changes(row: AuditEvent, names: Mapping[tuple[str, int], str]) -> list[Change]:
    was: Mapping[str, Any] | None = row.was if row.source else None  # type: ignore[attr-defined]  # annotated
    if row.action in (AuditAction.REMOVED, AuditAction.KNOWN):
        return []
    if was is None or row.action == AuditAction.ADDED:
        said = {key: value for key, value in row.data.items() if value not in (None, "", [], False)}
        return [Change(_field(key), "", _value(key, value, names)) for key, value in said.items()]
    return [
        Change(_field(key), _value(key, was.get(key), names), _value(key, value, names))
        for key, value in row.data.items()
        if was.get(key) != value
    ]


def _field(column: str) -> str:
    return "version" if column == "current_id" else column.removesuffix("_id").replace("_", " ")


def _value(column: str, value: object, names: Mapping[tuple[str, int], str]) -> str:
    if value is None or value == "":
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int) and column in _NAMED:
        return names.get((column, value), f"#{value}")
    text = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
    return text if len(text) <= _LONGEST_VALUE else f"{text[: _LONGEST_VALUE - 1]}…"


def _names(rows: Sequence[AuditEvent]) -> dict[tuple[str, int], str]:
    """What the ids on a page are called now, one query for each kind of thing."""
    wanted: dict[tuple[type[Model], str], dict[int, set[str]]] = {}
    for row in rows:
        for data in (row.data, getattr(row, "was", None) or {}):
            for column, value in data.items():
                if column in _NAMED and isinstance(value, int):
                    wanted.setdefault(_NAMED[column], {}).setdefault(value, set()).add(column)
    found: dict[tuple[str, int], str] = {}
    for (model, field), ids in wanted.items():
        for pk, name in model._default_manager.filter(pk__in=ids).values_list("pk", field):
            found |= {(column, pk): str(name) for column in ids[pk]}
    return found


def _chain() -> Chain:
    check = AuditCheck.objects.filter(pk=1).first() or AuditCheck()
    return Chain(
        sealed=AuditEvent.objects.aggregate(last=Max("number"))["last"] or 0,
        waiting=AuditEvent.objects.filter(number=None).count(),
        anchor=check.anchor,
        anchored_on=check.anchored_on,
        checked_at=check.checked_at,
        checked=check.checked_number,
        problem=check.problem,
    )
