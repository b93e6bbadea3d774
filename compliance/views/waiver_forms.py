"""Writing a waiver: the form, what it would cover, who can own it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from compliance.access import may_approve_waiver, may_ask_for_waiver, may_write_waivers
from compliance.forms.waiver import SCOPE_FIELDS, WaiverForm, people
from compliance.models import Finding, User, Waiver
from compliance.queries.filters import text_of
from compliance.queries.paging import page_of
from compliance.queries.waiver import find_waiver, finding_line, pending_reach
from compliance.queries.waiver_reach import MOST_RUN_KEYS, Reach
from compliance.queries.waiver_start import from_finding, from_query, from_waiver, left_out
from compliance.queries.waivers import teams_to_choose
from compliance.remediation.waiver_dates import presets
from compliance.services.write_waiver import TOO_VARIED, TOO_WIDE, WaiverRefused, reach_of, write_waiver
from compliance.views.moment import decided_now
from compliance.views.respond import Shape, page, signed_in
from compliance.views.rights import needs

_FORM = Shape("compliance/waiver_form/page.html", "preview")
_OWNERS = Shape("compliance/waiver_form/page.html", "owners")
_COVERED = Shape("compliance/waiver_covered/page.html")
_ASKED = (*SCOPE_FIELDS, "renews", "accepts_changes")
_MOST_OWNERS = 10
_DEFAULT_DAYS = 180


@dataclass(frozen=True, slots=True)
class Preview:
    """What a form that is being filled in would cover.

    :param refused: why it could not be saved; ``warnings``: what its author should know.
    :param counts_at_once: nobody else has to approve it.
    """

    reach: Reach
    refused: str
    warnings: tuple[str, ...]
    counts_at_once: bool
    query: str
    choices: tuple[tuple[str, date], ...]


@require_http_methods(["GET", "HEAD", "POST"])
@needs(may_write_waivers)
def new(request: HttpRequest) -> HttpResponse:
    """Write a waiver."""
    author = signed_in(request)
    renews = _renewed(request, author)
    if request.method != "POST":
        form = WaiverForm(author=author, initial=_beginning(request, author, renews), renews=renews)
        return _respond(request, form, None)
    form = WaiverForm(request.POST, author=author, renews=renews)
    if not form.is_valid():
        return _respond(request, form, _preview(form), status=422)
    try:
        waiver = write_waiver(form.draft(), by=author, now=decided_now())
    except WaiverRefused as error:
        for field, words in error.errors.items():
            form.add_error(field or None, words)
        return _respond(request, form, _preview(form), status=422)
    said = "counts from now on" if waiver.approved_at else "waits for somebody to approve it"
    messages.success(request, f"{waiver.title} was written and {said}.")
    return HttpResponseRedirect(reverse("waiver", args=[waiver.pk]))


@require_POST
@needs(may_write_waivers)
def preview(request: HttpRequest) -> HttpResponse:
    """What the form would cover if it were saved; nothing is stored."""
    author = signed_in(request)
    renews = _renewed(request, author)
    entered = request.POST.copy()
    chosen = _day(entered.get("preset", ""))
    if chosen:
        entered["until"] = chosen
    form = WaiverForm(entered, author=author, renews=renews).for_preview()
    form.is_valid()
    # The day is sent back only to who clicked one: what is typed meanwhile must not be overwritten.
    return _respond(request, form, _preview(form), chosen=chosen)


@require_safe
@needs(may_write_waivers)
def covered(request: HttpRequest) -> HttpResponse:
    """All findings that a scope in the address, or a waiver that waits, would cover: what previews count."""
    author = signed_in(request)
    now = timezone.now()
    waiting = find_waiver(_number(request.GET["waiver"]), author.actor) if "waiver" in request.GET else None
    if waiting is not None:
        reach = pending_reach(waiting, author.actor)
    else:
        form = WaiverForm(request.GET, author=author, renews=_renewed(request, author)).for_preview()
        form.is_valid()
        found = _preview(form)
        reach = found.reach if found else None
    rows = reach.shown(protected=bool(request.GET.get("protected"))) if reach else ()
    paging = page_of(request.GET.get("page", ""), len(rows))
    shown = tuple(finding_line(row) for row in rows[paging.offset : paging.offset + paging.size])
    return page(request, _COVERED, {"rows": shown, "paging": paging, "waiver": waiting}, now=now)


@require_safe
@needs(may_write_waivers)
def owners(request: HttpRequest) -> HttpResponse:
    """The first of the people whose names contain what was typed."""
    typed = text_of(request.GET, "owner")
    found = people(signed_in(request)).filter(username__icontains=typed).values_list("username", flat=True)
    return page(request, _OWNERS, {"owners": tuple(found[:_MOST_OWNERS])}, now=timezone.now())


def _respond(
    request: HttpRequest, form: WaiverForm, found: Preview | None, *, status: int = 200, chosen: str = ""
) -> HttpResponse:
    choices = found.choices if found else presets(timezone.now(), _DEFAULT_DAYS, form.author.time_zone)
    offered = choices[-1][1].isoformat()
    context = {
        "form": form,
        "chosen": chosen,
        "preview": found,
        "renews": form.renews,
        # A waiver that is renewed, or made for one finding, has no list behind it.
        "left_out": left_out(request.GET, form.initial),
        "teams": teams_to_choose(form.author.actor, triaged=True),
        "choices": choices,
        "offered": offered,
        # Buttons that are the same stay, for somebody may be about to press one.
        "offers_others": found is not None and offered != request.POST.get("offered", ""),
    }
    return page(request, _FORM, context, now=timezone.now(), status=status)


def _preview(form: WaiverForm) -> Preview | None:
    """``None`` while the scope cannot be read."""
    if not hasattr(form, "cleaned_data") or any(name not in form.cleaned_data for name in ("rule", "team")):
        return None
    if any(name not in form.cleaned_data for name in ("registry", "repository", "tag", "digest")):
        return None
    now, author, scope = timezone.now(), form.author, form.scope
    if not may_ask_for_waiver(author.actor, [scope.team_id]):
        return None
    accepts = bool(form.cleaned_data.get("accepts_changes"))
    reach = reach_of(scope, form.renews, accepts_changes=accepts, now=now)
    most = reach.most_days or _DEFAULT_DAYS
    return Preview(
        reach,
        refused=_refusal(reach),
        warnings=tuple(_warnings(form, reach)),
        counts_at_once=may_approve_waiver(author.actor, [scope.team_id]) and not reach.second_person,
        query=urlencode({name: form.data.get(name, "") for name in _ASKED if form.data.get(name)}),
        choices=presets(now, most, author.time_zone),
    )


def _refusal(reach: Reach) -> str:
    if reach.too_wide:
        return TOO_WIDE
    return TOO_VARIED if len(reach.run_keys) > MOST_RUN_KEYS else ""


def _warnings(form: WaiverForm, reach: Reach) -> list[str]:
    scope = form.scope
    found = []
    if scope.is_every_repository:
        found.append("It covers every repository of every team, also those that come later and run alike.")
    if scope.digest:
        found.append("It is pinned to a digest: the next push to the tag is not covered.")
    if form.renews is not None and reach.changed:
        found.append(
            f"{reach.changed:,} image{' runs' if reach.changed == 1 else 's run'} otherwise than was accepted. "
            "Unless you accept that, their findings stay open."
        )
    return found


def _renewed(request: HttpRequest, author: User) -> Waiver | None:
    asked = (request.POST if request.method == "POST" else request.GET).get("renews", "")
    if not asked:
        return None
    found = find_waiver(_number(asked), author.actor)
    if found is None:
        raise Http404("There is no such waiver.")
    if not may_ask_for_waiver(author.actor, [found.team_id]):
        raise PermissionDenied("You may renew waivers of the teams whose findings you work on.")
    return found


def _beginning(request: HttpRequest, author: User, renews: Waiver | None) -> dict[str, Any]:
    if renews is not None:
        return from_waiver(renews)
    mine = {"owner": author.get_username(), "reopens": True}
    asked = request.GET.get("finding", "")
    if not asked:
        return {**from_query(request.GET, author.actor), **mine}
    rows = Finding.objects.for_user(author.actor).select_related("repository__registry", "repository__team")
    found = rows.filter(pk=_number(asked)).first()
    if found is None:
        raise Http404("There is no such finding.")
    if not may_ask_for_waiver(author.actor, [found.repository.team_id]):
        raise PermissionDenied("You may ask for waivers of the teams whose findings you work on.")
    return {**from_finding(found), **mine}


def _day(text: str) -> str:
    """A day as a button of the form writes it."""
    try:
        return date.fromisoformat(text[:10]).isoformat()
    except ValueError:
        return ""


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 10 else 0
