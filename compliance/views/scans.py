"""Scans: the list, one scan with live progress, asking for one and withdrawing it."""

from __future__ import annotations

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from compliance.access import may_scan_registries, may_see_operations
from compliance.models import Registry, Scan
from compliance.queries.filters import text_of
from compliance.queries.scan import scan_page
from compliance.queries.scan_changes import scan_changes
from compliance.queries.scans import list_scans
from compliance.services.request_scan import cancel_scan, request_scan
from compliance.services.retry_errors import retry_errors
from compliance.tasks.wake import ring, wake
from compliance.views.respond import STOP_POLLING, Shape, page, signed_in, wants_part
from compliance.views.rights import needs

_LIST = Shape("compliance/scans/page.html", "results")
_CHANGES = Shape("compliance/scan_changes/page.html")
_SCAN = Shape("compliance/scan/page.html", "live")


@require_safe
@needs(may_see_operations)
def index(request: HttpRequest) -> HttpResponse:
    """All scans, filtered."""
    return page(request, _LIST, {"page": list_scans(request.GET)}, now=timezone.now())


@require_safe
@needs(may_see_operations)
def show(request: HttpRequest, scan_id: int) -> HttpResponse:
    """One scan; a poll that would bring nothing new is answered with nothing."""
    now = timezone.now()
    found = scan_page(scan_id, request.GET, now=now)
    if found is None:
        raise Http404("There is no such scan.")
    polls = wants_part(request) and "v" in request.GET
    if polls and found.row.active and request.GET["v"] == found.version:
        return HttpResponse(status=204)
    ended = polls and not found.row.active
    passed = polls and request.GET.get("quarter", "") != str(found.quarter)
    response = page(request, _SCAN, {"page": found, "announce": ended or passed}, now=now)
    if ended:
        response.status_code = STOP_POLLING
    return response


@require_safe
@needs(may_see_operations)
def changes(request: HttpRequest, scan_id: int) -> HttpResponse:
    """The tags behind a scan's numbers."""
    found = scan_changes(scan_id, request.GET)
    if found is None:
        raise Http404("There is no such scan.")
    return page(request, _CHANGES, {"page": found}, now=timezone.now())


@require_POST
@needs(may_scan_registries)
def start(request: HttpRequest, slug: str) -> HttpResponse:
    """Ask for a scan of a registry, or join the one that is under way."""
    registry = get_object_or_404(Registry, slug=slug)
    user = signed_in(request)
    scan_id = request_scan(registry, trigger=Scan.Trigger.PAGE, now=timezone.now(), requested_by=user)
    wake(scan_id)
    return HttpResponseRedirect(reverse("scan", args=[scan_id]))


@require_POST
@needs(may_scan_registries)
def cancel(request: HttpRequest, scan_id: int) -> HttpResponse:
    """Withdraw a scan."""
    if cancel_scan(scan_id, now=timezone.now(), by=signed_in(request)):
        messages.success(request, "The scan was cancelled. What it had read is kept.")
    else:
        messages.warning(request, "The scan had already ended.")
    return HttpResponseRedirect(reverse("scan", args=[scan_id]))


@require_POST
@needs(may_scan_registries)
def retry(request: HttpRequest, scan_id: int) -> HttpResponse:
    """Read again what failed for one cause; whoever may scan may do that."""
    code = text_of(request.POST, "code")
    found = retry_errors(scan_id, code, now=timezone.now(), requested_by=signed_in(request))
    if found is None:
        messages.warning(request, "There is nothing to retry for that cause.")
        return HttpResponseRedirect(reverse("scan", args=[scan_id]))
    ring(found.wake_ups)
    return HttpResponseRedirect(reverse("scan", args=[found.scan_id]))
