"""What somebody is told of, and where; the same for a team, by its leads."""

from __future__ import annotations

import re
from typing import Final

from django.conf import settings
from django.contrib import messages
from django.core.exceptions import BadRequest, PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from compliance.access import may_lead_team, may_manage_registries
from compliance.forms.channel import ChannelForm
from compliance.models import Channel, Delivery, Team, User
from compliance.queries.mailed_views import mailed_views
from compliance.queries.notifications import channel_page, channels_page, find_channel
from compliance.services.save_channel import (
    TooMany,
    add_channel,
    delete_channel,
    send_test,
    subscribe,
    switch_channel,
)
from compliance.services.send_deliveries import TooManyTries, redeliver
from compliance.tasks.wake import ring
from compliance.views.respond import Shape, page, signed_in
from compliance.views.rights import actor_of
from compliance.views.teams import team_for

_LIST: Final = Shape("compliance/notifications/page.html")
_CHANNEL: Final = Shape("compliance/channel/page.html", "results")
_PAIR: Final = re.compile(r"([1-9][0-9]{0,17}):([a-z]{1,16})", re.ASCII)
_ID: Final = re.compile(r"[1-9][0-9]{0,17}", re.ASCII)


@require_http_methods(["GET", "HEAD", "POST"])
def index(request: HttpRequest) -> HttpResponse:
    """One's own channels; a POST adds one."""
    return _channels(request, signed_in(request), None)


@require_POST
def kinds(request: HttpRequest) -> HttpResponse:
    """What one's own channels are told of."""
    return _subscribed(request, signed_in(request), reverse("settings_notifications"))


@require_http_methods(["GET", "HEAD", "POST"])
def of_team(request: HttpRequest, slug: str) -> HttpResponse:
    """A team's channels; a POST adds one."""
    team = _led(request, slug)
    return _channels(request, team, team)


@require_POST
def team_kinds(request: HttpRequest, slug: str) -> HttpResponse:
    """What a team's channels are told of."""
    team = _led(request, slug)
    return _subscribed(request, team, reverse("team_notifications", args=[team.slug]))


@require_safe
def show(request: HttpRequest, channel_id: int) -> HttpResponse:
    """One channel, and what was sent to it."""
    channel = _channel_for(request, channel_id)
    found = channel_page(channel, request.GET)
    return page(request, _CHANNEL, {"page": found, "back": _home_of(channel)}, now=timezone.now())


@require_POST
def change(request: HttpRequest, channel_id: int) -> HttpResponse:
    """Try a channel out, switch it on or off, or delete it."""
    channel, by, now = _channel_for(request, channel_id), signed_in(request), timezone.now()
    match request.POST.get("do"):
        case "test":
            try:
                ring([send_test(channel, by=by, now=now)])
                messages.success(request, "A test is on its way; how it went will be said below.")
            except TooMany as error:
                messages.error(request, str(error))
        case "on" | "off" as wanted:
            switch_channel(channel, on=wanted == "on", by=by, now=now)
            messages.success(request, f"{channel.name} was switched {wanted}.")
        case "delete":
            delete_channel(channel, by=by, now=now)
            messages.success(request, f"{channel.name} was deleted.")
            return HttpResponseRedirect(_home_of(channel))
    return HttpResponseRedirect(reverse("channel", args=[channel.pk]))


@require_POST
def again(request: HttpRequest, channel_id: int) -> HttpResponse:
    """Send a message once more."""
    channel = _channel_for(request, channel_id)
    wanted = request.POST.get("delivery", "")
    if not _ID.fullmatch(wanted):
        raise BadRequest("Which message is not said.")
    delivery = get_object_or_404(Delivery, pk=int(wanted), channel=channel)
    try:
        ring([redeliver(delivery, now=timezone.now())])
        messages.success(request, "It is sent again.")
    except TooManyTries as error:
        messages.error(request, str(error))
    return HttpResponseRedirect(reverse("channel", args=[channel.pk]))


def _channels(request: HttpRequest, owner: User | Team, team: Team | None) -> HttpResponse:
    if request.method != "POST":
        return _page(request, owner, team, _form(request, team))
    form = _form(request, team, request.POST)
    if not form.is_valid():
        return _page(request, owner, team, form, status=422)
    try:
        made = add_channel(owner, form.wanted, by=signed_in(request), now=timezone.now())
    except TooMany as error:
        form.add_error(None, str(error))
        return _page(request, owner, team, form, status=409)
    if made.secret:
        return _page(request, owner, team, _form(request, team), secret=made.secret)
    messages.success(request, f"{made.channel.name} was added. Choose what it is told of.")
    return HttpResponseRedirect(_home_of(made.channel))


def _form(request: HttpRequest, team: Team | None, data: object = None) -> ChannelForm:
    """An operator allows private addresses at all, an administrator for one channel."""
    private = settings.ALLOW_PRIVATE_REGISTRIES and may_manage_registries(actor_of(request))
    initial = {"kind": "mail", "target": signed_in(request).email} if team is None else {"kind": "slack"}
    return ChannelForm(data, may_be_private=private, initial=initial)


def _page(
    request: HttpRequest,
    owner: User | Team,
    team: Team | None,
    form: ChannelForm,
    *,
    status: int = 200,
    secret: str = "",
) -> HttpResponse:
    kinds_url = (
        reverse("team_notifications_kinds", args=[team.slug]) if team else reverse("settings_notifications_kinds")
    )
    context = {
        "page": channels_page(owner),
        "views": () if team else mailed_views(signed_in(request)),
        "team": team,
        "form": form,
        "secret": secret,
        "mail": settings.MAIL_CONFIGURED,
        "kinds_url": kinds_url,
    }
    return page(request, _LIST, context, now=timezone.now(), status=status)


def _subscribed(request: HttpRequest, owner: User | Team, back: str) -> HttpResponse:
    found = (_PAIR.fullmatch(text) for text in request.POST.getlist("on")[:200])
    pairs = {(int(pair[1]), pair[2]) for pair in found if pair}
    subscribe(owner.channels.all(), pairs, by=signed_in(request), now=timezone.now())
    messages.success(request, "Saved.")
    return HttpResponseRedirect(back)


def _led(request: HttpRequest, slug: str) -> Team:
    team = team_for(request, slug)
    if not may_lead_team(actor_of(request), team.pk):
        raise PermissionDenied(f"Only leads of {team} and administrators decide what it is told of.")
    return team


def _channel_for(request: HttpRequest, channel_id: int) -> Channel:
    channel = find_channel(channel_id, actor_of(request))
    if channel is None:
        raise Http404("There is no such channel.")
    if channel.team_id is not None and not may_lead_team(actor_of(request), channel.team_id):
        raise PermissionDenied(f"Only leads of {channel.team} and administrators see where it is told of news.")
    return channel


def _home_of(channel: Channel) -> str:
    if channel.team is None:
        return reverse("settings_notifications")
    return reverse("team_notifications", args=[channel.team.slug])
