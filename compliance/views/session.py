"""Logging in and out, and the theme of this browser."""

from __future__ import annotations

from urllib.parse import urlencode, urlsplit

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.contrib.auth.views import LoginView
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_POST
from django_htmx.http import HttpResponseClientRedirect

from compliance.templatetags.plimsoll import THEMES
from compliance.views.respond import htmx

_YEAR = 365 * 24 * 3600


class Login(LoginView):
    """The login page. A part that htmx asks for after the session ended sends the whole browser here."""

    template_name = "compliance/login/page.html"
    redirect_authenticated_user = True

    def get(self, request: HttpRequest, *args: object, **kwargs: object) -> HttpResponse:
        """Show the form."""
        if htmx(request):
            here = urlsplit(htmx(request).current_url_abs_path or "/")
            back = f"{here.path}?{here.query}" if here.query else here.path
            return HttpResponseClientRedirect(f"{reverse('login')}?{urlencode({'next': back})}")
        return super().get(request, *args, **kwargs)


@require_POST
@login_not_required
def choose_theme(request: HttpRequest) -> HttpResponse:
    """Remember the theme in a cookie, so that the server renders it and nothing flashes."""
    target = request.POST.get("next", "")
    if not url_has_allowed_host_and_scheme(target, {request.get_host()}, require_https=request.is_secure()):
        target = "/"
    response = HttpResponseRedirect(target)
    theme = request.POST.get("theme", "")
    if theme in THEMES:
        response.set_cookie("theme", theme, max_age=_YEAR, httponly=True, samesite="Lax", secure=settings.HTTPS)
    return response
