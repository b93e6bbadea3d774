"""``/``"""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.http import require_safe

from compliance.queries.overview import WINDOWS, overview
from compliance.views.last_visit import last_visit
from compliance.views.respond import Shape, page
from compliance.views.rights import actor_of

_PAGE = Shape("compliance/overview/page.html")


@require_safe
def show(request: HttpRequest) -> HttpResponse:
    """Where the fleet stands."""
    now = timezone.now()
    found = overview(request.GET, actor_of(request), now=now, last_visit=last_visit(request))
    return page(request, _PAGE, {"page": found, "windows": WINDOWS}, now=now)
