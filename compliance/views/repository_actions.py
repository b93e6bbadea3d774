"""What a repository's page offers: scanning it or one of its tags again, and being told of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_POST

from compliance.access import may_see_operations
from compliance.models import User
from compliance.queries.filters import storable
from compliance.queries.watched import hears_of_watched
from compliance.services.rescan_repository import Answer, MayNotScan, Rescan, rescan_repository, rescan_tag
from compliance.services.watch_repository import TooManyWatched, unwatch, watch
from compliance.tasks.wake import ring
from compliance.views.repositories import found_repository
from compliance.views.respond import of_this_site, signed_in
from compliance.views.rights import actor_of

_SAID: Final[Mapping[Answer, tuple[int, str]]] = {
    Answer.MADE: (messages.SUCCESS, "The registry is asked about all its tags."),
    Answer.WAITING: (messages.INFO, "A scan that has not come to it yet reads all its tags: no other was made."),
    Answer.RUNNING: (
        messages.WARNING,
        "A scan of all its tags is under way, so no other was made. It may have asked about some of them before you "
        "did: when it has ended, ask again if something was pushed just now.",
    ),
    Answer.OFF: (messages.WARNING, "The registry is switched off, so nothing of it is scanned."),
    Answer.GONE: (messages.WARNING, "The registry has no such repository any more."),
}
_SAID_OF_TAG: Final[Mapping[Answer, tuple[int, str]]] = {
    **_SAID,
    Answer.MADE: (messages.SUCCESS, "The registry is asked about {tag}."),
    Answer.WAITING: (messages.INFO, "A scan that has not begun asks about {tag}: no other was made."),
    Answer.GONE: (messages.WARNING, "The registry has no such tag any more."),
}


@require_POST
def rescan(request: HttpRequest, slug: str, name: str) -> HttpResponse:
    """Ask about all its tags now, or about the one that was named, or join the scan that does."""
    header, tag = found_repository(request, slug, name), request.POST.get("tag", "")
    try:
        made = _asked(header.id, tag, signed_in(request))
    except MayNotScan as error:
        raise PermissionDenied(
            "Only triagers and leads of its team, and the role security, have a repository scanned again. "
            "Ask a lead of the team."
        ) from error
    ring(made.wake_ups)
    level, said = (_SAID_OF_TAG if tag else _SAID)[made.answer]
    messages.add_message(request, level, said.replace("{tag}", tag))
    if not tag and made.scan_id is not None and may_see_operations(actor_of(request)):
        return HttpResponseRedirect(reverse("scan", args=[made.scan_id]))
    return HttpResponseRedirect(reverse("repository", args=[slug, name]))


def _asked(repository_id: int, tag: str, by: User) -> Rescan:
    now = timezone.now()
    if not tag:
        return rescan_repository(repository_id, by=by, now=now)
    return rescan_tag(repository_id, tag, by=by, now=now) if storable(tag) else Rescan(Answer.GONE)


@require_POST
def change_watch(request: HttpRequest, slug: str, name: str) -> HttpResponse:
    """Be told of a repository, or not any more."""
    header, by = found_repository(request, slug, name), signed_in(request)
    if request.POST.get("do") == "end":
        unwatch(header.id, by=by)
        messages.success(request, f"You do not watch {name} any more.")
    else:
        _watch(request, header.id, name)
    back = reverse("repository", args=[slug, name])
    return HttpResponseRedirect(of_this_site(request, request.POST.get("next", back)))


def _watch(request: HttpRequest, repository_id: int, name: str) -> None:
    try:
        watch(repository_id, by=signed_in(request), now=timezone.now())
    except TooManyWatched as error:
        messages.error(request, str(error))
        return
    if hears_of_watched(actor_of(request)):
        messages.success(request, f"You watch {name}: your channels are told of what gets worse in it.")
    else:
        messages.warning(
            request,
            f"You watch {name}, but no channel of yours is told of what you watch: choose one in your notifications.",
        )
