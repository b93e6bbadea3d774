"""Exactly the findings of a list, in its order, read from a cursor on the server: none of them waits in memory."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from itertools import islice
from typing import Any

from django.db.models import Count, QuerySet

from compliance.access import Actor
from compliance.models import Finding
from compliance.queries.finding_filter import FindingFilter, read_view, say
from compliance.queries.findings import ordered, segments, select_findings
from compliance.remediation.finding_formats import ExportedFinding, Tally
from compliance.remediation.status import Status
from scanner.domain.verdict import Severity

_IDS = 5_000
_CHUNK = 500
_SEVERITIES = tuple(Severity)
_COLUMNS = (
    "pk", "rule", "rank", "status", "resolution", "repository__registry__slug", "repository__name", "platform",
    "subject", "repository__team__slug", "assignee__username", "protected", "regression", "baseline", "tags",
    "first_seen_at", "opened_at", "last_seen_at", "due_at", "closed_at", "waiver__title", "waiver__expires_at",
)  # fmt: skip


def export_findings(params: Mapping[str, str], actor: Actor, *, now: datetime) -> Iterator[ExportedFinding]:
    """Every finding behind an address, on all its pages."""
    for rows in _parts(params, actor, now=now):
        # Their order is read from indexes; all else of them only when it is their turn.
        ids = rows.values_list("pk", flat=True).iterator(chunk_size=_IDS)
        while chunk := list(islice(ids, _CHUNK)):
            found = Finding.objects.for_user(actor).filter(pk__in=chunk).values_list(*_COLUMNS)
            by_id = {row[0]: row for row in found}
            yield from (_exported(by_id[pk]) for pk in chunk if pk in by_id)


def first_findings(params: Mapping[str, str], actor: Actor, most: int, *, now: datetime) -> list[ExportedFinding]:
    """The first of them."""
    found: list[ExportedFinding] = []
    for rows in _parts(params, actor, now=now):
        if len(found) < most:
            found += map(_exported, rows.values_list(*_COLUMNS)[: most - len(found)])
    return found


def tally_findings(params: Mapping[str, str], actor: Actor, *, now: datetime) -> list[Tally]:
    """How many there are of each rule, severity and team."""
    groups = select_findings(params, actor, now=now).order_by().values_list("rule", "rank", "repository__team__slug")
    return [
        Tally(rule, _severity(rank), team or "", count)
        for rule, rank, team, count in groups.annotate(count=Count("pk"))
    ]


def filters_in_words(wanted: FindingFilter) -> tuple[str, ...]:
    """What a file says it was filtered by."""
    words = [f"contains “{word}”" for word in wanted.words]
    return (f"tab {wanted.tab}", *words, *(say(name, value) for name, value in wanted.terms.items()))


def _parts(params: Mapping[str, str], actor: Actor, *, now: datetime) -> Iterator[QuerySet[Finding]]:
    rows, sort = select_findings(params, actor, now=now), read_view(params).sort
    if sort != "urgency":
        yield ordered(rows, sort)
        return
    for condition, order in segments(now=now):
        yield rows.filter(condition).order_by(*order)


def _exported(row: tuple[Any, ...]) -> ExportedFinding:
    pk, rule, rank, status, *rest = row
    # What no team, nobody and no waiver is called.
    rest[5], rest[6], rest[16] = rest[5] or "", rest[6] or "", rest[16] or ""
    return ExportedFinding(pk, rule, _severity(rank), Status(status), *rest)


def _severity(rank: int) -> Severity:
    return _SEVERITIES[min(rank, len(_SEVERITIES) - 1)]
