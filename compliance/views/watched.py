"""The repositories somebody watches."""

from __future__ import annotations

from typing import Final

from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.http import require_safe

from compliance.queries.watched import hears_of_watched, watched_by
from compliance.views.respond import Shape, page
from compliance.views.rights import actor_of

_PAGE: Final = Shape("compliance/watched/page.html")


@require_safe
def index(request: HttpRequest) -> HttpResponse:
    """What one watches, and whether any channel is told of it."""
    actor = actor_of(request)
    context = {"watched": watched_by(actor), "heard": hears_of_watched(actor)}
    return page(request, _PAGE, context, now=timezone.now())
