"""Teams: the list, one team, making, describing and deleting one."""

from __future__ import annotations

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_safe

from compliance.access import may_claim_repositories, may_lead_team, may_manage_people
from compliance.forms.people import TeamForm
from compliance.models import Team
from compliance.queries.remediation_page import WINDOWS
from compliance.queries.team_work import team_work
from compliance.queries.teams import find_team, find_teams, list_teams, what_goes
from compliance.remediation.metrics import DEFINITIONS
from compliance.services.save_team import create_team, delete_team
from compliance.views.moment import decided_now
from compliance.views.respond import Shape, page, signed_in
from compliance.views.rights import actor_of, needs

_LIST = Shape("compliance/teams/page.html", "results")
_TEAM = Shape("compliance/team/page.html")
_FORM = Shape("compliance/team_form/page.html")
_DELETE = Shape("compliance/team_delete/page.html")
_FOUND = Shape("compliance/parts/found.html")


@require_safe
def index(request: HttpRequest) -> HttpResponse:
    """The teams somebody may see."""
    actor = actor_of(request)
    context = {"page": list_teams(request.GET, actor), "everything": actor.sees_everything}
    return page(request, _LIST, context, now=timezone.now())


@require_safe
def show(request: HttpRequest, slug: str) -> HttpResponse:
    """One team."""
    actor, now = actor_of(request), timezone.now()
    team = team_for(request, slug)
    found = team_work(team, request.GET, actor, now=now)
    context = {"page": found, "team": team, "leads": may_lead_team(actor, team.pk), "windows": WINDOWS}
    return page(request, _TEAM, {**context, "means": DEFINITIONS}, now=now)


@require_http_methods(["GET", "HEAD", "POST"])
@needs(may_manage_people)
def new(request: HttpRequest) -> HttpResponse:
    """Make a team."""
    now = timezone.now()
    form = TeamForm(request.POST if request.method == "POST" else None)
    if not form.is_valid():
        return page(request, _FORM, {"form": form}, now=now, status=422 if form.is_bound else 200)
    team = create_team(form.cleaned_data["name"], form.cleaned_data["description"], now=now)
    messages.success(request, f"{team.name} was made. Give it members, then repositories.")
    return HttpResponseRedirect(reverse("team_members", args=[team.slug]))


@require_http_methods(["GET", "HEAD", "POST"])
@needs(may_manage_people)
def edit(request: HttpRequest, slug: str) -> HttpResponse:
    """Rename or describe a team; its address stays."""
    team = get_object_or_404(Team, slug=slug)
    form = TeamForm(request.POST if request.method == "POST" else None, team=team)
    if not form.is_valid():
        context = {"form": form, "team": team}
        return page(request, _FORM, context, now=timezone.now(), status=422 if form.is_bound else 200)
    team.name, team.description = form.cleaned_data["name"], form.cleaned_data["description"]
    team.save(update_fields=["name", "description"])
    messages.success(request, f"{team.name} was saved.")
    return HttpResponseRedirect(reverse("team", args=[team.slug]))


@require_http_methods(["GET", "HEAD", "POST"])
@needs(may_manage_people)
def delete(request: HttpRequest, slug: str) -> HttpResponse:
    """Delete a team, after its name was written."""
    team = get_object_or_404(Team, slug=slug)
    if request.method == "POST" and request.POST.get("name") == team.name:
        delete_team(team, by=signed_in(request), now=decided_now())
        messages.success(request, f"{team.name} was deleted.")
        return HttpResponseRedirect(reverse("teams"))
    wrong = "This is not its name." if request.method == "POST" else ""
    context = {"team": team, "goes": what_goes(team), "wrong": wrong}
    return page(request, _DELETE, context, now=timezone.now(), status=422 if wrong else 200)


@require_safe
@needs(may_claim_repositories)
def find(request: HttpRequest) -> HttpResponse:
    """Teams whose names fit what is being typed, for the field that asks."""
    found = find_teams(request.GET, actor_of(request))
    return page(request, _FOUND, {"id": "teams-found", "found": found}, now=timezone.now())


def team_for(request: HttpRequest, slug: str) -> Team:
    """A team somebody may see.

    :raises Http404: also where there is one.
    """
    team = find_team(slug, actor_of(request))
    if team is None:
        raise Http404("There is no such team.")
    return team
