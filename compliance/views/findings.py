"""The inbox of findings: the list, what is done to many of them at once, and exports."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.http import require_safe

from compliance.models import StatusChoice
from compliance.queries.finding_filter import DUE_WORDS, GROUPS, SIZES, SORTS, address
from compliance.queries.inbox import Inbox, list_findings
from compliance.remediation.terms import SEVERITIES
from compliance.views.respond import Shape, page, signed_in, wants_part

_INBOX = Shape("compliance/findings/page.html", "results")


@require_safe
def index(request: HttpRequest) -> HttpResponse:
    """One page of the findings that the address asks for."""
    now = timezone.now()
    found = list_findings(request.GET, signed_in(request), now=now)
    response = page(request, _INBOX, context_of(found), now=now)
    if wants_part(request) and not found.filter.problems:
        # What was typed in the search box is an address of its own.
        response.headers["HX-Push-Url"] = request.path + address(found.filter, found.view, **_page_of(found))
    return response


def context_of(found: Inbox) -> dict[str, object]:
    """What the page shows besides the findings."""
    return {
        "page": found,
        "statuses": StatusChoice.choices,
        "severities": SEVERITIES,
        "sorts": SORTS,
        "groupings": GROUPS,
        "sizes": SIZES,
        "dues": DUE_WORDS,
    }


def _page_of(found: Inbox) -> dict[str, str]:
    return {"page": str(found.paging.number)} if found.paging.number > 1 else {}
