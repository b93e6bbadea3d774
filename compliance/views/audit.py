"""The audit trail: a page and a file."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.utils import timezone
from django.views.decorators.http import require_safe

from compliance.access import may_read_audit
from compliance.queries.audit import Change, audit_lines, audit_page, count_lines
from compliance.spreadsheet import csv_lines
from compliance.views.record_export import record_export
from compliance.views.respond import Shape, page
from compliance.views.rights import needs

_TRAIL: Final = Shape("compliance/audit/page.html", "results")
_COLUMNS: Final = ("id", "at", "by", "through", "action", "kind", "object", "name", "changes", "address", "request")


@require_safe
@needs(may_read_audit)
def index(request: HttpRequest) -> HttpResponse:
    """Who did what."""
    now = timezone.now()
    return page(request, _TRAIL, {"page": audit_page(request.GET, now=now)}, now=now)


@require_safe
@needs(may_read_audit)
def export(request: HttpRequest) -> StreamingHttpResponse:
    """All lines the address asks for, as CSV; that somebody took them is a line too."""
    now = timezone.now()
    line = record_export(request, "audit trail", "csv", count_lines(request.GET, now=now), now=now)
    rows = (
        (*(getattr(entry, name) for name in _COLUMNS[:8]), _in_words(entry.changes), entry.address, entry.request)
        for entry in audit_lines(request.GET, before=line.pk, now=now)
    )
    response = StreamingHttpResponse(csv_lines(_COLUMNS, rows), content_type="text/csv; charset=utf-8")
    response.headers["Content-Disposition"] = f'attachment; filename="audit-{now:%Y%m%dT%H%M%SZ}.csv"'
    response.headers["Cache-Control"] = "private, no-store"
    return response


def _in_words(changes: Sequence[Change]) -> str:
    return "; ".join(_change(change) for change in changes)


def _change(change: Change) -> str:
    return f"{change.field}: {change.was} → {change.became}" if change.was else f"{change.field}: {change.became}"
