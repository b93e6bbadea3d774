"""``/remediation/``: how fixing goes, in numbers or as a board on which findings are moved."""

from __future__ import annotations

from urllib.parse import urlencode

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from compliance.access import may_work_on_findings
from compliance.models import Finding
from compliance.queries.board import LANES, MOVES, board
from compliance.queries.filters import number_of
from compliance.queries.remediation_page import WINDOWS, remediation_page
from compliance.queries.team_sheets import team_sheets
from compliance.remediation.change import InvalidChange, SetStatus
from compliance.remediation.metrics import DEFINITIONS
from compliance.remediation.status import Status
from compliance.remediation.terms import SEVERITIES
from compliance.services.change_findings import change_findings, rescans_of
from compliance.services.write_findings import NotAllowed
from compliance.tasks.wake import ring
from compliance.views.moment import decided_now
from compliance.views.respond import Shape, page, signed_in
from compliance.views.rights import actor_of, needs

_NUMBERS = Shape("compliance/remediation/page.html")
_BOARD = Shape("compliance/remediation/board.html")
_SHEETS = Shape("compliance/remediation/sheets.html")
_KEPT = ("team", "registry", "environment", "days", "lanes")


@require_safe
def show(request: HttpRequest) -> HttpResponse:
    """Numbers, charts and teams; or the board."""
    now, actor = timezone.now(), actor_of(request)
    if request.GET.get("view") == "board":
        context = {"page": board(request.GET, actor, now=now), "windows": WINDOWS, "lanes": LANES}
        return page(request, _BOARD, context, now=now)
    found = remediation_page(request.GET, actor, now=now)
    context = {"page": found, "windows": WINDOWS, "severities": SEVERITIES, "means": DEFINITIONS}
    return page(request, _NUMBERS, context, now=now)


@require_safe
def sheets(request: HttpRequest) -> HttpResponse:
    """A page of paper for each team that somebody may see."""
    now = timezone.now()
    found = team_sheets(request.GET, actor_of(request), now=now)
    context = {
        "page": found,
        "windows": WINDOWS,
        "since": WINDOWS[found.window],
        "address": request.build_absolute_uri()[:500],
    }
    return page(request, _SHEETS, context, now=now)


@require_POST
@needs(may_work_on_findings)
def move(request: HttpRequest) -> HttpResponse:
    """Put a card into another column: give the finding that status."""
    user, now = signed_in(request), decided_now()
    number, to = number_of(request.POST, "finding"), request.POST.get("to", "")
    if number is None or to not in MOVES:
        messages.error(request, "Choose a finding and a column.")
        return _board(request)
    row = Finding.objects.for_user(user.actor).select_related("repository").filter(pk=number).first()
    if row is None:
        raise Http404("There is no such finding.")
    try:
        made = change_findings(Finding.objects.filter(pk=row.pk), SetStatus(Status(to)), by=user, now=now)
    except InvalidChange as error:
        messages.error(request, f"{row.rule} in {row.repository}: {error}")
    except NotAllowed as error:
        raise PermissionDenied("Your role in the team may see this finding, not work on it.") from error
    else:
        ring(rescans_of(made))
        messages.success(request, f"{row.rule} in {row.repository} is in “{MOVES[to]}” now.")
    return _board(request)


def _board(request: HttpRequest) -> HttpResponse:
    """Back to the board somebody came from."""
    back = QueryDict(request.POST.get("back", "")[:500])
    kept = {name: back[name] for name in _KEPT if name in back}
    return HttpResponseRedirect(f"{reverse('remediation')}?{urlencode({'view': 'board', **kept})}")
