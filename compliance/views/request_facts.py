"""Who asks, from where and for which site: the first two are told to the database, for the audit trail."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from ipaddress import ip_address
from typing import Any, Final

import pghistory
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from structlog.contextvars import get_contextvars

from compliance.policy.relying_party import RelyingParty, relying_party

Answer = Callable[[HttpRequest], HttpResponse]

_SAFE: Final = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})
_NOWHERE: Final = "::"
"""Instead of an address where there is none: a server behind a socket file and no proxy that tells it."""
_LONGEST_PATH: Final = 300
_LONGEST_ID: Final = 64


def client_address(request: HttpRequest) -> str:
    """The address of whoever asks.

    A proxy of ours appends the address that it saw to what it was sent, so the last one of as many as there are proxies
    is true, and all before it are anybody's claims. Without ``TRUST_PROXY`` the header is not read at all.
    """
    told = [*request.headers.get("X-Forwarded-For", "").split(","), request.META.get("REMOTE_ADDR", "")]
    proxies = settings.TRUSTED_PROXIES
    nearest = told[-1 - proxies] if 0 < proxies < len(told) else told[-1]
    return _address(nearest) or _address(told[-1]) or _NOWHERE


def _address(text: str) -> str:
    try:
        return str(ip_address(text.strip()))
    except ValueError:
        return ""


def site_of(request: HttpRequest) -> RelyingParty | None:
    """What browsers bind passkeys to: the name that the operator says, else the one that was asked for."""
    return relying_party(settings.PUBLIC_URL, f"{request.scheme}://{request.get_host()}")


def recorded(request: HttpRequest) -> AbstractContextManager[Any]:
    """Have whatever is written meanwhile say who asked for it."""
    user = request.user
    told = {
        "user": user.pk,
        "who": user.get_username(),
        "ip": client_address(request),
        "request": str(get_contextvars().get("request_id", ""))[:_LONGEST_ID],
        "path": request.path[:_LONGEST_PATH],
    }
    context: AbstractContextManager[Any] = pghistory.context(**told)
    return context


def record_requests(get_response: Answer) -> Answer:
    """Record all requests that may change something; what a GET writes down, like an export, is its view's affair."""

    def middleware(request: HttpRequest) -> HttpResponse:
        if request.method in _SAFE:
            return get_response(request)
        with recorded(request):
            return get_response(request)

    return middleware
