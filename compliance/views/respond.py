"""One URL, two shapes: a page, or the named part of it that htmx swaps in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast
from urllib.parse import urldefrag

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.cache import patch_vary_headers
from django.utils.http import url_has_allowed_host_and_scheme
from django_htmx.middleware import HtmxDetails

from compliance.models import User
from compliance.queries.filters import params_among

STOP_POLLING = 286  # htmx swaps the answer and asks no more


@dataclass(frozen=True, slots=True)
class Shape:
    """The template of a page and the part that answers htmx; the server names it, never the client."""

    template: str
    part: str = ""


def htmx(request: HttpRequest) -> HtmxDetails:
    """What django-htmx knows about this request."""
    return cast(HtmxDetails, request.htmx)  # type: ignore[attr-defined]  # set by its middleware


def wants_part(request: HttpRequest) -> bool:
    """Whether htmx asks for a part: a restored history entry needs the whole page."""
    details = htmx(request)
    return bool(details) and not details.history_restore_request and not details.boosted


def stays_here(request: HttpRequest) -> bool:
    """Whether htmx asks for the very address that the browser shows: that is no step in its history."""
    return urldefrag(htmx(request).current_url_abs_path or "").url == request.get_full_path()


def page(
    request: HttpRequest, shape: Shape, context: Mapping[str, Any], *, now: datetime, status: int = 200
) -> HttpResponse:
    """Render the page, or its part for htmx."""
    part = shape.part and wants_part(request)
    name = f"{shape.template}#{shape.part}" if part else shape.template
    response = render(request, name, {**context, "now": now}, status=status)
    patch_vary_headers(response, ["HX-Request"])
    response.headers["Cache-Control"] = "private, no-store"
    return response


def asked(request: HttpRequest) -> dict[str, str]:
    """What the address of a list says."""
    return params_among((name, value) for name, values in request.GET.lists() for value in values)


def of_this_site(request: HttpRequest, address: str) -> str:
    """Where a form asks to go on to, if that is here; else the overview."""
    is_here = url_has_allowed_host_and_scheme(address, {request.get_host()}, require_https=request.is_secure())
    return address if is_here else "/"


def signed_in(request: HttpRequest) -> User:
    """The user; the middleware lets nobody else through."""
    return cast(User, request.user)
