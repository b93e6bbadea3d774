"""``/i/<digest>/``: the permalink of a digest."""

from __future__ import annotations

from django.http import Http404, HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.http import require_safe

from compliance.queries.image import ImagePage, IndexPage, find_digest
from compliance.views.respond import Shape, page

_IMAGE = Shape("compliance/image/page.html")
_INDEX = Shape("compliance/index/page.html")
_UNREAD = Shape("compliance/unread/page.html")


@require_safe
def show(request: HttpRequest, digest: str) -> HttpResponse:
    """An image, an index, or something that was never read."""
    found = find_digest(digest, request.GET)
    if found is None:
        raise Http404("Nobody has seen this digest.")
    shape = _IMAGE if isinstance(found, ImagePage) else _INDEX if isinstance(found, IndexPage) else _UNREAD
    return page(request, shape, {"page": found}, now=timezone.now())
