"""Who is in a team, and looking people up."""

from __future__ import annotations

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from compliance.access import may_find_people, may_lead_team
from compliance.forms.people import MemberForm, RoleForm
from compliance.models import Membership, Team, TeamRoleChoice, User
from compliance.queries.settings_people import find_people
from compliance.queries.teams import find_team, members_of
from compliance.services.change_members import LastLead, remove_member, set_member
from compliance.views.respond import Shape, page, signed_in
from compliance.views.rights import actor_of, needs
from compliance.views.teams import team_for

_MEMBERS = Shape("compliance/team_members/page.html")
_FOUND = Shape("compliance/parts/found.html")


@require_http_methods(["GET", "HEAD", "POST"])
def members(request: HttpRequest, slug: str) -> HttpResponse:
    """Who is in a team; a POST takes somebody in."""
    team = team_for(request, slug)
    if request.method != "POST":
        return _page(request, team, MemberForm())
    _insist_on_leading(request, team)
    form = MemberForm(request.POST)
    if not form.is_valid():
        return _page(request, team, form, status=422)
    person, role = form.cleaned_data["person"], TeamRoleChoice(form.cleaned_data["role"])
    try:
        made = set_member(team, person, role)
    except LastLead:
        return _last_lead(request, team, Membership.objects.get(team=team, user=person), role)
    words = f"{person} is in {team} now." if made else f"{person} was in {team} already and has this role now."
    messages.success(request, words)
    return _back(team)


@require_POST
def member(request: HttpRequest, slug: str, person: int) -> HttpResponse:
    """Give a member another role, or take them out; without a lead only when that is meant."""
    team = team_for(request, slug)
    _insist_on_leading(request, team)
    row = get_object_or_404(Membership.objects.select_related("user"), team=team, user=person)
    meant = request.POST.get("leaderless") == "yes"
    try:
        if "remove" in request.POST:
            remove_member(team, row.user, leaderless=meant)
            messages.success(request, f"{row.user} is no longer in {team}.")
            return _after(request, team)
        form = RoleForm(request.POST)
        if not (form.is_valid() and row.user.is_active):
            return _page(request, team, MemberForm(), status=422)
        set_member(team, row.user, TeamRoleChoice(form.cleaned_data["role"]), leaderless=meant)
    except LastLead:
        return _last_lead(request, team, row, request.POST.get("role", ""))
    messages.success(request, f"{row.user} has another role in {team} now.")
    return _after(request, team)


@require_safe
@needs(may_find_people)
def find(request: HttpRequest) -> HttpResponse:
    """People whose names fit what is being typed, for the field that asks."""
    return page(request, _FOUND, {"id": "people-found", "found": find_people(request.GET)}, now=timezone.now())


def _page(request: HttpRequest, team: Team, form: MemberForm, *, status: int = 200, **more: object) -> HttpResponse:
    context = {
        "team": team,
        "members": members_of(team),
        "roles": [(value, str(label).partition(":")[0]) for value, label in TeamRoleChoice.choices],
        "leads": may_lead_team(actor_of(request), team.pk),
        "form": form,
        **more,
    }
    return page(request, _MEMBERS, context, now=timezone.now(), status=status)


def _last_lead(request: HttpRequest, team: Team, row: Membership, role: str) -> HttpResponse:
    """Ask again before nobody leads a team."""
    asked = {"person": row.user, "role": "" if "remove" in request.POST else role}
    return _page(request, team, MemberForm(), status=409, last_lead=asked)


def _insist_on_leading(request: HttpRequest, team: Team) -> None:
    if not may_lead_team(actor_of(request), team.pk):
        raise PermissionDenied(f"Only leads of {team} and administrators change its members.")


def _after(request: HttpRequest, team: Team) -> HttpResponse:
    """Who took themselves out may see the team no more."""
    still = find_team(team.slug, User.objects.get(pk=signed_in(request).pk).actor)
    return _back(team) if still else HttpResponseRedirect(reverse("teams"))


def _back(team: Team) -> HttpResponse:
    return HttpResponseRedirect(reverse("team_members", args=[team.slug]))
