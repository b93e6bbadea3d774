"""The trend of one repository as a tab and as a file."""

from __future__ import annotations

from typing import Final

from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.utils import timezone
from django.views.decorators.http import require_safe

from compliance.queries.repository_head import head_of, to_do_of
from compliance.queries.repository_trend import trend_page
from compliance.queries.trend import TREND_COLUMNS
from compliance.services.doubt_tags import kept_for
from compliance.spreadsheet import csv_lines
from compliance.views.record_export import record_export
from compliance.views.repositories import found_repository
from compliance.views.respond import Shape, page
from compliance.views.rights import actor_of

_TREND: Final = Shape("compliance/repository_trend/page.html")


@require_safe
def show(request: HttpRequest, slug: str, name: str) -> HttpResponse:
    """Chart and table, by day, week or month."""
    now = timezone.now()
    head = head_of(found_repository(request, slug, name), actor_of(request), now=now)
    found = trend_page(head.header, request.GET, overdue=head.overdue.count, kept=kept_for(), now=now)
    return page(request, _TREND, {"head": head, "page": found}, now=now)


@require_safe
def export(request: HttpRequest, slug: str, name: str) -> StreamingHttpResponse:
    """The trend table of a repository, by day, week or month, as CSV."""
    now = timezone.now()
    header = found_repository(request, slug, name)
    overdue = to_do_of(header, now)[1].count
    found = trend_page(header, request.GET, overdue=overdue, kept=kept_for(), now=now)
    if found.trend is None:
        raise Http404("Its tags have moved too often to be weighed again.")
    record_export(request, f"trend of {slug}/{name}"[:200], "csv", len(found.trend.periods), now=now)
    response = StreamingHttpResponse(csv_lines(TREND_COLUMNS, found.lines), content_type="text/csv; charset=utf-8")
    file = f"trend-{found.trend.by}{'-todays-rules' if found.weighed_again else ''}-{now:%Y%m%dT%H%M%SZ}.csv"
    response.headers["Content-Disposition"] = f'attachment; filename="{file}"'
    response.headers["Cache-Control"] = "private, no-store"
    return response
