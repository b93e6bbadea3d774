"""Lists of repositories and of tags, one repository, one tag."""

from __future__ import annotations

from django.http import Http404, HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.http import require_safe

from compliance.queries.columns import columns_of
from compliance.queries.filters import VERDICTS
from compliance.queries.repositories import GRADES, list_repositories
from compliance.queries.repository import Header, find_repository, repository_page
from compliance.queries.repository_head import head_of
from compliance.queries.tag import tag_page
from compliance.queries.tags import list_tags
from compliance.views.respond import Shape, asked, page, signed_in, wants_part
from compliance.views.rights import actor_of

_LIST = Shape("compliance/repositories/page.html", "results")
_TAGS = Shape("compliance/tags/page.html", "results")
_REPOSITORY = Shape("compliance/repository/page.html", "tags")
_TAG = Shape("compliance/tag/page.html", "platforms")


@require_safe
def index(request: HttpRequest) -> HttpResponse:
    """Every repository, filtered."""
    now = timezone.now()
    found = list_repositories(asked(request), actor_of(request), now=now)
    columns = columns_of(signed_in(request), "repositories")
    context = {"page": found, "verdicts": VERDICTS, "grades": sorted(GRADES), "columns": columns}
    return page(request, _LIST, context, now=now)


@require_safe
def tags(request: HttpRequest) -> HttpResponse:
    """Tags of all repositories, filtered."""
    found = list_tags(request.GET, actor_of(request))
    columns = columns_of(signed_in(request), "tags")
    return page(request, _TAGS, {"page": found, "verdicts": VERDICTS, "columns": columns}, now=timezone.now())


@require_safe
def repository(request: HttpRequest, slug: str, name: str) -> HttpResponse:
    """One repository."""
    now, header = timezone.now(), found_repository(request, slug, name)
    context = {
        "page": repository_page(header, request.GET),
        "columns": columns_of(signed_in(request), "repository"),
    }
    if not wants_part(request):  # the part is below it
        context["head"] = head_of(header, actor_of(request), now=now)
    return page(request, _REPOSITORY, context, now=now)


@require_safe
def tag(request: HttpRequest, slug: str, name: str, tag: str) -> HttpResponse:
    """One tag: what it points to now."""
    found = tag_page(found_repository(request, slug, name), tag)
    if found is None:
        raise Http404("There is no such tag.")
    return page(request, _TAG, {"page": found}, now=timezone.now())


def found_repository(request: HttpRequest, slug: str, name: str) -> Header:
    """The repository of an address.

    :raises Http404: where there is none that whoever asks may see.
    """
    header = find_repository(slug, name, actor_of(request))
    if header is None:
        raise Http404("There is no such repository.")
    return header
