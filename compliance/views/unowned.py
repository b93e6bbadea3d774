"""Repositories that nobody owns, claiming them, and the owner of one repository."""

from __future__ import annotations

import re
from typing import Final

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict
from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from compliance.access import may_claim_repositories, may_give_repository, may_label_repository, may_see_unowned
from compliance.forms.people import ClaimForm, OwnerForm
from compliance.models import Repository
from compliance.models.label import labels_of
from compliance.models.repository import RepositoryQuerySet
from compliance.queries.filters import storable
from compliance.queries.repository import find_repository
from compliance.queries.repository_head import head_of
from compliance.queries.unowned import list_unowned, shown_labels, unowned_repositories
from compliance.services.claim_repositories import (
    MayNotGive,
    OthersCount,
    TooLate,
    can_undo_claim,
    claim_repositories,
    give_repositories,
    release_repositories,
    undo_claim,
)
from compliance.views.moment import decided_now
from compliance.views.respond import Shape, page, signed_in
from compliance.views.rights import actor_of, needs

_TOKEN: Final = re.compile(r"[A-Za-z0-9_-]{10,40}", re.ASCII)
_LIST: Final = Shape("compliance/unowned/page.html", "results")
_WHOLE: Final = Shape("compliance/unowned/page.html")
_OWNER: Final = Shape("compliance/repository_owner/page.html")
_MOVED: Final = "Meanwhile somebody claimed some of them, or others came. Nothing was changed: look again."


@require_safe
@needs(may_see_unowned)
def index(request: HttpRequest) -> HttpResponse:
    """What nobody owns, filtered."""
    return _page(request, ClaimForm(actor=actor_of(request)))


@require_POST
@needs(may_claim_repositories)
def claim(request: HttpRequest) -> HttpResponse:
    """Give the chosen repositories, or all that match the address, to a team: all of them or none."""
    form = ClaimForm(request.POST, actor=actor_of(request))
    if not form.is_valid():
        return _page(request, form, status=422)
    rows, expected = _chosen(request, form)
    if not expected:
        form.add_error(None, "Choose at least one repository.")
        return _page(request, form, status=422)
    team = form.cleaned_data["team"]
    try:
        made = claim_repositories(rows, team, by=signed_in(request), now=decided_now(), expected=expected)
    except OthersCount as obstacle:
        return _page(request, form, status=409, conflict=_MOVED, actual=obstacle.actual)
    except MayNotGive as refused:
        raise PermissionDenied("You may claim repositories for teams you lead.") from refused
    noun = "repository belongs" if made.count == 1 else "repositories belong"
    messages.success(request, f"{made.count:,} {noun} to {team} now.")
    return HttpResponseRedirect(f"{reverse('unowned')}?{urlencode({**_filters(request), 'claimed': made.token})}")


@require_POST
@needs(may_claim_repositories)
def undo(request: HttpRequest) -> HttpResponse:
    """Take one's own claim back."""
    try:
        done = undo_claim(_token(request.POST), by=signed_in(request), now=decided_now())
    except TooLate:
        messages.error(request, "A claim can be undone once, within ten minutes, by whoever made it.")
    except MayNotGive as refused:
        raise PermissionDenied("You do not lead that team any more.") from refused
    else:
        kept = f" {done.kept:,} had been given away since and stay." if done.kept else ""
        messages.success(request, f"Undone: {done.count:,} of them are as they were.{kept}")
    return HttpResponseRedirect(f"{reverse('unowned')}?{urlencode(_filters(request))}")


@require_http_methods(["GET", "HEAD", "POST"])
def owner(request: HttpRequest, slug: str, name: str) -> HttpResponse:
    """Settings of a repository; a POST says anew who owns it, or leaves that to the rules."""
    actor, row = actor_of(request), _found(request, slug, name)
    if not may_give_repository(actor, row.team_id, None):
        raise PermissionDenied("Only leads of its team, security and administrators say who owns a repository.")
    form = OwnerForm(request.POST if request.method == "POST" else None, actor=actor, repository=row)
    if not form.is_valid():
        return _owner_page(request, row, form, status=422 if form.is_bound else 200)
    rows, by, now = Repository.objects.filter(pk=row.pk), signed_in(request), decided_now()
    try:
        if form.cleaned_data["by"] == "rules":
            release_repositories(rows, by=by, now=now)
        else:
            give_repositories(rows, form.cleaned_data["team"], by=by, now=now)
    except MayNotGive as refused:
        raise PermissionDenied("You may give repositories to teams you lead.") from refused
    row.refresh_from_db()
    messages.success(request, f"{row.name} belongs to {row.team} now." if row.team else f"Nobody owns {row.name} now.")
    seen = Repository.objects.for_user(actor).filter(pk=row.pk).exists()
    return HttpResponseRedirect(reverse("repository", args=[slug, name]) if seen else reverse("unowned"))


def _page(request: HttpRequest, form: ClaimForm, *, status: int = 200, **more: object) -> HttpResponse:
    actor = actor_of(request)
    found = list_unowned(_filters(request), actor)
    if not form.is_bound and len(found.teams) == 1 and not actor.triages_everything:
        form.initial["team"] = found.teams[0][0]
    token, now = _token(request.GET), timezone.now()
    claimed = token if token and can_undo_claim(token, by=signed_in(request), now=now) else ""
    context = {"page": found, "form": form, "everything": actor.sees_everything, "claimed": claimed, **more}
    return page(request, _LIST if status == 200 else _WHOLE, context, now=now, status=status)


def _token(sent: QueryDict) -> str:
    said = sent.get("claimed", "")
    return said if _TOKEN.fullmatch(said) else ""


def _chosen(request: HttpRequest, form: ClaimForm) -> tuple[RepositoryQuerySet, int]:
    """The rows and how many somebody saw of them."""
    if form.cleaned_data["scope"] == "all":
        return unowned_repositories(_filters(request)), form.cleaned_data["expected"] or 0
    ids = {int(text) for text in request.POST.getlist("id") if text.isascii() and text.isdecimal() and len(text) < 19}
    return Repository.objects.listed().filter(team=None, pk__in=ids), len(ids)


def _filters(request: HttpRequest) -> dict[str, str]:
    """What narrows the list: in the address of the page, and in the form that claims."""
    sent = request.POST if request.method == "POST" else request.GET
    return {name: sent[name] for name in ("q", "registry", "environment", "page") if sent.get(name)}


def _owner_page(request: HttpRequest, row: Repository, form: OwnerForm, *, status: int) -> HttpResponse:
    actor, now = actor_of(request), timezone.now()
    header = find_repository(row.registry.slug, row.name, actor)  # who may only take it sees none of its numbers
    context = {
        "repository": row,
        "labels": shown_labels(row.labels),
        "given": labels_of(row),
        "labelable": may_label_repository(actor, row.team_id),
        "form": form,
        "head": head_of(header, actor, now=now) if header else None,
    }
    return page(request, _OWNER, context, now=now, status=status)


def _found(request: HttpRequest, slug: str, name: str) -> Repository:
    """A repository somebody may see, or may take."""
    actor = actor_of(request)
    rows = Repository.objects.select_related("registry", "team", "team_rule", "label_set")
    row = rows.filter(registry__slug=slug, name=name).first() if storable(slug, name) else None
    offered = row is not None and row.team_id is None and may_claim_repositories(actor)
    if row is None or not (offered or Repository.objects.for_user(actor).filter(pk=row.pk).exists()):
        raise Http404("There is no such repository.")
    return row
