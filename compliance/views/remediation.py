"""``/remediation/``: how fixing goes, in numbers or as a board."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.http import require_safe

from compliance.queries.remediation_page import WINDOWS, remediation_page
from compliance.remediation.metrics import DEFINITIONS
from compliance.remediation.terms import SEVERITIES
from compliance.views.respond import Shape, page
from compliance.views.rights import actor_of

_NUMBERS = Shape("compliance/remediation/page.html")


@require_safe
def show(request: HttpRequest) -> HttpResponse:
    """Numbers, charts and teams."""
    now = timezone.now()
    found = remediation_page(request.GET, actor_of(request), now=now)
    context = {"page": found, "windows": WINDOWS, "severities": SEVERITIES, "means": DEFINITIONS}
    return page(request, _NUMBERS, context, now=now)
