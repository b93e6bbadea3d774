"""Two tags of a repository held against each other."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.http import require_safe

from compliance.queries.compare import compare_page
from compliance.views.repositories import found_repository
from compliance.views.respond import Shape, page

_COMPARE = Shape("compliance/compare/page.html", "results")


@require_safe
def compare(request: HttpRequest, slug: str, name: str) -> HttpResponse:
    """What one tag says otherwise than another."""
    found = compare_page(found_repository(request, slug, name), request.GET)
    return page(request, _COMPARE, {"page": found}, now=timezone.now())
