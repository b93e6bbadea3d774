"""Queries of the inbox under names: keeping, sharing, pinning, mailing and deleting them."""

from __future__ import annotations

from django.contrib import messages
from django.db import transaction
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST

from compliance.access import may_share_view_with, may_share_views
from compliance.models import SavedView, Team, User, ViewMail
from compliance.queries.filters import number_of, text_of
from compliance.queries.finding_filter import address, params_of, read_filter, read_view
from compliance.queries.saved_views import ViewRow, find_view
from compliance.queries.view_counts import views_page
from compliance.services.mail_view import CannotMail, end_mail, mail_view
from compliance.services.save_view import CannotSave, delete_view, save_view
from compliance.views.moment import decided_now
from compliance.views.respond import Shape, page, signed_in

_VIEWS = Shape("compliance/findings/views.html", "results")
_TABS = Shape("compliance/findings/views.html", "held")
_OF_A_TEAM = "team:"


@require_http_methods(["GET", "HEAD", "POST"])
def index(request: HttpRequest) -> HttpResponse:
    """All queries that somebody may see; a post keeps another."""
    if request.method == "POST":
        return _save(request)
    counted, now = text_of(request.GET, "counted"), timezone.now()
    found = views_page(signed_in(request), counted, now=now)
    shape = _TABS if counted == "pinned" else _VIEWS
    return page(request, shape, {"page": found, "views": found.views, "counted": counted == "all"}, now=now)


@require_POST
def pin(request: HttpRequest, view_id: int) -> HttpResponse:
    """Have a query among the tabs, or not; of nobody else's."""
    user = signed_in(request)
    found = _visible(user, view_id)
    view = SavedView.objects.get(pk=found.id)
    with transaction.atomic():
        if text_of(request.POST, "pinned"):
            view.pinned_by.add(user)
            view.unpinned_by.remove(user)
        else:
            view.unpinned_by.add(user)
            view.pinned_by.remove(user)
    return HttpResponseRedirect(reverse("findings_views"))


@require_POST
def mail(request: HttpRequest, view_id: int) -> HttpResponse:
    """Have a view mailed each week to a channel of one's own, or no more."""
    user = signed_in(request)
    found = _visible(user, view_id)
    channel = number_of(request.POST, "channel")
    if channel is None:
        _end(request, ViewMail.objects.filter(view=found.id))
        return HttpResponseRedirect(reverse("findings_views"))
    try:
        made = mail_view(found.id, channel, by=user, now=decided_now())
    except CannotMail as error:
        messages.error(request, str(error))
    else:
        messages.success(request, f"“{found.name}” goes to {made.channel.name} on Mondays at 8:00, {user.time_zone}.")
    return HttpResponseRedirect(reverse("findings_views"))


@require_POST
def end(request: HttpRequest) -> HttpResponse:
    """Have a view mailed no more, also one that was deleted or is not seen any more."""
    _end(request, ViewMail.objects.filter(pk=number_of(request.POST, "mail") or 0))
    return HttpResponseRedirect(f"{reverse('settings_notifications')}#views")


def _end(request: HttpRequest, mails: QuerySet[ViewMail]) -> None:
    user = signed_in(request)
    found = mails.filter(channel__user=user.pk).select_related("channel").first()
    if found is not None:
        end_mail(found, by=user, now=decided_now())
        messages.success(request, f"“{found.name}” is not mailed any more.")


@require_POST
def forget(request: HttpRequest, view_id: int) -> HttpResponse:
    """Delete a query of one's own, or one that was put before people one answers for."""
    found = _visible(signed_in(request), view_id)
    if not found.may_delete:
        raise Http404("There is no such view of yours.")
    delete_view(found.id, by=signed_in(request), now=decided_now())
    messages.success(request, f"“{found.name}” was deleted.")
    return HttpResponseRedirect(reverse("findings_views"))


def _save(request: HttpRequest) -> HttpResponse:
    """Keep a query of the inbox under a name; the same name again means the new one."""
    user = signed_in(request)
    params = params_of(request.POST.get("back", ""))
    query = address(read_filter(params), read_view(params))[1:]
    chosen = text_of(request.POST, "shared")
    try:
        team = _team(chosen, user)
        shared = (team is not None or chosen == "1") and may_share_views(user.actor)
        view = save_view(text_of(request.POST, "name"), query, by=user, shared=shared, team=team)
    except CannotSave as error:
        messages.error(request, str(error))
    else:
        messages.success(request, f"“{view.name}” is among the tabs now.")
    return HttpResponseRedirect(f"{reverse('findings')}?{query}")


def _team(chosen: str, user: User) -> Team | None:
    if not chosen.startswith(_OF_A_TEAM):
        return None
    team = Team.objects.filter(slug=chosen.removeprefix(_OF_A_TEAM)).first()
    if team is None or not may_share_view_with(user.actor, team.pk):
        raise CannotSave("Views are shared with teams you lead.")
    return team


def _visible(user: User, view_id: int) -> ViewRow:
    found = find_view(user, view_id)
    if found is None:
        raise Http404("There is no such view.")
    return found
