"""``/i/<digest>/``: the permalink of a digest."""

from __future__ import annotations

from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.utils import timezone
from django.views.decorators.http import require_safe

from compliance.forms.what_if import PRESETS, what_if_form
from compliance.queries.image import ImagePage, IndexPage, find_digest
from compliance.queries.what_if import what_if_page
from compliance.views.respond import Shape, htmx, page, wants_part
from compliance.views.rights import actor_of

_IMAGE = Shape("compliance/image/page.html")
_INDEX = Shape("compliance/index/page.html")
_UNREAD = Shape("compliance/unread/page.html")
_WHAT_IF = Shape("compliance/what_if/page.html", "panel")


@require_safe
def show(request: HttpRequest, digest: str) -> HttpResponse:
    """An image, an index, or something that was never read."""
    found = find_digest(digest, request.GET, actor_of(request))
    if found is None:
        raise Http404("Nobody has seen this digest.")
    shape = _IMAGE if isinstance(found, ImagePage) else _INDEX if isinstance(found, IndexPage) else _UNREAD
    context = {"page": found, "form": what_if_form(QueryDict()), "presets": PRESETS}
    return page(request, shape, context, now=timezone.now())


@require_safe
def what_if(request: HttpRequest, digest: str) -> HttpResponse:
    """What would happen if somebody started the image so; every question is an address."""
    form = what_if_form(request.GET)
    start = form.start() if form.is_valid() else None
    found = what_if_page(digest, start, actor_of(request))
    if found is None:
        raise Http404("Nobody has seen an image with this digest.")
    context = {
        "page": found,
        "form": form,
        "presets": PRESETS,
        "asked": request.GET.urlencode(safe=":/"),
        "link": request.build_absolute_uri(),
    }
    response = page(request, _WHAT_IF, context, now=timezone.now(), status=422 if form.errors else 200)
    here = htmx(request).current_url_abs_path or ""
    if wants_part(request) and here.partition("?")[0] == request.path:  # on the image's page the address stays
        response.headers["HX-Push-Url"] = request.get_full_path()
    return response
