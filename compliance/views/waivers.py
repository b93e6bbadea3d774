"""Waivers: the list, one waiver, its approval and its end."""

from __future__ import annotations

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, StreamingHttpResponse
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from compliance.models import ScopeChoice, Waiver
from compliance.queries.waiver import find_waiver, waiver_page
from compliance.queries.waiver_rows import WaiverRow
from compliance.queries.waivers import MOST_EXPORTED, all_rows, count_waivers, list_waivers
from compliance.services.apply_waivers import Applied
from compliance.services.decide_waiver import CannotDecide, approve_waiver, revoke_waiver
from compliance.spreadsheet import Cell, csv_lines
from compliance.views.bearer import takes_token
from compliance.views.moment import decided_now
from compliance.views.record_export import record_export
from compliance.views.respond import Shape, page, signed_in

_LIST = Shape("compliance/waivers/page.html", "results")
_ONE = Shape("compliance/waiver/page.html")
_COLUMNS = (
    *("Id", "Title", "State", "Rule", "Scope", "Findings covered", "Owner", "Written by", "Approved by", "Reason"),
    *("Explanation", "Compensating control", "Written", "Approved", "Ends", "Revoked"),
)


@require_safe
def index(request: HttpRequest) -> HttpResponse:
    """What is accepted, by whom and until when."""
    now = timezone.now()
    return page(request, _LIST, {"page": list_waivers(request.GET, signed_in(request).actor, now=now)}, now=now)


@require_safe
@takes_token(ScopeChoice.WAIVERS)
def export(request: HttpRequest) -> StreamingHttpResponse:
    """All waivers the address asks for, as CSV."""
    user, now = signed_in(request), timezone.now()
    count = count_waivers(request.GET, user.actor, now=now)
    record_export(request, "waivers", "csv", min(count, MOST_EXPORTED), now=now)
    rows = all_rows(request.GET, user.actor, now=now)
    lines = csv_lines(_COLUMNS, (_cells(row) for row in rows))
    response = StreamingHttpResponse(lines, content_type="text/csv; charset=utf-8")
    response.headers["Content-Disposition"] = f'attachment; filename="waivers-{now:%Y%m%dT%H%M%SZ}.csv"'
    response.headers["Cache-Control"] = "private, no-store"
    return response


@require_safe
def show(request: HttpRequest, waiver_id: int) -> HttpResponse:
    """One waiver."""
    now = timezone.now()
    found = waiver_page(_found(request, waiver_id), signed_in(request), now=now)
    return page(request, _ONE, {"page": found, "row": found.row}, now=now)


@require_POST
def approve(request: HttpRequest, waiver_id: int) -> HttpResponse:
    """Let it count."""
    waiver = _found(request, waiver_id)
    try:
        applied = approve_waiver(waiver.pk, by=signed_in(request), now=decided_now())
    except CannotDecide as error:
        return _refused(request, waiver, error)
    messages.success(request, f"{waiver.title} counts now: {_findings(len(applied.waived))} waived.")
    return HttpResponseRedirect(reverse("waiver", args=[waiver.pk]))


@require_POST
def revoke(request: HttpRequest, waiver_id: int) -> HttpResponse:
    """End it."""
    waiver = _found(request, waiver_id)
    try:
        applied = revoke_waiver(waiver.pk, by=signed_in(request), now=decided_now())
    except CannotDecide as error:
        return _refused(request, waiver, error)
    messages.success(request, f"{waiver.title} has ended: {_reopened(applied)}")
    return HttpResponseRedirect(reverse("waiver", args=[waiver.pk]))


def _cells(row: WaiverRow) -> tuple[Cell, ...]:
    return (
        *(row.id, row.title, row.state_label, row.rule, row.scope, row.covered, row.owner, row.author, row.approver),
        *(row.reason, row.explanation, row.control, row.created_at, row.approved_at, row.expires_at, row.revoked_at),
    )


def _refused(request: HttpRequest, waiver: Waiver, error: CannotDecide) -> HttpResponse:
    now = timezone.now()
    found = waiver_page(waiver, signed_in(request), now=now)
    context = {"page": found, "row": found.row, "refused": str(error)}
    return page(request, _ONE, context, now=now, status=409)


def _found(request: HttpRequest, waiver_id: int) -> Waiver:
    found = find_waiver(waiver_id, signed_in(request).actor)
    if found is None:
        raise Http404("There is no such waiver.")
    return found


def _findings(count: int) -> str:
    return "1 finding is" if count == 1 else f"{count:,} findings are"


def _reopened(applied: Applied) -> str:
    others = f" {_findings(len(applied.waived))} covered by another waiver." if applied.waived else ""
    keeps = "1 keeps" if applied.kept == 1 else f"{applied.kept:,} keep"
    kept = f" {keeps} the due date that a person set." if applied.kept else ""
    return f"{_findings(len(applied.reopened))} open again.{kept}{others}"
