"""Exactly the findings of a list, in its order, read from a cursor on the server: none of them waits in memory."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime

from django.db.models import QuerySet

from compliance.access import Actor
from compliance.models import Finding
from compliance.queries.finding_filter import FindingFilter, read_view, say
from compliance.queries.findings import ordered, segments, select_findings
from compliance.remediation.finding_formats import ExportedFinding
from compliance.remediation.status import Status
from scanner.domain.verdict import Severity

_CHUNK = 2_000
_SEVERITIES = tuple(Severity)
_COLUMNS = (
    "pk", "rule", "rank", "status", "resolution", "repository__registry__slug", "repository__name", "platform",
    "subject", "repository__team__slug", "assignee__username", "protected", "regression", "baseline", "tags",
    "first_seen_at", "opened_at", "last_seen_at", "due_at", "closed_at", "waiver__title", "waiver__expires_at",
)  # fmt: skip


def export_findings(params: Mapping[str, str], actor: Actor, *, now: datetime) -> Iterator[ExportedFinding]:
    """Every finding behind an address, on all its pages."""
    rows, sort = select_findings(params, actor, now=now), read_view(params).sort
    if sort != "urgency":
        yield from _read(ordered(rows, sort))
        return
    for condition, order in segments(now=now):
        yield from _read(rows.filter(condition).order_by(*order))


def filters_in_words(wanted: FindingFilter) -> tuple[str, ...]:
    """What a file says it was filtered by."""
    words = [f"contains “{word}”" for word in wanted.words]
    return (f"tab {wanted.tab}", *words, *(say(name, value) for name, value in wanted.terms.items()))


def _read(rows: QuerySet[Finding]) -> Iterator[ExportedFinding]:
    for pk, rule, rank, status, *rest in rows.values_list(*_COLUMNS).iterator(chunk_size=_CHUNK):
        severity = _SEVERITIES[min(rank, len(_SEVERITIES) - 1)]
        # What no team, nobody and no waiver is called.
        rest[5], rest[6], rest[16] = rest[5] or "", rest[6] or "", rest[16] or ""
        yield ExportedFinding(pk, rule, severity, Status(status), *rest)
