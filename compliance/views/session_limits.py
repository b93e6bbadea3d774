"""How long a session may last, and when it was last used."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final

from allauth.usersessions.models import UserSession
from django.conf import settings
from django.contrib.auth import logout
from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from compliance.views.request_facts import client_address

Answer = Callable[[HttpRequest], HttpResponse]

_SEEN: Final = "seen"
_SECONDS_BETWEEN: Final = 60
"""Of two requests the second is not written down before this is over: each is a write, and pages are read a lot."""


def begin_limits(request: HttpRequest, now: datetime) -> None:
    """Have a session that begins end at a fixed moment, however much it is used until then."""
    request.session.set_expiry(now + timedelta(seconds=settings.SESSION_COOKIE_AGE))
    request.session[_SEEN] = int(now.timestamp())


def limit_sessions(get_response: Answer) -> Answer:
    """End a session that was not used for too long.

    Parts that a page asks for by itself are no use of it: a page left open would keep somebody logged in.
    """

    def middleware(request: HttpRequest) -> HttpResponse:
        seen = request.session.get(_SEEN)
        if seen is not None and not _asked_by_itself(request):
            now = timezone.now()
            if not request.user.is_authenticated:  # deactivated: it must not go on when they are let in again
                request.session.flush()
                return get_response(request)
            idle = int(now.timestamp()) - seen
            if 0 < settings.SESSION_IDLE_MINUTES * 60 < idle:
                logout(request)
            elif idle >= _SECONDS_BETWEEN:
                _mark(request, now)
        return get_response(request)

    return middleware


def _asked_by_itself(request: HttpRequest) -> bool:
    return request.method == "GET" and "HX-Request" in request.headers and "HX-Boosted" not in request.headers


def _mark(request: HttpRequest, now: datetime) -> None:
    request.session[_SEEN] = int(now.timestamp())
    UserSession.objects.filter(session_key=request.session.session_key).update(
        last_seen_at=now, ip=client_address(request)
    )
