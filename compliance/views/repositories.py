"""Lists of repositories and of tags, one repository, one tag."""

from __future__ import annotations

from django.http import Http404, HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.http import require_safe

from compliance.queries.baseline import baseline_of
from compliance.queries.filters import VERDICTS
from compliance.queries.repositories import GRADES, list_repositories
from compliance.queries.repository import Header, find_repository, repository_page, tag_page
from compliance.queries.tags import list_tags
from compliance.views.respond import Shape, page, wants_part
from compliance.views.rights import actor_of

_LIST = Shape("compliance/repositories/page.html", "results")
_TAGS = Shape("compliance/tags/page.html", "results")
_REPOSITORY = Shape("compliance/repository/page.html", "tags")
_TAG = Shape("compliance/tag/page.html", "platforms")


@require_safe
def index(request: HttpRequest) -> HttpResponse:
    """Every repository, filtered."""
    now = timezone.now()
    found = list_repositories(request.GET, actor_of(request), now=now)
    context = {"page": found, "verdicts": VERDICTS, "grades": sorted(GRADES)}
    return page(request, _LIST, context, now=now)


@require_safe
def tags(request: HttpRequest) -> HttpResponse:
    """Tags of all repositories, filtered."""
    found = list_tags(request.GET, actor_of(request))
    return page(request, _TAGS, {"page": found, "verdicts": VERDICTS}, now=timezone.now())


@require_safe
def repository(request: HttpRequest, slug: str, name: str) -> HttpResponse:
    """One repository."""
    now = timezone.now()
    header = _found(request, slug, name)
    context: dict[str, object] = {"page": repository_page(header, request.GET, now=now)}
    if not wants_part(request):
        context["baseline"] = baseline_of(header.id, slug, name, actor_of(request), now=now)
    return page(request, _REPOSITORY, context, now=now)


@require_safe
def tag(request: HttpRequest, slug: str, name: str, tag: str) -> HttpResponse:
    """One tag: what it points to now."""
    found = tag_page(_found(request, slug, name), tag)
    if found is None:
        raise Http404("There is no such tag.")
    return page(request, _TAG, {"page": found}, now=timezone.now())


def _found(request: HttpRequest, slug: str, name: str) -> Header:
    header = find_repository(slug, name, actor_of(request))
    if header is None:
        raise Http404("There is no such repository.")
    return header
