"""Everybody who has an account: the list, making, changing, switching off and on, links to choose a password."""

from __future__ import annotations

from typing import Final

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from compliance.access import may_manage_people
from compliance.forms.people import PersonForm
from compliance.models import User
from compliance.queries.api_tokens import active_tokens
from compliance.queries.filters import number_of
from compliance.queries.security import factors_of
from compliance.queries.settings_people import FACTORS, STATES, list_people, teams_of
from compliance.queries.sign_on import connection_of
from compliance.services.api_tokens import revoke_tokens
from compliance.services.change_factors import reset_factors
from compliance.services.invite import invite_link
from compliance.services.save_person import (
    LastAdministrator,
    change_person,
    create_person,
    deactivate_person,
    reactivate_person,
)
from compliance.views.respond import Shape, page, signed_in
from compliance.views.rights import needs

_LIST: Final = Shape("compliance/people/page.html", "results")
_PERSON: Final = Shape("compliance/person/page.html")
_LAST: Final = "This is the last administrator: make somebody else one first."


@require_safe
@needs(may_manage_people)
def index(request: HttpRequest) -> HttpResponse:
    """Everybody, filtered."""
    context = {"page": list_people(request.GET), "states": STATES, "factors": FACTORS}
    return page(request, _LIST, context, now=timezone.now())


@require_http_methods(["GET", "HEAD", "POST"])
@needs(may_manage_people)
def new(request: HttpRequest) -> HttpResponse:
    """Make an account; the answer shows, once, the link by which its password is chosen."""
    now = timezone.now()
    form = PersonForm(request.POST if request.method == "POST" else None)
    if not form.is_valid():
        return page(request, _PERSON, {"form": form}, now=now, status=422 if form.is_bound else 200)
    person, path = create_person(form.cleaned_data, by=signed_in(request), now=now)
    return _page(request, person, link=request.build_absolute_uri(path), made=True)


@require_http_methods(["GET", "HEAD", "POST"])
@needs(may_manage_people)
def show(request: HttpRequest, person: int) -> HttpResponse:
    """One account; a POST changes it."""
    row = _found(person)
    if request.method != "POST":
        return _page(request, row)
    form = PersonForm(request.POST, person=row)
    if not form.is_valid():
        return _page(request, row, form=form, status=422)
    try:
        change_person(row, form.cleaned_data, by=signed_in(request), now=timezone.now())
    except LastAdministrator:
        form.add_error("role", _LAST)
        return _page(request, _found(person), form=form, status=409)
    messages.success(request, f"{row} was saved.")
    return HttpResponseRedirect(reverse("person", args=[row.pk]))


@require_POST
@needs(may_manage_people)
def link(request: HttpRequest, person: int) -> HttpResponse:
    """Make a link by which somebody chooses a password, and show it this once."""
    row = _found(person)
    if row == signed_in(request):  # or an unlocked screen would be enough to choose an administrator's password
        messages.info(request, "You change your own password here, by the one you have.")
        return HttpResponseRedirect(reverse("settings_password"))
    if not row.is_active:
        messages.error(request, f"{row} cannot log in. Let them in again first.")
        return HttpResponseRedirect(reverse("person", args=[row.pk]))
    path = invite_link(row, by=signed_in(request), now=timezone.now())
    return _page(request, row, link=request.build_absolute_uri(path))


@require_POST
@needs(may_manage_people)
def reset_factor(request: HttpRequest, person: int) -> HttpResponse:
    """Let somebody who lost their phone log in with the password alone."""
    row = _found(person)
    if row == signed_in(request):  # one's own: by the page that asks for the password first
        return HttpResponseRedirect(reverse("settings_factor_off"))
    if reset_factors(row, by=signed_in(request), now=timezone.now()):
        messages.success(request, f"{row} is logged out everywhere and logs in with the password alone.")
    else:
        messages.info(request, f"{row} had no second factor.")
    return HttpResponseRedirect(reverse("person", args=[row.pk]))


@require_POST
@needs(may_manage_people)
def tokens(request: HttpRequest, person: int) -> HttpResponse:
    """End one API token of somebody, or all."""
    row, wanted = _found(person), number_of(request.POST, "token")
    is_any = wanted is not None or request.POST.get("token") == "all"
    ended = revoke_tokens(row, now=timezone.now(), only=wanted) if is_any else 0
    words = {0: "There was no such token.", 1: "The token is revoked."}
    messages.info(request, words.get(ended, f"{ended} tokens are revoked."))
    return HttpResponseRedirect(reverse("person", args=[row.pk]))


@require_POST
@needs(may_manage_people)
def activate(request: HttpRequest, person: int) -> HttpResponse:
    """Keep somebody out, or let them in again."""
    row = _found(person)
    if request.POST.get("active") == "yes":
        reactivate_person(row)
        messages.success(request, f"{row} can log in again.")
        return HttpResponseRedirect(reverse("person", args=[row.pk]))
    try:
        deactivate_person(row, by=signed_in(request), now=timezone.now())
    except LastAdministrator:
        return _page(request, _found(person), refused=_LAST, status=409)
    messages.success(request, f"{row} is logged out everywhere and cannot log in any more.")
    return HttpResponseRedirect(reverse("person", args=[row.pk]))


def _page(
    request: HttpRequest, row: User, *, form: PersonForm | None = None, status: int = 200, **more: object
) -> HttpResponse:
    more["tokens"] = active_tokens(row, now=timezone.now())
    known = {"teams": teams_of(row), "factors": factors_of(row), "connection": connection_of(row)}
    context = {"person": row, **known, "form": form or PersonForm(person=row)}
    return page(request, _PERSON, {**context, **more}, now=timezone.now(), status=status)


def _found(person: int) -> User:
    return get_object_or_404(User, pk=person)
